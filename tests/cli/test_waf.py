"""`gatehouse up --waf` puts a web ACL before the stage's API, `--no-waf` takes it away; neither leaves it as it is."""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from infra.deploy import web_acl
from infra.deploy.web_acl import protect
from infra.doctor.findings import Examined
from infra.doctor.web_acl import check_web_acl
from infra.errors import OperatorError
from infra.stage import aws
from infra.stage.chalice_config import set_variable
from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse
from tests.cli.test_doctor import look
from tests.cli.test_down import down
from tests.support.deployed import deploy_stand_in
from tests.support.fixed import Clock
from tests.support.tenant_documents import small_document, write


def acls(gatehouse: Gatehouse) -> list[dict[str, Any]]:
    """Return the web ACLs of the stage, whole."""
    wafv2 = boto3.client("wafv2")
    listed = [one for one in wafv2.list_web_acls(Scope="REGIONAL")["WebACLs"] if one["Name"] == name_of(gatehouse)]
    return [wafv2.get_web_acl(Name=one["Name"], Scope="REGIONAL", Id=one["Id"])["WebACL"] for one in listed]


def name_of(gatehouse: Gatehouse) -> str:
    return f"gatehouse-{gatehouse.stage.name}"


def limits(gatehouse: Gatehouse) -> dict[str, int]:
    """Return the limits of the rate rules, by name."""
    (acl,) = acls(gatehouse)
    found = {one["Name"]: one["Statement"].get("RateBasedStatement") for one in acl["Rules"]}
    return {name: int(rate["Limit"]) for name, rate in found.items() if rate}


def make_api(gatehouse: Gatehouse) -> str:
    """Make what Chalice makes, with a deployed stage of the API, and return the API's id."""
    return deploy_stand_in(gatehouse.stage, name_of(gatehouse))


def protected_by(api: str) -> str:
    """Return the name of the web ACL before an API, or ""."""
    arn: str = boto3.client("apigateway").get_stage(restApiId=api, stageName="api").get("webAclArn") or ""
    return arn.rpartition("/webacl/")[2].partition("/")[0]


def test_web_acl_is_made_with_its_price_in_the_plan_and_once(gatehouse: Gatehouse) -> None:
    planned = gatehouse.up(small_document(), "--waf", "--dry-run")
    before = acls(gatehouse)
    made = gatehouse.up(small_document(), "--waf")
    again = gatehouse.up(small_document(), "--waf")
    without = gatehouse.up(small_document())

    for ran in (planned, made):
        assert f"create  stack {name_of(gatehouse)}-waf" in ran.out
        assert "price: $7.00 a month, and $0.60 a million requests" in ran.out
        assert "as of 2026-11, us-east-1" in ran.out
    assert before == []
    assert limits(gatehouse) == {"requests-by-address": 3000, "logins-by-address": 600}
    for ran in (again, without):
        assert (ran.code, ran.err, ran.out.endswith("nothing to change.\n")) == (0, "", True)


def test_up_without_the_option_makes_none(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())

    assert acls(gatehouse) == []
    assert gatehouse.up(small_document(), "--no-waf").out.endswith("nothing to change.\n")


def test_plan_as_json_has_the_price(gatehouse: Gatehouse) -> None:
    ran = gatehouse.up(small_document(), "--waf", "--waf-account-takeover", "form", "--dry-run", "--json")
    (change,) = (one for one in json.loads(ran.out)["changes"] if one["what"].endswith("-waf"))

    assert change["action"] == "create"
    assert "price: $18.00 a month, and $0.60 a million requests, $1.00 a thousand logins" in change["detail"]


