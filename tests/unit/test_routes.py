"""The route table: rows of a toy service, answered by an application of their own."""

import json
from typing import Any

import pytest

from chalicelib.errors import NotFound
from chalicelib.http.application import Application
from chalicelib.http.caching import CACHED
from chalicelib.http.routes import ANYBODY, DELETE, GET, NO_CONTENT, POST, TOKEN_BEARER, Route, Services
from chalicelib.http.wire import RequestReader
from chalicelib.model.request import Request
from infra.gateway.proxy_event import GatewayStage, HttpRequest, proxy_event

PATH = "/notes/{note_id}"
CREATED = 201


class Notes:
    """A service that is not ours."""

    def read(self, request: Request) -> dict[str, str]:
        if request.path_params["note_id"] == "lost":
            raise NotFound("No such note.")
        return {"note": request.path_params["note_id"]}

    def add(self, request: Request) -> list[str]:
        return [request.require("text")]

    def remove(self, request: Request) -> None:
        request.outcome.realm = "notes"


ROWS = (
    Route(PATH, GET, Notes, Notes.read, ANYBODY, headers=CACHED),
    Route(PATH, POST, Notes, Notes.add, TOKEN_BEARER, status=CREATED),
    Route(PATH, DELETE, Notes, Notes.remove, TOKEN_BEARER, event="removed", status=NO_CONTENT),
)


class Toy:
    """Sends requests to an application that has these rows alone."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        services = Services({Notes: Notes(), RequestReader: RequestReader("https://login.example.com/")})
        self.app = Application(ROWS, lambda: services, self.log.append)

    def send(self, method: str, note_id: str = "1", body: bytes = b"") -> tuple[int, dict[str, str], str]:
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        request = HttpRequest("id-1", method, f"/notes/{note_id}", "", headers, body, "192.0.2.1", "https", 443)
        answer = self.app(proxy_event(request, PATH, {"note_id": note_id}, GatewayStage()), None)
        return answer["statusCode"], answer["headers"], answer["body"]


@pytest.fixture
def toy() -> Toy:
    return Toy()


def test_each_method_of_a_path_is_answered_by_its_own_row(toy: Toy) -> None:
    read, added, removed = toy.send("GET"), toy.send("POST", body=b"text=hello"), toy.send("DELETE")

    assert (read[0], json.loads(read[2])) == (200, {"note": "1"})
    assert (added[0], json.loads(added[2])) == (201, ["hello"])
    assert (removed[0], removed[2]) == (204, "")


def test_head_is_answered_where_get_is(toy: Toy) -> None:
    assert toy.send("HEAD")[0] == 200


def test_other_method_is_refused_with_all_methods_of_the_path(toy: Toy) -> None:
    status, headers, _ = toy.send("PATCH")

    assert (status, headers["Allow"]) == (405, "GET, POST, DELETE, HEAD")


def test_headers_of_a_row_are_those_of_its_success_alone(toy: Toy) -> None:
    _, found, _ = toy.send("GET")
    status, lost, _ = toy.send("GET", "lost")

    assert found["Cache-Control"] == "public, max-age=300"
    assert (status, lost["Cache-Control"]) == (404, "no-store")


def test_caller_of_a_row_decides_who_may_read_its_answers_errors_too(toy: Toy) -> None:
    open_answers, closed_answers = (toy.send("GET"), toy.send("GET", "lost")), (toy.send("POST"), toy.send("DELETE"))
    opened, closed = (
        [headers.get("Access-Control-Allow-Origin") for _, headers, _ in answers]
        for answers in (open_answers, closed_answers)
    )

    assert (opened, closed) == (["*", "*"], [None, None])


def test_row_with_a_log_code_logs_successes_and_another_failures_alone(toy: Toy) -> None:
    toy.send("GET")
    toy.send("DELETE")
    toy.send("GET", "lost")

    assert [(line.get("event"), line["status"]) for line in toy.log] == [("removed", 204), (None, 404)]
