"""`gatehouse domain`: a domain leads to the stage's API, by steps that may be cut off and go on."""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.handlers import BUILTIN_HANDLERS
from moto import settings as moto_settings
from moto.acm.models import acm_backends
from moto.apigateway.models import apigateway_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from chalicelib.store.logs.audit import audit_group
from infra.cli.domain import EXIT_WAITS
from infra.deploy.api import require_api
from infra.deploy.domain.gateway import make_domain
from infra.deploy.domain.records import Record, find_zone
from infra.deploy.domain.setup import DomainSetup, Progress
from infra.deploy.down.down import Down
from infra.doctor import reach as reach_checks
from infra.doctor.findings import Examined
from infra.errors import OperatorError
from infra.stage.aws import reach
from infra.stage.cloudformation.stack_status import Unsound
from tests.cli.conftest import Gatehouse, Ran
from tests.cli.cut import Cut, acting_at
from tests.support.account import list_names
from tests.support.audit import audit_lines
from tests.support.deployed import any_client, deploy_stand_in

NAME = "login.example.com"
ISSUER = f"https://{NAME}/"
OWN_REGION = "eu-west-3"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The command, on a stage with an API, in a project that lists it."""

    gatehouse: Gatehouse
    api: str

    @property
    def config(self) -> Path:
        return self.gatehouse.directory / ".chalice" / "config.json"

    def run(self, *arguments: str, typed: str | None = None) -> Ran:
        return self.gatehouse.run("domain", *arguments, "--project", str(self.gatehouse.directory), typed=typed)

    def issuer(self) -> str | None:
        stages = json.loads(self.config.read_text("utf-8"))["stages"]
        found: str | None = stages[self.gatehouse.stage.name].get("environment_variables", {}).get("GATEHOUSE_ISSUER")
        return found

    def setup(self, pause: Callable[[float], None]) -> DomainSetup:
        """Return the setup that the command makes, with another way to wait."""
        api = require_api(self.gatehouse.stage.name, self.gatehouse.directory)
        return DomainSetup(replace(self.gatehouse.stage, pause=pause), NAME, api, "", find_zone(NAME))

    def mapped(self) -> list[str]:
        return [one["restApiId"] for one in any_client("apigateway").get_base_path_mappings(domainName=NAME)["items"]]


@pytest.fixture
def deployed(gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """A deployed stage in a Region of its own."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", OWN_REGION)
    # moto fails to list the mappings of a domain that never had one.
    apigateway_backends[DEFAULT_ACCOUNT_ID][OWN_REGION].base_path_mappings = defaultdict(dict)
    stage = reach(gatehouse.stage.name)
    gatehouse = Gatehouse(stage, gatehouse.directory)
    gatehouse.listed()
    stage.clients.logs().create_log_group(logGroupName=audit_group(stage.name))
    yield Deployed(gatehouse, deploy_stand_in(stage, f"gatehouse-{stage.name}"))
    for domain in any_client("apigateway").get_domain_names()["items"]:
        any_client("apigateway").delete_domain_name(domainName=domain["domainName"])
    for certificate in any_client("acm").list_certificates()["CertificateSummaryList"]:
        any_client("acm").delete_certificate(CertificateArn=certificate["CertificateArn"])


@pytest.fixture
def zone() -> Iterator[str]:
    """The account's hosted zone of example.com."""
    route53 = any_client("route53")
    zone_id = route53.create_hosted_zone(Name="example.com.", CallerReference="test")["HostedZone"]["Id"]
    yield zone_id.rpartition("/")[2]
    for one in route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]:
        if one["Type"] not in ("NS", "SOA"):
            change = {"Action": "DELETE", "ResourceRecordSet": one}
            route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": [change]})
    route53.delete_hosted_zone(Id=zone_id)


@pytest.fixture
def issued(monkeypatch: pytest.MonkeyPatch) -> None:
    """ACM issues at once."""
    monkeypatch.setattr(moto_settings, "ACM_VALIDATION_WAIT", -1)


@contextmanager
def holding_certificates() -> Iterator[None]:
    """Let ACM delete no certificate: API Gateway holds it for some minutes after its domain is gone."""
    refusal = {"Error": {"Code": "ResourceInUseException", "Message": "in use"}}
    handler = ("before-call.acm.DeleteCertificate", lambda **_: (AWSResponse("", 400, HTTPHeaders(), None), refusal))
    BUILTIN_HANDLERS.append(handler)
    try:
        yield
    finally:
        BUILTIN_HANDLERS.remove(handler)


