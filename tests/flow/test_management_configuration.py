"""The configuration through the Management API: lists, and new secrets (contract.md, "Management API")."""

import json
from typing import Any

import pytest

from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.config import document_of
from tests.support.fixed import ISSUER
from tests.support.http import TIMESHEETS, Http
from tests.support.management import SECRET, Backend, refusal


def listed(backend: Backend, path: str, by: str) -> dict[str, Any]:
    """Return the entries of all pages, by a member of theirs."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"take": 100}
    while query:
        body = backend.get(path, **query)
        found += body[path.strip("/").replace("-", "_")]
        query = {"take": 100, "from": body["next"]} if "next" in body else {}
    return {one[by]: one for one in found}


def test_clients_are_listed_without_their_secrets(backend: Backend) -> None:
    clients = listed(backend, "/clients", "client_id")

    assert clients["demo-backend"]["name"] == "Demo backend"
    assert clients["demo-native"]["token_endpoint_auth_method"] == "none"
    assert "secret" not in json.dumps([list(one) for one in clients.values()])
    assert "sha256" not in json.dumps(clients)


def test_apis_are_listed_with_their_scopes(backend: Backend) -> None:
    api = listed(backend, "/resource-servers", "identifier")[TIMESHEETS]

    assert (api["id"], api["name"], api["token_lifetime"]) == (TIMESHEETS, "Timesheets", 86_400)
    assert {"value": "read:timesheets", "description": "Read timesheets"} in api["scopes"]


def test_realms_are_the_connections_and_their_ids_are_their_names(backend: Backend) -> None:
    realms = listed(backend, "/connections", "id")

    assert {"employees", "customers", "partners"} <= set(realms)
    assert (realms["employees"]["name"], realms["employees"]["strategy"]) == ("employees", "auth0")
    assert {"demo-backend", "demo-native"} <= set(realms["employees"]["enabled_clients"])
    assert [one["id"] for one in backend.get("/connections", name="partners")] == ["partners"]


def test_client_grants_name_the_audience_that_tokens_have(backend: Backend) -> None:
    own = backend.get("/client-grants", client_id=backend.client["client_id"])

    assert [(one["audience"], "read:users" in one["scope"]) for one in own] == [(f"{ISSUER}api/v2/", True)]
    named = backend.get("/client-grants", client_id="demo-m2m", audience=TIMESHEETS)
    assert [one["scope"] for one in named] == [["read:timesheets"]]


def test_pages_by_number_and_with_totals(backend: Backend) -> None:
    everything = backend.get("/connections", per_page=100)
    second = backend.get("/connections", page=1, per_page=1, include_totals="true")

    assert isinstance(everything, list)
    assert second["connections"] == everything[1:2]
    assert (second["start"], second["limit"], second["length"]) == (1, 1, 1)
    assert second["total"] == len(everything)


def test_fields_are_left_out_or_alone(backend: Backend) -> None:
    alone = backend.get("/connections", name="partners", fields="id,strategy")
    without = backend.get("/connections", name="partners", fields="id", include_fields="false")

    assert alone == [{"id": "partners", "strategy": "auth0"}]
    assert (len(without), "id" in without[0], without[0]["name"]) == (1, False, "partners")


@pytest.mark.parametrize(
    "query",
    [
        {"per_page": "101"}, {"per_page": "0"}, {"per_page": "-1"}, {"per_page": "x"}, {"per_page": "\u0661"},
        {"page": "-1"}, {"page": "11", "per_page": "100"}, {"take": "101"}, {"take": "0"}, {"from": "%"}, {"from": "a"},
        {"include_totals": "yes"}, {"fields": "id", "include_fields": "1"},
    ],
)  # fmt: skip
def test_malformed_page_is_400(backend: Backend, query: dict[str, str]) -> None:
    assert refusal(backend.send("GET", "/connections", params=query)) == (400, "invalid_query_string")


def test_new_secret_is_shown_once_and_ends_the_old_one(stage: Stage, backend: Backend, http: Http) -> None:
    client_id = make_client(stage, secret=SECRET, client_grants={TIMESHEETS: ["read:timesheets"]})
    answer = backend.send("POST", f"/clients/{client_id}/rotate-secret")
    body = answer.json()
    asked = {"grant_type": "client_credentials", "audience": TIMESHEETS, "client_id": client_id}
    statuses = [
        http.token({**asked, "client_secret": secret}).status_code for secret in (body["client_secret"], SECRET)
    ]

    assert (answer.status_code, body["client_id"]) == (200, client_id)
    assert statuses == [200, 401]
    assert body["client_secret"] not in json.dumps(document_of(stage, f"client#{client_id}"))


def test_new_secret_leaves_a_log_line_without_it(stage: Stage, backend: Backend) -> None:
    client_id = make_client(stage, secret=SECRET)
    secret = backend.send("POST", f"/clients/{client_id}/rotate-secret").json()["client_secret"]
    line = backend.http.log[-1]

    assert (line["event"], line["client_id"]) == ("sapi", backend.client["client_id"])
    assert line["action"] == f"POST /api/v2/clients/{{id}}/rotate-secret: secret of {client_id}"
    assert secret not in json.dumps(backend.http.log)


@pytest.mark.parametrize(
    "client_id", ["nobody", "demo-native", "%23", "x" * 3000], ids=["unknown", "public", "hash", "long"]
)
def test_client_without_a_secret_is_404(backend: Backend, client_id: str) -> None:
    assert refusal(backend.send("POST", f"/clients/{client_id}/rotate-secret")) == (404, "not_found")
    assert backend.http.log[-1]["event"] == "fapi"


def test_disabled_client_is_404_and_keeps_its_secret(stage: Stage, backend: Backend) -> None:
    client_id = make_client(stage, secret=SECRET, disabled=True)
    before = document_of(stage, f"client#{client_id}")

    assert refusal(backend.send("POST", f"/clients/{client_id}/rotate-secret")) == (404, "not_found")
    assert document_of(stage, f"client#{client_id}") == before
