"""The arguments of a rule, through HTTP: docs/use/rules.md "What a rule sees", and the team's settings."""

import json
from types import SimpleNamespace
from typing import Any

from chalicelib import wiring
from chalicelib.store.configuration.rule_settings import RuleSettings
from chalicelib.store.configuration.vault import Vault
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.clients import make_client
from tests.support.config import document_of
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import client_with_rules


def plain(thing: Any) -> Any:
    """Return what a rule sees as JSON would have it."""
    if isinstance(thing, SimpleNamespace):
        return {name: plain(value) for name, value in vars(thing).items()}
    return dict(thing) if isinstance(thing, dict) else thing


def settings_of(stage: Stage, externals: wiring.Externals) -> RuleSettings:
    vault = Vault(stage.aws, stage.name)
    return RuleSettings(stage.config(), vault, externals.clock)


def test_user_is_auth0s_in_snake_case(stage: Stage, externals: wiring.Externals, people: PeopleMaker) -> None:
    seen: list[Any] = []
    user = people.make(
        email_verified=True,
        name="Ada Lovelace",
        nickname="ada",
        phone_number="+442079460000",
        app_metadata={
            "roles": ["engineer"],
            "plan": "gold",
            "email": "other@example.com",
            "user_id": "x",
            "blocked": True,
        },
        user_metadata={"language": "en"},
    )
    with client_with_rules(stage, externals, lambda user, _: seen.append(plain(user))) as http:
        http.login(username=user.username)
        http.login(username=user.username)

    first, second = seen
    assert first.pop("created_at").endswith(".000Z")
    assert first.pop("updated_at").endswith(".000Z")
    assert first == {
        "user_id": user.user_id,
        "email": user.email,
        "email_verified": True,
        "username": user.username,
        "name": "Ada Lovelace",
        "given_name": None,
        "family_name": None,
        "nickname": "ada",
        "picture": None,
        "phone_number": "+442079460000",
        "phone_verified": False,
        "last_password_reset": None,
        "last_ip": None,
        "last_login": None,
        "logins_count": 1,
        "blocked": False,
        "multifactor": [],
        "identities": [
            {
                "connection": "employees",
                "provider": "auth0",
                "user_id": user.user_id.partition("|")[2],
                "is_social": False,
            }
        ],
        "app_metadata": user.app_metadata,
        "user_metadata": {"language": "en"},
        "roles": ["engineer"],
        "plan": "gold",
    }
    assert second["logins_count"] == 2
    assert second["last_ip"] == http.source_ip
    assert second["last_login"].endswith(".000Z")


def test_context_is_auth0s_in_snake_case(stage: Stage, externals: wiring.Externals, people: PeopleMaker) -> None:
    seen: list[Any] = []
    user = people.make(app_metadata={"roles": ["other"]}, roles=("engineer",))
    client_id = make_client(stage, secret="s", name="Field app", client_metadata={"plan": "gold"})
    with client_with_rules(stage, externals, lambda _, context: seen.append((plain(context), context))) as http:
        http.request(
            "POST",
            "/oauth/token?ui_locales=de",
            json={
                "grant_type": "password",
                "username": user.username,
                "password": PASSWORD,
                "client_id": client_id,
                "client_secret": "s",
                "scope": "openid",
                "device": {"name": "phone", "tags": [1, None]},
            },
            headers={"User-Agent": "field/1.0"},
        )

    (shown, context), *_ = seen
    assert shown.pop("authentication") == {"methods": [{"name": "pwd", "timestamp": 1000 * externals.clock.now_s()}]}
    assert callable(shown.pop("deny"))
    assert context.access_token.scope == ["openid"]
    assert shown == {
        "tenant": "Gatehouse demo",
        "client_id": client_id,
        "client_name": "Field app",
        "client_metadata": {"plan": "gold"},
        "connection_id": "employees",
        "connection": "employees",
        "connection_strategy": "auth0",
        "connection_options": {},
        "connection_metadata": {},
        "sso": {"with_auth0": False, "with_dbconn": False, "current_clients": []},
        "protocol": "oauth2-password",
        "stats": {"logins_count": 1},
        "access_token": {},
        "id_token": {},
        "multifactor": None,
        "redirect": None,
        "primary_user": user.user_id,
        "request": {
            "ip": http.source_ip,
            "user_agent": "field/1.0",
            "hostname": "api.example.test",
            "query": {"ui_locales": "de"},
            "body": {
                "grant_type": "password",
                "username": user.username,
                "client_id": client_id,
                "scope": "openid",
                "device": {"name": "phone", "tags": [1, None]},
            },
        },
        "authorization": {"roles": ["engineer"]},
        "configuration": {},
    }