@pytest.mark.usefixtures("issued")
def test_one_command_leads_a_domain_to_the_api_and_makes_it_the_issuer(deployed: Deployed, zone: str) -> None:
    ran = deployed.run(NAME, "--yes")

    assert (ran.code, ran.err) == (0, "")
    assert deployed.mapped() == [deployed.api]
    assert deployed.issuer() == ISSUER
    found = any_client("apigateway").get_domain_name(domainName=NAME)
    assert (found["securityPolicy"], found["endpointConfiguration"]["types"]) == ("TLS_1_2", ["REGIONAL"])
    led = find_zone(NAME)
    assert led
    assert led.zone_id == zone
    assert led.find(NAME, "A") == Record(NAME, "A", found["regionalDomainName"], found["regionalHostedZoneId"])
    assert f"gatehouse deploy --stage {deployed.gatehouse.stage.name}" in ran.out
    assert f"{ISSUER}.well-known/openid-configuration" in ran.out

    again = deployed.run(NAME)
    assert (again.code, again.err) == (0, "")
    assert "nothing to change" in again.out


@pytest.mark.usefixtures("zone", "issued")
def test_doctor_tells_that_the_functions_do_not_have_the_issuer_yet(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(url: str) -> None:
        raise OSError(url)

    monkeypatch.setattr(reach_checks, "_fetch", fail)
    stage, examined = deployed.gatehouse.stage.name, Examined(deployed.gatehouse.stage, deployed.gatehouse.directory)
    before = [found.message for found in reach_checks.check_issuer(examined)]
    deployed.run(NAME, "--yes")
    after = [found for found in reach_checks.check_issuer(examined) if found.message not in before]

    assert [(found.status, found.mend) for found in after] == [("amber", f"gatehouse deploy --stage {stage}")]
    assert f"{ISSUER} in .chalice/config.json" in after[0].message


@pytest.mark.usefixtures("zone", "issued")
def test_domain_that_comes_and_goes_leaves_lines_in_the_audit_log(deployed: Deployed) -> None:
    deployed.run(NAME, "--yes")
    deployed.run(NAME, "--yes", "--remove")
    lines = audit_lines(deployed.gatehouse.stage, OWN_REGION)

    assert {(line["what"], line["domain"]) for line in lines} == {("domain", NAME)}
    assert [line.get("result") for line in lines] == [None, "done", None, "done"]
    assert [line.get("is_mapped") for line in lines] == [None, "true", None, None]
    assert [line.get("removed") for line in lines] == [None, None, "yes", "yes"]


@pytest.mark.usefixtures("zone", "issued")
def test_nothing_is_made_or_taken_away_if_the_audit_log_cannot_be_written(deployed: Deployed) -> None:
    group = audit_group(deployed.gatehouse.stage.name)
    any_client("logs").delete_log_group(logGroupName=group)
    refused, unmade = deployed.run(NAME, "--yes"), any_client("acm").list_certificates()["CertificateSummaryList"]
    any_client("logs").create_log_group(logGroupName=group)
    deployed.run(NAME, "--yes")
    any_client("logs").delete_log_group(logGroupName=group)
    kept = deployed.run(NAME, "--yes", "--remove")

    assert (refused.code, unmade, kept.code) == (2, [], 2)
    assert (deployed.mapped(), deployed.issuer()) == ([deployed.api], ISSUER)


@pytest.mark.usefixtures("zone", "issued")
def test_cost_of_another_issuer_is_said_before_anything_is_done(deployed: Deployed) -> None:
    before = list_names(any_client)
    planned, declined = deployed.run(NAME, "--dry-run"), deployed.run(NAME, typed="n\n")
    as_json = json.loads(deployed.run(NAME, "--dry-run", "--json").out)

    for ran, code in ((planned, 0), (declined, 1)):
        assert ran.code == code
        assert f"create  certificate of {NAME}" in ran.out
        assert f"/api/ to {ISSUER}" in ran.out
        assert "APIs have to take both" in ran.out
    assert f"certificate of {NAME}" in [one["what"] for one in as_json["changes"]]
    assert list_names(any_client) == before
    assert any_client("acm").list_certificates()["CertificateSummaryList"] == []
    assert deployed.issuer() is None


def test_domain_whose_dns_is_elsewhere_goes_on_as_its_owner_makes_the_records(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = deployed.run(NAME, "--yes"), deployed.run(NAME, "--yes")
    (arn,) = [one["CertificateArn"] for one in any_client("acm").list_certificates()["CertificateSummaryList"]]
    described = any_client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    proof = described["DomainValidationOptions"][0]["ResourceRecord"]

    for ran in (first, second):
        assert (ran.code, ran.err) == (EXIT_WAITS, "")
        assert [proof["Name"], "CNAME", proof["Value"]] in ran.rows
        assert "Run this command again" in ran.out
    assert deployed.issuer() is None

    monkeypatch.setattr(moto_settings, "ACM_VALIDATION_WAIT", -1)
    third = deployed.run(NAME, "--yes")
    target = any_client("apigateway").get_domain_name(domainName=NAME)["regionalDomainName"]
    assert (third.code, third.err) == (EXIT_WAITS, "")
    assert [NAME, "CNAME", target] in third.rows
    assert (deployed.mapped(), deployed.issuer()) == ([deployed.api], ISSUER)


@pytest.mark.usefixtures("zone")
def test_certificate_is_waited_for_while_its_record_is_in_the_zone(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            monkeypatch.setattr(moto_settings, "ACM_VALIDATION_WAIT", -1)

    told: list[str] = []
    progress = deployed.setup(pause).advance(told.append)

    assert progress == Progress(is_mapped=True)
    assert "Waiting up to 10 minutes for the certificate" in told
    assert len(waited) == 3


@pytest.mark.usefixtures("zone")
def test_certificate_that_does_not_come_is_waited_for_ten_minutes_at_most(deployed: Deployed) -> None:
    waited: list[float] = []
    progress = deployed.setup(waited.append).advance(lambda step: None)

    assert progress == Progress(is_mapped=False)
    assert 500 < sum(waited) <= 600


@pytest.mark.usefixtures("issued")
def test_record_that_leads_elsewhere_is_left_to_its_owner(deployed: Deployed, zone: str) -> None:
    old = {"Name": NAME, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "tenant.edge.example.net"}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": old}]}
    any_client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    ran = deployed.run(NAME, "--yes")
    target = any_client("apigateway").get_domain_name(domainName=NAME)["regionalDomainName"]

    assert (ran.code, ran.err) == (EXIT_WAITS, "")
    assert "DNS leads it elsewhere" in ran.out
    assert [NAME, "A", target] in ran.rows
    led = find_zone(NAME)
    assert led
    assert led.find(NAME, "CNAME") == Record(NAME, "CNAME", "tenant.edge.example.net")
    assert led.find(NAME, "A") is None


@pytest.mark.usefixtures("zone", "issued")
def test_domain_of_another_api_is_refused(deployed: Deployed) -> None:
    assert deployed.run(NAME, "--yes").code == 0
    gateway = any_client("apigateway")
    other = gateway.create_rest_api(name="another")["id"]
    gateway.delete_base_path_mapping(domainName=NAME, basePath="(none)")
    gateway.create_base_path_mapping(domainName=NAME, restApiId=other)
    ran = deployed.run(NAME, "--yes")

    assert ran.code == 2
    assert f"leads to REST API {other}" in ran.err
    assert deployed.mapped() == [other]


@pytest.mark.usefixtures("zone", "issued")
def test_domain_of_another_stage_is_refused_even_if_it_leads_nowhere(deployed: Deployed) -> None:
    other = f"{deployed.gatehouse.stage.name}-eu"
    make_domain(other, NAME, "")
    planned, ran = deployed.run(NAME, "--dry-run"), deployed.run(NAME, "--yes")

    assert (planned.code, ran.code, deployed.mapped()) == (2, 2, [])
    assert planned.err == ran.err
    assert f"is the domain of stage {other}" in ran.err
    assert f"gatehouse domain --stage {other} {NAME} --remove" in ran.err


@pytest.mark.usefixtures("zone", "issued")
def test_run_that_is_cut_off_at_any_call_goes_on_at_the_next(deployed: Deployed) -> None:
    """Each run loses the answer of one call, a later one each time, until a run has fewer."""
    for number in itertools.count():
        with acting_at(number, cut, "after-call") as made, suppress(Cut):
            assert deployed.run(NAME, "--yes").code == 0
        if len(made) <= number:
            break

    assert number > 20
    assert deployed.run(NAME).code == 0
    assert len(any_client("acm").list_certificates()["CertificateSummaryList"]) == 1
    assert (deployed.mapped(), deployed.issuer()) == ([deployed.api], ISSUER)


def cut() -> None:
    raise Cut


@pytest.mark.usefixtures("zone", "issued")
@pytest.mark.parametrize("taking", [("domain", NAME, "--remove", "--yes"), ("down", "--yes-delete")])
def test_domain_goes_with_its_record_and_certificate(deployed: Deployed, taking: tuple[str, ...]) -> None:
    assert deployed.run(NAME, "--yes").code == 0
    project = ("--project", str(deployed.gatehouse.directory))
    words = (*taking, deployed.gatehouse.stage.name) if taking[0] == "down" else taking
    ran = deployed.gatehouse.run(*words, *project)

    assert (ran.code, ran.err) == (0, "")
    assert NAME not in [one["domainName"] for one in any_client("apigateway").get_domain_names()["items"]]
    assert any_client("acm").list_certificates()["CertificateSummaryList"] == []
    led = find_zone(NAME)
    assert led
    records = any_client("route53").list_resource_record_sets(HostedZoneId=led.zone_id)["ResourceRecordSets"]
    assert {one["Type"] for one in records} == {"NS", "SOA"}
    assert deployed.issuer() == (None if taking[0] == "domain" else ISSUER)


@pytest.mark.usefixtures("issued")
def test_certificate_that_api_gateway_still_holds_goes_at_the_next_run(deployed: Deployed) -> None:
    deployed.run(NAME, "--yes")
    with holding_certificates():
        ran = deployed.run(NAME, "--remove", "--yes")
    domains, again = any_client("apigateway").get_domain_names()["items"], deployed.run(NAME, "--remove", "--yes")

    assert (ran.code, ran.err, domains, deployed.issuer()) == (EXIT_WAITS, "", [], None)
    assert f"Still there: certificate of {NAME}" in ran.out
    assert (again.code, again.err) == (0, "")
    assert any_client("acm").list_certificates()["CertificateSummaryList"] == []


@pytest.mark.usefixtures("issued")
def test_certificate_that_api_gateway_still_holds_does_not_stop_down(deployed: Deployed) -> None:
    deployed.run(NAME, "--yes")
    stage = replace(deployed.gatehouse.stage, pause=lambda _: None)
    with holding_certificates(), pytest.raises(Unsound) as left:
        Down(stage, deployed.gatehouse.directory, 7).delete(str)

    assert str(left.value) == f"certificate of {NAME} is still there. Run this again."
    assert f"gatehouse-{stage.name}" not in list_names(any_client)["functions"]


@pytest.mark.usefixtures("issued")
@pytest.mark.parametrize("taking", [("domain", NAME, "--remove", "--yes"), ("down", "--yes-delete")])
def test_domain_that_was_led_to_another_api_by_hand_goes_on(deployed: Deployed, taking: tuple[str, ...]) -> None:
    assert deployed.run(NAME, "--yes").code == EXIT_WAITS
    gateway = any_client("apigateway")
    other = gateway.create_rest_api(name="another")["id"]
    gateway.delete_base_path_mapping(domainName=NAME, basePath="(none)")
    gateway.create_base_path_mapping(domainName=NAME, basePath="(none)", restApiId=other)
    project = ("--project", str(deployed.gatehouse.directory))
    words = (*taking, deployed.gatehouse.stage.name) if taking[0] == "down" else taking
    ran = deployed.gatehouse.run(*words, *project)

    assert (ran.code, ran.err) == (0, "")
    assert deployed.mapped() == [other]
    assert [one["DomainName"] for one in any_client("acm").list_certificates()["CertificateSummaryList"]] == [NAME]
    if taking[0] == "down":
        assert f"domain {NAME}, which leads to an API that is not this stage's" in " ".join(ran.out.split())


@pytest.mark.usefixtures("issued")
def test_domain_that_was_made_by_hand_stays_without_its_mapping(deployed: Deployed) -> None:
    gateway = any_client("apigateway")
    gateway.create_domain_name(domainName=NAME, endpointConfiguration={"types": ["REGIONAL"]})
    unmapped = deployed.run(NAME, "--remove", "--yes")
    deployed.run(NAME, "--yes")
    before = deployed.mapped()
    ran = deployed.run(NAME, "--remove", "--yes")

    assert (unmapped.code, ran.code, ran.err) == (0, 0, "")
    assert "nothing to change" in unmapped.out
    assert (before, deployed.mapped(), deployed.issuer()) == ([deployed.api], [], None)
    assert gateway.get_domain_name(domainName=NAME)["domainName"] == NAME


@pytest.mark.usefixtures("zone", "issued")
def test_edge_optimised_domain_is_refused(deployed: Deployed) -> None:
    any_client("apigateway").create_domain_name(domainName=NAME, endpointConfiguration={"types": ["EDGE"]})
    ran = deployed.run(NAME, "--yes")

    assert ran.code == 2
    assert "no regional domain" in ran.err
    assert f"aws apigateway delete-domain-name --domain-name {NAME}" in ran.err
    assert any_client("acm").list_certificates()["CertificateSummaryList"] == []


@pytest.mark.usefixtures("zone")
def test_certificate_that_acm_refuses_is_no_success(deployed: Deployed) -> None:
    def refuse(_: float) -> None:
        for found in acm_backends[DEFAULT_ACCOUNT_ID][OWN_REGION]._certificates.values():
            found.status = "FAILED"

    with pytest.raises(OperatorError, match="FAILED"):
        deployed.setup(refuse).advance(str)

    assert any_client("apigateway").get_domain_names()["items"] == []
    assert "create  certificate" in deployed.run(NAME, "--dry-run").out


@pytest.mark.usefixtures("issued")
def test_one_of_two_zones_of_the_same_name_has_to_be_named(deployed: Deployed, zone: str) -> None:
    route53 = any_client("route53")
    other = route53.create_hosted_zone(Name="example.com.", CallerReference="other")["HostedZone"]["Id"].split("/")[2]
    unclear = deployed.run(NAME, "--yes")
    named = deployed.run(NAME, "--yes", "--zone", other)
    removed = deployed.run(NAME, "--yes", "--remove")
    records = route53.list_resource_record_sets(HostedZoneId=other)["ResourceRecordSets"]
    route53.delete_hosted_zone(Id=other)

    assert [ran.code for ran in (unclear, named, removed)] == [2, 0, 0]
    assert "--zone" in unclear.err
    assert zone in unclear.err
    assert {one["Type"] for one in records} == {"NS", "SOA"}


@pytest.mark.usefixtures("zone")
def test_own_certificate_is_taken_if_it_is_issued_for_the_domain(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    acm = any_client("acm")
    names = ("*.example.com", NAME, "other.example.com")
    wild, exact, other = (
        acm.request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"] for name in names
    )
    planned = [deployed.run(NAME, "--dry-run", "--certificate", one) for one in (exact, other)]
    pending = deployed.run(NAME, "--yes", "--certificate", exact)
    monkeypatch.setattr(moto_settings, "ACM_VALIDATION_WAIT", -1)
    refused = deployed.run(NAME, "--yes", "--certificate", other)
    unknown = deployed.run(NAME, "--yes", "--certificate", wild[:-4] + "0000")
    taken = deployed.run(NAME, "--yes", "--certificate", wild)

    assert [ran.code for ran in (*planned, pending, refused, unknown, taken)] == [2, 2, 2, 2, 2, 0]
    assert planned[0].err == pending.err
    assert "PENDING_VALIDATION" in pending.err
    assert "other.example.com, not for login.example.com" in refused.err
    assert "no certificate" in unknown.err
    assert any_client("apigateway").get_domain_name(domainName=NAME)["regionalCertificateArn"] == wild
    again, changed = deployed.run(NAME), deployed.run(NAME, "--yes", "--certificate", exact)
    assert (again.code, changed.code) == (0, 2)
    assert "nothing to change" in again.out
    assert (
        f"aws apigateway update-domain-name --patch-operations op=replace,path=/regionalCertificateArn,value={exact}"
        in (changed.err)
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("https://login.example.com", "give its name alone"),
        ("login.example.com/", "give its name alone"),
        ("login.example.com:443", "give its name alone"),
        ("Login.Example.com", "lower case: login.example.com"),
        ("*.example.com", "no wildcard"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("localhost", "is no domain"),
        ("192.0.2.1", "is no domain"),
        ("a-.example.com", "is no domain"),
        ("a..example.com", "is no domain"),
        (f"{'a' * 60}.example.com", "64 characters"),
        (f"{'a' * 64}.example.com", "is no domain"),
    ],
)
def test_name_that_is_no_domain_exits_with_2(shared: Gatehouse, name: str, says: str) -> None:
    ran = shared.run("domain", name)

    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_stage_without_an_api_and_zone_of_others_are_refused(deployed: Deployed, zone: str) -> None:
    stage = deployed.gatehouse.stage
    elsewhere = deployed.run("login.example.org", "--zone", zone)
    any_client("lambda").delete_function(FunctionName=f"gatehouse-{stage.name}")
    for api in any_client("apigateway").get_rest_apis()["items"]:
        any_client("apigateway").delete_rest_api(restApiId=api["id"])
    undeployed = deployed.run(NAME)

    assert (elsewhere.code, undeployed.code) == (2, 2)
    assert "no public hosted zone" in elsewhere.err
    assert f"gatehouse deploy --stage {stage.name}" in undeployed.err
