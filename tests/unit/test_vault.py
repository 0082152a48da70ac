"""Secrets at rest open for their owner alone (docs/adr/0013)."""

import secrets
from base64 import b64decode, b64encode

import pytest

from chalicelib.errors import ServerError, TemporarilyUnavailable
from chalicelib.store.configuration.vault import Vault, is_of_one_region, seal, unseal
from infra.stage.aws import Stage

DATA_KEY = secrets.token_bytes(32)


def test_secret_opens_for_its_owner() -> None:
    assert unseal(DATA_KEY, seal(DATA_KEY, "a secret", "ada"), "ada") == "a secret"


def test_secret_of_another_owner_does_not_open() -> None:
    with pytest.raises(ServerError):
        unseal(DATA_KEY, seal(DATA_KEY, "a secret", "ada"), "eve")


def test_secret_with_any_byte_changed_does_not_open() -> None:
    sealed = bytearray(b64decode(seal(DATA_KEY, "a secret", "ada")))
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(ServerError):
            unseal(DATA_KEY, b64encode(changed).decode(), "ada")


@pytest.mark.parametrize("length", [0, 4, 16, 20, 47])
def test_secret_that_was_cut_does_not_open(length: int) -> None:
    sealed = seal(DATA_KEY, "a secret", "ada")

    assert len(sealed) == 48
    with pytest.raises(ServerError, match="could not be completed"):
        unseal(DATA_KEY, sealed[:length], "ada")


def test_secret_is_sealed_differently_each_time() -> None:
    assert seal(DATA_KEY, "a secret", "ada") != seal(DATA_KEY, "a secret", "ada")


def test_data_key_opens_for_its_owner_alone(stage: Stage) -> None:
    vault = Vault(stage.aws, stage.name)
    key, stored = vault.new_key("ada")

    assert vault.open_key(stored, "ada") == key
    with pytest.raises((ServerError, TemporarilyUnavailable)):
        vault.open_key(stored, "eve")


def test_key_of_a_move_opens_for_each_owner_apart_and_is_left_by_a_migration(stage: Stage) -> None:
    vault = Vault(stage.aws, stage.name)
    shared = vault.new_shared_key()
    ada, eve = (vault.open_key(shared.stored, owner) for owner in ("ada", "eve"))

    assert (ada, eve) == (shared.data_key("ada"), shared.data_key("eve"))
    assert ada != eve
    assert not is_of_one_region(shared.stored)
