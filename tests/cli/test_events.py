"""The section `events` of a tenant file: its faults, and what `apply` and `deploy` connect by it."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chalicelib.store.configuration.events_secret import open_secret
from chalicelib.store.configuration.vault import Vault
from infra.stage.aws import Stage, new_session
from infra.stage.logs.reading import function_groups
from infra.stage.logs.subscription import ANY_EVENT, connect_events, make_pattern
from infra.tenant.log_codes import LOG_CODES
from tests.cli.conftest import Gatehouse
from tests.support.tenant_documents import small_document, write

BUS = {"eventbridge": {"bus": "gatehouse-dev-events"}}


def events(to: Any = BUS, types: Any = ("fp", "fu")) -> dict[str, Any]:
    return small_document(events={"types": list(types), "to": to})


@pytest.fixture
def own(gatehouse: Gatehouse) -> Gatehouse:
    gatehouse.provision(small_document())
    return gatehouse


def deploy_function(stage: Stage) -> None:
    """Make the function as Chalice does."""
    packed, name = io.BytesIO(), f"gatehouse-{stage.name}-events"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "")
    role = new_session().client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    new_session().client("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.12",
        Handler="app.events",
        Code={"ZipFile": packed.getvalue()},
    )


def subscriptions(stage: Stage) -> dict[str, list[str]]:
    """Return the filter patterns of each function's log group."""
    logs = stage.clients.logs()
    found = {name: logs.describe_subscription_filters(logGroupName=name) for name in function_groups(stage)}
    return {name: [one["filterPattern"] for one in all_["subscriptionFilters"]] for name, all_ in found.items()}


def mappings(stage: Stage) -> list[str]:
    found = new_session().client("lambda").list_event_source_mappings(FunctionName=f"gatehouse-{stage.name}-events")
    return [one["EventSourceArn"].rpartition(":")[2] for one in found["EventSourceMappings"]]


def test_events_are_connected_once_the_function_is_deployed(own: Gatehouse) -> None:
    before = own.apply(events())
    deploy_function(own.stage)
    after = own.apply(events())

    assert (before.code, "gatehouse deploy" in before.out) == (0, True)
    assert (after.code, after.err, "gatehouse deploy" in after.out) == (0, "", False)
    found, own_group = subscriptions(own.stage), f"/aws/lambda/gatehouse-{own.stage.name}-events"
    assert found.pop(own_group) == []
    assert len(found) >= 4
    assert {*map(tuple, found.values())} == {('{ ($.event = "fp") || ($.event = "fu") }',)}
    assert mappings(own.stage) == [f"gatehouse-{own.stage.name}-events"]


def test_events_that_leave_the_file_are_disconnected(own: Gatehouse) -> None:
    own.apply(events())
    deploy_function(own.stage)
    own.apply(events())
    ran = own.apply(small_document())

    assert (ran.code, ran.err) == (0, "")
    assert {*map(tuple, subscriptions(own.stage).values())} == {()}
    assert mappings(own.stage) == []
    assert connect_events(own.stage)


def test_stage_that_is_taken_down_leaves_no_source_of_events(own: Gatehouse) -> None:
    own.apply(events())
    deploy_function(own.stage)
    own.apply(events())
    connected = mappings(own.stage)
    ran = own.run("down", "--yes-delete", own.stage.name, *own.listed())

    assert (ran.code, ran.err) == (0, "")
    assert (len(connected), mappings(own.stage)) == (1, [])


def test_stage_without_events_asks_nothing_of_lambda(own: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("infra.stage.logs.subscription.EventsFunction.find")
    ran = own.apply(small_document())

    assert (ran.code, ran.err) == (0, "")


def test_functions_may_be_deployed_before_the_stage_is_brought_up(gatehouse: Gatehouse) -> None:
    assert connect_events(gatehouse.stage)


def test_pattern_of_all_codes_fits_cloudwatch() -> None:
    assert make_pattern([*LOG_CODES]) == ANY_EVENT
    assert len(make_pattern([*LOG_CODES][:30])) <= 1024


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (events({}), "must have one of eventbridge, s3 and webhook"),
        (events(BUS | {"s3": {"bucket": "gatehouse-dev-events"}}), "must have one of eventbridge, s3 and webhook"),
        (events(types=["fp", "nope"]), "must be a log code"),
        (events(types=[]), "types"),
        (events({"eventbridge": {"bus": "a b"}}), "name of an event bus"),
        (events({"s3": {"bucket": "Capital"}}), "name of an S3 bucket"),
        (events({"s3": {"bucket": "gatehouse-dev-events", "prefix": "a b"}}), "200 letters"),
        (events({"kafka": {}}), "kafka"),
        (events({"webhook": {"url": "https://example.com/", "secret": "never here"}}), "secret"),
        *(
            (events({"webhook": {"url": url}}), "https URL without credentials")
            for url in (
                "http://example.com/",
                "https://me:secret@example.com/",
                "https://example.com/#x",
                "https:///path",
                "https://exa mple.com/",
                "ftp://example.com/",
                "https://example.com/\nHost: x",
                "https://",
            )
        ),
    ],
)
def test_faulty_section_is_refused_with_its_mend(
    gatehouse: Gatehouse, tmp_path: Path, document: dict[str, Any], words: str
) -> None:
    ran = gatehouse.run("check", write(tmp_path, document))

    assert ran.code == 2
    assert words in ran.out + ran.err
    assert "never here" not in ran.out + ran.err


@pytest.mark.parametrize(
    "to",
    [BUS, {"s3": {"bucket": "gatehouse-dev-events"}}, {"webhook": {"url": "https://siem.example.com:8443/in?a=b"}}],
)
def test_section_of_each_kind_is_fine(gatehouse: Gatehouse, tmp_path: Path, to: dict[str, Any]) -> None:
    ran = gatehouse.run("check", write(tmp_path, events(to)))

    assert (ran.code, ran.err) == (0, "")


def test_secret_is_shown_once_and_stored_sealed(own: Gatehouse) -> None:
    shown = [own.run("events", "rotate-secret").out.strip().rpartition("=")[2] for _ in range(2)]
    stored = open_secret(own.stage.config(), Vault(own.stage.aws, own.stage.name))

    assert (len({*shown}), stored) == (2, shown[1])
    assert shown[1] not in str([*own.stage.config().documents()])
