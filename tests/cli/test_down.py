"""`gatehouse down`: a stage goes with all that bears its name, and nothing else goes; then it can come again."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.logs.models import logs_backends

from chalicelib import wiring
from chalicelib.store.logs.audit import audit_group
from infra.deploy.down.down import Down
from infra.deploy.down.part import ROLES, Names
from infra.local.emulated_aws import REGION
from infra.stage.aws import Stage, reach
from infra.stage.chalice_config import SOURCES
from infra.stage.people import People
from infra.stage.provision import up
from infra.tenant.file import load
from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse, Ran
from tests.cli.cut import Cut, cut_at
from tests.support.account import list_names
from tests.support.audit import audit_lines
from tests.support.deployed import any_client, deploy_stand_in
from tests.support.fixed import Clock
from tests.support.function_aws import function_aws
from tests.support.stages import client_of
from tests.support.tenant_documents import small_document

PASSWORD = "correct horse battery staple"


@pytest.fixture
def dev(aws: Stage, gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gatehouse]:
    """The command, on a stage dev in a Region of its own."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    yield Gatehouse(reach("dev"), gatehouse.directory)


def down(gatehouse: Gatehouse, *options: str, typed: str | None = None) -> Ran:
    return gatehouse.run("down", *gatehouse.listed(), *options, typed=typed)


def mapped() -> list[str]:
    """Return the ids of the REST APIs to which custom domains of this Region lead."""
    gateway = any_client("apigateway")
    domains = [one["domainName"] for one in gateway.get_domain_names()["items"]]
    found = [one for name in domains for one in gateway.get_base_path_mappings(domainName=name).get("items", [])]
    return [one["restApiId"] for one in found]


def states_of_keys(stage: Stage) -> set[str]:
    kms = stage.clients.kms
    keys = [key for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]
    found = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in keys]
    return {one["KeyState"] for one in found if f"Gatehouse {stage.name}:" in one["Description"]}


def test_stage_goes_with_all_that_bears_its_name_and_comes_again(dev: Gatehouse, externals: wiring.Externals) -> None:
    before = list_names(any_client)
    for _ in range(2):
        dev.provision(small_document())
        api = deploy_stand_in(dev.stage, "gatehouse-dev")
        any_client("apigateway").create_domain_name(domainName=f"{api}.example.com")
        any_client("apigateway").create_base_path_mapping(domainName=f"{api}.example.com", restApiId=api)
        as_json = down(dev, "--dry-run", "--json")
        planned, unanswered = down(dev, "--dry-run"), down(dev, typed="n\n")
        held, led_to = holdings(dev.stage), mapped()
        ran = down(dev, "--yes")

        assert (planned.code, unanswered.code, ran.code, ran.err) == (0, 1, 0, "")
        assert held["tables"]
        for what in ("function gatehouse-dev", "role gatehouse-dev", "stack gatehouse-dev", "REST API", "key "):
            assert f"delete  {what}" in planned.out
        assert {"action": "delete", "what": "function gatehouse-dev", "detail": ""} in json.loads(as_json.out)[
            "changes"
        ]
        assert list_names(any_client) == before
        assert (len(led_to), mapped()) == (1, [])
        assert states_of_keys(dev.stage) == {"PendingDeletion"}
        assert "which KMS deletes at 20" in ran.out
        assert down(dev, "--yes").code == 0

    again = dev.up(small_document())
    dev.provision(small_document())
    stage = replace(dev.stage, aws=function_aws())
    People.of(stage, "staff", 4).add(username="someone", password=PASSWORD, password_hash=None)
    with client_of(stage, externals) as http:
        client = {"client_id": "app", "client_secret": "the long secret of the app"}
        body = {"grant_type": "password", "username": "someone", "password": PASSWORD, **client}
        answer = http.post("/oauth/token", data=body)

    assert (again.code, again.err) == (0, "")
    assert answer.status_code == 200, answer.text
    assert down(dev, "--yes").code == 0


@pytest.mark.parametrize("options", [(), ("--yes",), ("--yes-delete", "dev")])
def test_other_stage_than_dev_goes_only_if_it_is_named_twice(own: Gatehouse, options: tuple[str, ...]) -> None:
    before = holdings(own.stage)
    ran = down(own, *options, typed="y\n")

    assert ran.code == 2
    assert "Nothing is deleted." in ran.err
    assert holdings(own.stage) == before


