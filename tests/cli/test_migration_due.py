"""`gatehouse migrate` of a stage, as an operator comes to it."""

import json

from chalicelib.store.configuration.vault import STAGE_KEY, data_key_alias, data_key_alias_before
from tests.cli.conftest import Gatehouse
from tests.support.tenant_documents import small_document


def test_up_says_that_it_is_due_until_it_has_run(own: Gatehouse) -> None:
    document, kms = own.stage.config().stage_key() or {}, own.stage.clients.kms
    kms.create_alias(
        AliasName=data_key_alias_before(own.stage.name),
        TargetKeyId=kms.describe_key(KeyId=data_key_alias(own.stage.name))["KeyMetadata"]["KeyId"],
    )
    own.stage.config().put(STAGE_KEY, {"data_key": document["data_key"].removeprefix("mrk:")})
    planned, before = own.up(small_document(), "--dry-run").out, own.up(small_document()).out
    ran = own.run("migrate", "--json")

    assert f"run: gatehouse migrate --stage {own.stage.name}" in before
    assert f"run: gatehouse migrate --stage {own.stage.name}" in planned
    assert json.loads(ran.out)["items"] == {"data_keys": 1}
    assert "migrate" not in own.up(small_document()).out


def test_new_stage_has_nothing_to_migrate(own: Gatehouse) -> None:
    ran = own.run("migrate", "--json")

    assert (ran.code, json.loads(ran.out)) == (0, {"stage": own.stage.name, "dry_run": False, "items": {}})


def test_stage_that_does_not_exist_is_one_line(gatehouse: Gatehouse) -> None:
    ran = gatehouse.run("migrate", "--dry-run")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("No such stage in this account and region.")


def test_no_stage_and_no_move_is_refused(gatehouse: Gatehouse) -> None:
    ran = gatehouse.run("migrate", "--stage", "")

    assert (ran.code, ran.out) == (2, "")
    assert "--stage" in ran.err
