"""The functions of a stage, and what calls them: its REST API, its schedules. Then the functions' roles."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from infra.deploy.api import AwsAccount, record_of
from infra.deploy.down.domains import domain_parts
from infra.deploy.down.part import Names, Part
from infra.deploy.web_acl import acl_of, end_association
from infra.stage.aws import PATIENT, new_session


def function_parts(names: Names, project: Path) -> Iterator[Part]:
    """Yield the parts that Chalice deploys, those that call a function before it."""
    # Deleting a domain deletes its mappings.
    yield from domain_parts(names.stage, AwsAccount(project).apis_of(names.stage))
    yield from _api_parts(names, project)
    events, functions, iam = map(_client, ("events", "lambda", "iam"))
    for rule in _named(events, "list_rules", "Rules[].Name", names):
        yield Part(f"schedule {rule}", partial(_delete_rule, events, rule))
    # They outlive their function, and one of the same name would have them again.
    wanted = "EventSourceMappings[?State != 'Deleting']"
    sources = functions.get_paginator("list_event_source_mappings").paginate().search(wanted)
    for source in [one for one in sources if names.has(one["FunctionArn"].rpartition(":")[2])]:
        queue = source["EventSourceArn"].rpartition(":")[2]
        delete = partial(functions.delete_event_source_mapping, UUID=source["UUID"])
        yield Part(f"event source {queue}", delete)
    for function in _named(functions, "list_functions", "Functions[].FunctionName", names):
        yield Part(f"function {function}", partial(functions.delete_function, FunctionName=function))
    for role in filter(names.has_role, _named(iam, "list_roles", "Roles[].RoleName", names)):
        yield Part(f"role {role}", partial(_delete_role, iam, role))


def _api_parts(names: Names, project: Path) -> Iterator[Part]:
    account = AwsAccount(project)
    for api in account.apis_of(names.stage):
        client = account.apigateway()
        if acl_of(project, api):
            # AWS WAF deletes no web ACL that protects an API.
            yield Part(f"association of REST API {api.rest_api_id} with a web ACL", partial(end_association, api))
        for domain, path in _mappings(client, api.rest_api_id):
            # API Gateway deletes no API that a domain leads to.
            delete = partial(client.delete_base_path_mapping, domainName=domain, basePath=path)
            yield Part(f"mapping of {domain} to REST API {api.rest_api_id}", delete)
        # It allows one such deletion in thirty seconds: this client waits.
        yield Part(f"REST API {api.rest_api_id}", partial(client.delete_rest_api, restApiId=api.rest_api_id))
    record = record_of(names.stage, project)
    if record.exists():
        yield Part(f"record {record.relative_to(project)}", partial(record.unlink, missing_ok=True))


def _mappings(client: Any, rest_api_id: str) -> Iterator[tuple[str, str]]:
    """Yield the custom domains that lead to an API, each with the path at which it does."""
    for domain in client.get_paginator("get_domain_names").paginate().search("items[].domainName"):
        pages = client.get_paginator("get_base_path_mappings").paginate(domainName=domain)
        for mapping in pages.search("items[]"):
            if mapping and mapping["restApiId"] == rest_api_id:
                yield domain, mapping["basePath"]


def _client(service: str) -> Any:
    """Return a client of a service. No stubs of two of these are installed, so none has a type."""
    make: Any = new_session().client
    return make(service, config=PATIENT)


def _named(client: Any, operation: str, wanted: str, names: Names) -> Iterator[str]:
    """Yield the names of the stage in what an operation lists. wanted: the place of the names, in JMESPath."""
    return filter(names.has, client.get_paginator(operation).paginate().search(wanted))


def _delete_rule(events: Any, rule: str) -> None:
    targets = [one["Id"] for one in events.list_targets_by_rule(Rule=rule)["Targets"]]
    if targets:
        events.remove_targets(Rule=rule, Ids=targets)
    events.delete_rule(Name=rule)


def _delete_role(iam: Any, role: str) -> None:
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=role)
