"""Make of a function what Chalice makes, without Chalice: for tests of what comes after a deployment, or ends it."""

import io
import zipfile
from typing import Any

import boto3

from infra.local.emulated_aws import REGION
from infra.stage.aws import Stage

TRUST = '{"Version": "2012-10-17", "Statement": []}'
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}'


def any_client(service: str) -> Any:
    """Return a client of a service, without a type."""
    make: Any = boto3.client
    return make(service)


def deploy_stand_in(stage: Stage, name: str) -> str:
    """Make what Chalice makes of a function: its role, its schedule, a REST API that calls it; and a log of its own.

    Return the id of the API.
    """
    iam, functions, events, gateway = map(any_client, ("iam", "lambda", "events", "apigateway"))
    role = f"{name}-api_handler"
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=POLICY)
    packed = io.BytesIO()
    zipfile.ZipFile(packed, "w").close()
    function = functions.create_function(
        FunctionName=name, Runtime="python3.12", Role=arn, Handler="app.app", Code={"ZipFile": packed.getvalue()},
        Tags={"aws-chalice": f"version=1:stage={stage.name}:app=gatehouse"},
    )["FunctionArn"]  # fmt: skip
    events.put_rule(Name=f"{name}-event", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule=f"{name}-event", Targets=[{"Id": "1", "Arn": function}])
    api = gateway.create_rest_api(name="gatehouse")["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    of = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
    gateway.put_method(**of, authorizationType="NONE")
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway.put_integration(**of, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    stage.clients.logs().create_log_group(logGroupName=f"/aws/lambda/{name}-later")
    # A mapping asks for a stage of the API, which has this name if .chalice/config.json names none.
    gateway.create_deployment(restApiId=api, stageName="api")
    return str(api)