def test_other_stage_than_dev_keeps_its_audit_log_and_the_backups_of_its_tables(own: Gatehouse) -> None:
    dynamodb, table = own.stage.clients.dynamodb, f"{own.stage.prefix}users-staff"
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    dynamodb.create_backup(TableName=table, BackupName="by-hand")
    ran = down(own, "--yes-delete", own.stage.name, "--pending-days", "7")

    assert (ran.code, ran.err) == (0, "")
    assert holdings(own.stage)["tables"] == {}
    assert f"backup by-hand of {table}" in ran.out
    assert [(line["what"], line.get("result")) for line in audit_lines(own.stage)[-2:]] == [
        ("down", None),
        ("down", "done"),
    ]


def test_stage_whose_name_begins_as_another_one_keeps_that_one(own: Gatehouse) -> None:
    other = Gatehouse(replace(own.stage, name=f"{own.stage.name}-eu"), own.directory)
    other.provision(small_document())
    deploy_stand_in(other.stage, f"gatehouse-{other.stage.name}")
    before = holdings(other.stage), list_names(any_client)["functions"]
    ran = down(own, "--yes-delete", own.stage.name)

    assert (ran.code, ran.err) == (0, "")
    assert (holdings(other.stage)["tables"], list_names(any_client)["functions"]) == (before[0]["tables"], before[1])
    assert set(holdings(other.stage)["stacks"]) == set(before[0]["stacks"])
    assert down(other, "--yes-delete", other.stage.name).code == 0


def test_nothing_is_deleted_if_the_audit_log_cannot_be_written(own: Gatehouse) -> None:
    groups = logs_backends[DEFAULT_ACCOUNT_ID][REGION].groups
    group, before = groups.pop(audit_group(own.stage.name)), holdings(own.stage)
    try:
        ran = down(own, "--yes-delete", own.stage.name)
    finally:
        groups[audit_group(own.stage.name)] = group

    assert (ran.code, holdings(own.stage)) == (2, before)


def test_stage_that_is_taken_down_and_cut_off_at_any_deletion_goes_at_the_next_run(
    own: Gatehouse, clock: Clock
) -> None:
    stage, file = replace(own.stage, pause=clock.pause), load(own.directory / "tenant.yaml")
    own.listed()
    taking = Down(stage, own.directory, 7)
    with cut_at(stage, -1) as calls:
        taking.delete(lambda what: None)
    numbers = [number for number, name in enumerate(calls.made) if name.startswith(("Delete", "Schedule"))]
    for number in numbers[::2]:
        up(stage, file)
        with cut_at(stage, number, "after-call"), pytest.raises(Cut):
            taking.delete(lambda what: None)
        taking.delete(lambda what: None)
        assert taking.parts() == []

    assert len(numbers) >= 9


@pytest.mark.parametrize(
    ("name", "is_its"),
    [
        ("gatehouse-dev", True),
        ("gatehouse-dev-users-employees.20261126T100000Z", True),
        ("gatehouse-dev-tell_blocked-event", True),
        ("gatehouse-dev-eu", False),
        ("gatehouse-dev-eu-management", False),
        ("gatehouse-devil", False),
        ("gatehouse", False),
    ],
)
def test_name_is_of_the_stage_with_the_longest_name_that_it_begins_with(name: str, is_its: bool) -> None:
    assert Names("dev", ["dev-eu"]).has(name) == is_its


@pytest.mark.parametrize(
    ("name", "is_its"),
    [
        ("gatehouse-dev-api_handler", True),
        ("gatehouse-dev-events", True),
        ("gatehouse-dev-eu-events", False),
        ("gatehouse-dev-eu-api_handler", False),
        ("events", False),
    ],
)
def test_role_of_a_stage_in_another_region_stays(name: str, is_its: bool) -> None:
    assert (Names("dev").has(name) and Names("dev").has_role(name)) == is_its


def test_roles_are_those_of_the_functions() -> None:
    functions = json.loads((SOURCES / ".chalice" / "config.json").read_text("utf-8"))["stages"]["dev"][
        "lambda_functions"
    ]

    assert sorted(ROLES) == sorted(["api_handler", *functions])