def test_refresh_is_no_login_more_and_keeps_how_the_person_logged_in(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    seen: list[Any] = []
    user = people.make()
    with client_with_rules(stage, externals, lambda _, context: seen.append(plain(context))) as http:
        token = http.login(username=user.username, scope="offline_access").json()["refresh_token"]
        http.refresh(token)

    login, refresh = seen
    assert refresh["stats"] == {"logins_count": 1}
    assert refresh["authentication"] == login["authentication"]
    assert refresh["request"]["ip"] == http.source_ip
    assert refresh["request"]["body"] == {"grant_type": "refresh_token", "client_id": "demo-backend"}


def test_settings_reach_rules_and_are_unreadable_at_rest(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    canary = "canary-setting-5a1f"
    seen: list[dict[str, str]] = []
    user = people.make()
    settings_of(stage, externals).write({"CRM_KEY": canary})
    try:
        with client_with_rules(stage, externals, lambda _, context: seen.append(context.configuration)) as http:
            with calls_of(stage) as first:
                http.login(username=user.username)
            with calls_of(stage) as second:
                http.login(username=user.username)
        stored = json.dumps([document_of(stage, key) for key in ("rule_settings", "rule_setting#CRM_KEY")])
    finally:
        settings_of(stage, externals).write({})

    assert seen == [{"CRM_KEY": canary}] * 2
    # The other one is the stage's own key.
    assert first.made.count("Decrypt") == 2
    assert "Decrypt" not in second.made, "they are opened once, not at each login"
    assert canary not in stored


def test_setting_in_the_message_of_a_raising_rule_is_not_in_the_log(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    canary = "canary-setting-77aa"

    def broken(_: Any, context: Any) -> None:
        raise ValueError(f"cannot reach https://crm.example.com/?key={context.configuration['CRM_KEY']}")

    user = people.make()
    settings_of(stage, externals).write({"CRM_KEY": canary})
    try:
        with client_with_rules(stage, externals, broken) as http:
            assert http.login(username=user.username).status_code == 500
    finally:
        settings_of(stage, externals).write({})

    assert canary not in json.dumps(http.log)
    assert "?key=[CRM_KEY]" in http.log[-1]["traceback"]


def test_changed_settings_are_seen_within_a_minute(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, clock: Any
) -> None:
    seen: list[dict[str, str]] = []
    user = people.make()
    try:
        with client_with_rules(stage, externals, lambda _, context: seen.append(dict(context.configuration))) as http:
            http.login(username=user.username)
            settings_of(stage, externals).write({"A": "1"})
            clock.advance(61)
            http.login(username=user.username)
    finally:
        settings_of(stage, externals).write({})

    assert seen == [{}, {"A": "1"}]


def test_settings_of_another_owner_do_not_open(stage: Stage, externals: wiring.Externals, people: PeopleMaker) -> None:
    vault = Vault(stage.aws, stage.name)
    _, foreign = vault.new_key("somebody else")
    user = people.make()
    settings_of(stage, externals).write({"A": "1"})
    document = document_of(stage, "rule_setting#A")
    stage.config().put("rule_setting#A", document | {"data_key": foreign})
    try:
        with client_with_rules(stage, externals, lambda *_: None) as http:
            answer = http.login(username=user.username)
    finally:
        settings_of(stage, externals).write({})

    assert answer.status_code in (500, 503)
    assert "access_token" not in answer.json()
