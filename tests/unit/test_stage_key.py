"""The stage's key is made once, and what it hashes nobody else can compute (docs/adr/0026)."""

import pytest

from chalicelib.errors import ServerError
from chalicelib.model.clock import SystemClock
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.configuration.vault import STAGE_KEY, StageKey, Vault
from infra.stage.aws import Stage
from tests.support.calls import calls_of


def key_of(stage: Stage) -> StageKey:
    return StageKey(stage.config(), Vault(stage.aws, stage.name))


def test_two_processes_compute_the_same_hash(stage: Stage) -> None:
    assert key_of(stage).mac("names", b"ada") == key_of(stage).mac("names", b"ada")


@pytest.mark.parametrize(("purpose", "data"), [("names", b"eve"), ("numbers", b"ada"), ("name", b"s\0ada")])
def test_other_data_or_purpose_has_another_hash(stage: Stage, purpose: str, data: bytes) -> None:
    assert key_of(stage).mac(purpose, data) != key_of(stage).mac("names", b"ada")


def test_key_is_opened_once_a_process(stage: Stage) -> None:
    key = key_of(stage)
    key.mac("names", b"ada")
    with calls_of(stage) as calls:
        key.mac("names", b"eve")

    assert calls.made == []


def test_stage_key_is_made_once(stage: Stage) -> None:
    before = stage.config().stage_key()
    assert key_of(stage).make() is False
    assert stage.config().put_new(STAGE_KEY, {"data_key": "another"}) is False
    assert stage.config().stage_key() == before


def test_table_holds_the_key_as_kms_sealed_it(stage: Stage) -> None:
    stored = (stage.config().stage_key() or {})["data_key"]
    opened = Vault(stage.aws, stage.name).open_key(stored, "stage")

    assert len(opened) == 32
    assert opened.hex() not in stored
    assert repr(key_of(stage)).count("_key") == 0


def test_stage_without_a_key_says_what_to_run(stage: Stage) -> None:
    # A table of users holds no documents: it stands for a stage that was brought up before there was such a key.
    empty = ConfigStore(stage.dynamo, f"{stage.prefix}users-customers", SystemClock(), lifetime_s=0)
    key = StageKey(empty, Vault(stage.aws, stage.name))

    with pytest.raises(ServerError) as refused:
        key.mac("names", b"ada")
    assert "gatehouse up" in refused.value.reason
