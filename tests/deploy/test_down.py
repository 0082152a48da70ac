"""`gatehouse down`, on what Chalice has deployed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from tests.deploy.conftest import ON_ONE_WORKER, PROJECT, Deployment
from tests.support.account import list_names

pytestmark = ON_ONE_WORKER


def acl_of(deployment: Deployment, stage: str) -> str:
    """Return the ARN of the web ACL before a stage's API, or ""."""
    client = deployment.aws.client("apigateway")
    stages = [one for api in client.get_rest_apis()["items"] for one in client.get_stages(restApiId=api["id"])["item"]]
    return next((str(one.get("webAclArn", "")) for one in stages if one["stageName"] == stage), "")


def test_deployed_stage_goes_and_the_one_beside_it_stays(deployment: Deployment, tmp_path: Path) -> None:
    before = list_names(deployment.aws.client)
    root = tmp_path / "prod"
    shutil.copytree(deployment.project.root, root, ignore=shutil.ignore_patterns("deployed", "deployments"))
    for policy in (PROJECT / ".chalice").glob("policy-prod*.json"):
        shutil.copyfile(policy, root / ".chalice" / policy.name)
    project = replace(deployment.project, root=root)
    tenant = root / "small.yaml"
    realm = {"name": "staff", "identifiers": ["username"]}
    tenant.write_text(json.dumps({"tenant": {"friendly_name": "Small"}, "realms": [realm], "apis": [], "clients": []}))
    made = [project.gatehouse(*words, "--stage", "prod") for words in (("up", "--waf", str(tenant)), ("deploy",))]
    held, acl = list_names(deployment.aws.client), acl_of(deployment, "prod")
    record = root / ".chalice" / "deployed" / "prod.json"
    was_recorded = record.exists()
    gone = project.gatehouse("down", "--stage", "prod", "--yes-delete", "prod")
    after = list_names(deployment.aws.client)

    assert [(run.returncode, run.stderr) for run in (*made, gone)] == [(0, "")] * 3, made[0].stdout + made[1].stdout
    assert "Web ACL gatehouse-prod stands before the API." in made[1].stdout
    assert "/webacl/gatehouse-prod/" in acl
    assert deployment.aws.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"] == []
    assert all(len(held[kind]) > len(before[kind]) for kind in before)
    assert was_recorded
    assert not record.exists()
    assert after.pop("groups") == sorted({*before.pop("groups"), "/gatehouse/prod/audit"})
    assert after == before
