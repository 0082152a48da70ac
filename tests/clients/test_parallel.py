"""Many requests at once, over connections that stay open, at the bcrypt cost of a real run."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from threading import Barrier
from urllib.parse import urlencode

import httpx

from tests.clients.support import domain, token_url
from tests.support.http import ALICE, BACKEND, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess

LOGIN = {"grant_type": "password", "audience": TIMESHEETS, **BACKEND, **ALICE}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CONNECTIONS, REQUESTS = 4, 5
LOGINS = 40


def over_one_connection(run: LocalProcess, number: int) -> tuple[int, int]:
    """Send a connection's requests one after another; return how many were answered 200, and over how many sockets."""
    statuses, sockets = [], set()
    with closing(HTTPConnection(domain(run), timeout=WAIT_S)) as connection:
        for _ in range(REQUESTS):
            connection.request("POST", "/oauth/token", urlencode(LOGIN | {"n": str(number)}), FORM)
            sockets.add(connection.sock)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
    return statuses.count(200), len(sockets)


def test_parallel_connections_are_kept_and_every_request_is_answered(run: LocalProcess) -> None:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answered = list(pool.map(lambda number: over_one_connection(run, number), range(CONNECTIONS)))

    assert answered == [(REQUESTS, 1)] * CONNECTIONS


def test_forty_right_logins_of_one_person_at_once_all_succeed(run: LocalProcess) -> None:
    barrier = Barrier(LOGINS)
    limits = httpx.Limits(max_connections=LOGINS, max_keepalive_connections=LOGINS)

    def send(http: httpx.Client) -> int:
        barrier.wait(WAIT_S)
        return http.post(token_url(run), data=LOGIN).status_code

    with httpx.Client(limits=limits, timeout=WAIT_S) as http, ThreadPoolExecutor(LOGINS) as pool:
        statuses = Counter(pool.map(send, [http] * LOGINS))

    assert statuses == {200: LOGINS}


def test_right_and_wrong_logins_at_once_are_told_apart(run: LocalProcess) -> None:
    people = [("alice", ALICE["password"]), ("alice@example.com", ALICE["password"]), ("nobody", "wrong")] * 4

    def send(person: tuple[str, str]) -> tuple[str, int]:
        form = LOGIN | {"username": person[0], "password": person[1]}
        return person[0], httpx.post(token_url(run), data=form, timeout=WAIT_S).status_code

    with ThreadPoolExecutor(len(people)) as pool:
        answers = Counter(pool.map(send, people))

    assert answers == {("alice", 200): 4, ("alice@example.com", 200): 4, ("nobody", 400): 4}
