"""Replicas of a stage's keys in another Region open and sign what the keys of this one did."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from chalicelib import wiring
from chalicelib.model.clock import SystemClock
from chalicelib.store.configuration.rule_settings import RuleSettings
from chalicelib.store.configuration.vault import Vault, data_key_alias
from infra.stage.aws import Stage
from infra.stage.kms_keys import find_key
from tests.support.fixed import Clock
from tests.support.function_aws import Ask, around_calls
from tests.support.http import Http
from tests.support.mfa import enrol, mfa_token_of, with_otp
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.tokens import claims_of

ELSEWHERE = "us-east-1"
OF_KMS = ("Sign", "Decrypt", "GenerateDataKey")


def ask_for_a_factor(user: Any, context: Any) -> None:
    """Ask each person for a second factor."""
    context.multifactor = {"provider": "any"}


@contextmanager
def kms_elsewhere(stage: Stage) -> Iterator[list[str]]:
    """Let the functions call the KMS of another Region, which has the replicas. The tables are the same in both.

    Return the operations that it answered.
    """
    client: Any = boto3.client("kms", region_name=ELSEWHERE)
    asked: list[str] = []

    def around(operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        if operation not in OF_KMS:
            return ask()
        asked.append(operation)
        method = {"Sign": client.sign, "Decrypt": client.decrypt, "GenerateDataKey": client.generate_data_key}[
            operation
        ]
        answer: dict[str, Any] = method(**parameters)
        return answer

    with around_calls(stage, around):
        yield asked


@pytest.fixture
def replicated(stage: Stage) -> Stage:
    """The stage, with replicas of its keys."""
    kms, elsewhere = stage.clients.kms, boto3.client("kms", region_name=ELSEWHERE)
    data_key = find_key(stage, data_key_alias(stage.name))
    assert data_key
    for arn in (data_key["Arn"], *(key.key_arn for key in stage.config().keys().keys)):
        kms.replicate_key(KeyId=arn.rpartition("/")[2], ReplicaRegion=ELSEWHERE)
    aliases = [one["AliasName"] for one in elsewhere.list_aliases()["Aliases"]]
    if data_key_alias(stage.name) not in aliases:
        elsewhere.create_alias(AliasName=data_key_alias(stage.name), TargetKeyId=data_key["KeyId"])
    return stage


def test_each_key_is_a_multi_region_key(stage: Stage) -> None:
    known = [find_key(stage, data_key_alias(stage.name))]
    known += [find_key(stage, key.key_arn) for key in stage.config().keys().keys]

    assert [bool(key and key["MultiRegion"]) for key in known] == [True, True, True]


def test_authenticator_app_of_this_region_completes_a_login_in_another(
    replicated: Stage, externals: wiring.Externals, clock: Clock, people: PeopleMaker
) -> None:
    user = people.make()
    with client_with_rules(replicated, externals, ask_for_a_factor) as http:
        enrolled = enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))
    clock.advance(60)

    with kms_elsewhere(replicated) as asked, client_with_rules(replicated, externals, ask_for_a_factor) as there:
        answer = with_otp(there, mfa_token_of(there.login(username=user.username)), enrolled.app.code())

    assert claims_of(answer)["sub"] == user.user_id
    assert "Decrypt" in asked and "Sign" in asked


def test_token_that_another_region_signed_verifies_by_the_published_keys(
    replicated: Stage, http: Http, people: PeopleMaker
) -> None:
    user = people.make(password=PASSWORD)
    with kms_elsewhere(replicated) as asked:
        answer = http.login(username=user.username, scope="openid")

    token = answer.json()["access_token"]
    assert http.get("/userinfo", headers={"authorization": f"Bearer {token}"}).json()["sub"] == user.user_id
    assert asked.count("Sign") == 2


def test_settings_of_rules_of_this_region_open_in_another(replicated: Stage) -> None:
    vault = Vault(replicated.aws, replicated.name)
    RuleSettings(replicated.config(), vault, SystemClock()).write({"CRM_KEY": "a value"})

    try:
        with kms_elsewhere(replicated):
            assert RuleSettings(replicated.config(), vault, SystemClock()).read() == {"CRM_KEY": "a value"}
    finally:
        RuleSettings(replicated.config(), vault, SystemClock()).write({})