def test_limits_are_changed_in_place_and_the_allowlist_is_the_tenants(gatehouse: Gatehouse) -> None:
    document = small_document()
    gatehouse.up(document, "--waf")
    (first,) = acls(gatehouse)
    allowlist = ["192.0.2.7", "198.51.100.0/24", "2001:db8::/32", "::/0"]
    document["attack_protection"] = {"suspicious_ip_throttling": {"allowlist": allowlist}}
    ran = gatehouse.up(document, "--waf", "--waf-requests", "9000", "--waf-logins", "1200")
    (second,) = acls(gatehouse)
    sets = boto3.client("wafv2")
    listed = [
        one for one in sets.list_ip_sets(Scope="REGIONAL")["IPSets"] if one["Name"].startswith(name_of(gatehouse))
    ]
    found = {
        one["Name"].removeprefix(f"{name_of(gatehouse)}-"): sets.get_ip_set(
            Name=one["Name"], Scope="REGIONAL", Id=one["Id"]
        )["IPSet"]["Addresses"]
        for one in listed
    }

    assert (ran.code, ran.err) == (0, "")
    assert first["ARN"] == second["ARN"]
    assert limits(gatehouse) == {"requests-by-address": 9000, "logins-by-address": 1200}
    assert found == {
        "ipv4": ["192.0.2.7/32", "198.51.100.0/24"],
        "ipv6": ["2001:db8::/32", "::/1", "8000::/1"],
    }


def test_account_takeover_rules_come_and_go_with_their_option(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document(), "--waf", "--waf-account-takeover", "json")
    (rule,) = [one for one in acls(gatehouse)[0]["Rules"] if one["Name"] == "account-takeover"]
    (config,) = rule["Statement"]["ManagedRuleGroupStatement"]["ManagedRuleGroupConfigs"]
    gatehouse.up(small_document(), "--waf")
    (acl,) = acls(gatehouse)

    assert config["AWSManagedRulesATPRuleSet"]["RequestInspection"] == {
        "PayloadType": "JSON",
        "UsernameField": {"Identifier": "/username"},
        "PasswordField": {"Identifier": "/password"},
    }
    assert [one["Name"] for one in acl["Rules"]] == ["requests-by-address", "logins-by-address"]


@pytest.mark.parametrize(
    "options", [("--waf-requests", "50"), ("--waf-account-takeover", "form"), ("--no-waf", "--waf-logins", "50")]
)
def test_setting_without_the_web_acl_is_refused_before_anything_is_made(
    gatehouse: Gatehouse, options: tuple[str, ...]
) -> None:
    ran = gatehouse.up(small_document(), *options)

    assert ran.code == 2
    assert "are for --waf: give it too." in ran.err
    assert holdings(gatehouse.stage)["stacks"] == {}


def test_stage_behind_proxies_gets_none_as_all_callers_would_be_one(gatehouse: Gatehouse) -> None:
    options = gatehouse.listed()
    config = gatehouse.directory / ".chalice" / "config.json"
    document = json.loads(config.read_text("utf-8"))
    document["environment_variables"] = {"GATEHOUSE_TRUSTED_PROXIES": "1"}
    config.write_text(json.dumps(document))
    ran = gatehouse.run("up", write(gatehouse.directory, small_document()), *options, "--waf")

    assert ran.code == 2
    assert "Put a web ACL before the first proxy" in ran.err
    assert holdings(gatehouse.stage)["stacks"] == {}


def test_api_that_is_deployed_is_behind_the_web_acl_until_it_is_taken_away(own: Gatehouse) -> None:
    api = make_api(own)
    planned = own.up(small_document(), "--waf", "--dry-run")
    before = protected_by(api)
    made = own.up(small_document(), "--waf")
    behind = protected_by(api)
    gone = own.up(small_document(), "--no-waf")

    association = f"web ACL {name_of(own)} before REST API {api}"
    for ran in (planned, made):
        assert f"create  {association}" in ran.out
    assert (before, behind) == ("", name_of(own))
    assert (gone.code, gone.err) == (0, "")
    assert f"delete  {association}" in gone.out
    assert f"delete  stack {name_of(own)}-waf" in gone.out
    assert (acls(own), protected_by(api)) == ([], "")
    assert own.up(small_document(), "--no-waf").out.endswith("nothing to change.\n")


def test_api_that_is_deployed_later_gets_the_web_acl_by_deploy(own: Gatehouse) -> None:
    without = look(own)[1]["web ACL"]
    own.up(small_document(), "--waf")
    alone = look(own)[1]["web ACL"]
    api = make_api(own)

    assert (without["status"], without["message"]) == (
        "green",
        "It is off: gatehouse up --waf puts one before the API.",
    )
    assert (alone["status"], alone["message"]) == ("amber", "There is no API yet.")

    before = look(own)[1]["web ACL"]
    assert protect(own.stage, own.directory) is True
    assert protected_by(api) == name_of(own)
    assert protect(own.stage, own.directory) is False
    assert before == {
        "check": "web ACL",
        "status": "amber",
        "message": f"It does not stand before REST API {api}.",
        "mend": f"gatehouse deploy --stage {own.stage.name}",
    }
    assert look(own)[1]["web ACL"]["status"] == "green"


def test_proxies_that_came_later_are_told_by_deploy_and_the_doctor(own: Gatehouse) -> None:
    own.up(small_document(), "--waf")
    api = make_api(own)
    set_variable(own.stage.name, "GATEHOUSE_TRUSTED_PROXIES", "1", own.directory)
    with pytest.raises(OperatorError, match="counts each as one caller"):
        protect(own.stage, own.directory)
    (found,) = check_web_acl(Examined(own.stage, own.directory))

    assert protected_by(api) == ""
    assert found.status == "red"
    assert found.mend == f"gatehouse up --no-waf --stage {own.stage.name} TENANT_FILE"
    assert own.up(small_document(), "--no-waf").code == 0


def test_web_acl_that_aws_does_not_know_everywhere_yet_is_asked_for_again(
    own: Gatehouse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.up(small_document(), "--waf")
    api, refusals = make_api(own), iter(range(2))

    def refuse(**_: Any) -> Any:
        answer = {"Error": {"Code": "WAFUnavailableEntityException", "Message": "not yet"}}
        return (AWSResponse("", 400, HTTPHeaders(), None), answer) if next(refusals, None) is not None else None

    def refusing() -> boto3.Session:
        session = aws.new_session()
        session.events.register("before-call.wafv2.AssociateWebACL", refuse)
        return session

    monkeypatch.setattr(web_acl, "new_session", refusing)

    assert protect(replace(own.stage, pause=clock.pause), own.directory) is True
    assert (protected_by(api), clock.paused) == (name_of(own), [5, 5])


def test_api_with_a_web_acl_of_the_team_is_left_alone(own: Gatehouse) -> None:
    api, wafv2 = make_api(own), boto3.client("wafv2")
    shown = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "theirs"}
    theirs = wafv2.create_web_acl(
        Name=f"theirs-{own.stage.name}", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=shown
    )["Summary"]
    arn = f"arn:aws:apigateway:{wafv2.meta.region_name}::/restapis/{api}/stages/api"
    wafv2.associate_web_acl(WebACLArn=theirs["ARN"], ResourceArn=arn)
    ran = own.up(small_document(), "--waf")
    kept = protected_by(api)
    own.up(small_document(), "--no-waf")

    assert ran.code == 2
    assert f"REST API {api} has another web ACL" in ran.err
    assert (acls(own), kept, protected_by(api)) == ([], theirs["Name"], theirs["Name"])


def test_stage_that_is_taken_down_leaves_no_web_acl(own: Gatehouse) -> None:
    make_api(own)
    own.up(small_document(), "--waf")
    held = acls(own)
    ran = down(own, "--yes-delete", own.stage.name)

    assert len(held) == 1
    assert (ran.code, ran.err) == (0, "")
    assert acls(own) == []
    assert f"Deleting stack {name_of(own)}-waf" in ran.out
