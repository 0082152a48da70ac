"""Every curl of the pages, pasted into a shell in the order of its page, is answered as the page says."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.curl_docs import PROJECT, CurlExample, curl_examples, is_as_shown, pages_with_curl
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess, local_run
from tests.support.tenant_documents import demo_document, write

LOCAL = "http://127.0.0.1:8000/"
# These need codes out of messages, or a deployed stage. Each has a test of its own, which runs each of its curls.
OTHER_RUNNERS = {
    "docs/use/mfa.md": "tests/flow/test_mfa_docs.py",
    "docs/use/accounts.md": "tests/flow/test_accounts_docs.py",
    "docs/run/moving.md": "tests/deploy/test_move.py",
    "docs/run/deploy.md": "tests/deploy/test_deploy_docs.py",
}
PAGES = [page for page in pages_with_curl() if page not in OTHER_RUNNERS]
# Prints the body as it came, then the status on a line of its own.
CURL = "curl() { command curl --silent --show-error --write-out '\\n%{http_code}' \"$@\"; }\n"


@pytest.fixture(scope="module")
def page_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """The demo tenant as `make run` serves it, and the user that docs/run/passwords.md adds to it."""
    directory, document = tmp_path_factory.mktemp("pages"), demo_document()
    sample = (PROJECT / "docs" / "run" / "passwords.md").read_text("utf-8").partition("```yaml\nusers:")[2]
    leaked = sample.partition('password_hash: "')[2].partition('"')[0]
    document["users"]["employees"].append({"username": "leaked", "password_hash": leaked})
    with local_run(directory, "--tenant", write(directory, document)) as run:
        yield run


def paste(step: CurlExample, url: str, variables: dict[str, str]) -> tuple[int, str]:
    """Return the status and the body, with the headers if the page asks for them, that curl prints."""
    environment = {"PATH": os.environ["PATH"], **variables}
    script = ["sh", "-euc", CURL + step.line.replace(LOCAL, url)]
    ran = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=True)
    body, _, status = ran.stdout.rpartition("\n")
    return int(status), body


def variables_of(body: dict[str, Any]) -> dict[str, str]:
    """Return what a reader keeps of an answer: the tokens of a user, in variables of their names."""
    kept = ("access_token", "refresh_token") if "id_token" in body else ()
    return {name.upper(): body[name] for name in kept if name in body}


@pytest.mark.parametrize("page", PAGES)
def test_each_curl_is_answered_as_the_page_says(page: str, page_run: LocalProcess) -> None:
    variables: dict[str, str] = {}
    for step in curl_examples((PROJECT / page).read_text("utf-8")):
        status, text = paste(step, page_run.url, variables)
        assert status == step.status, f"{step.line}\n{text}"
        body = json.loads(text) if text.startswith("{") else {}
        shown = json.loads(step.body.replace(LOCAL, page_run.url)) if step.body else {}
        assert not step.body or is_as_shown(shown, body), f"{step.line}\n{text}"
        variables |= variables_of(body)


@pytest.mark.parametrize(("page", "runner"), OTHER_RUNNERS.items())
def test_page_with_another_runner_is_named_there(page: str, runner: str) -> None:
    source = (PROJECT / runner).read_text("utf-8")
    assert page in source
    assert "curl" in source


def test_pages_that_are_run_here_are_those_with_curls() -> None:
    assert {"README.md", "docs/use/http.md", "docs/run/passwords.md"} <= set(PAGES)
    assert set(OTHER_RUNNERS) <= set(pages_with_curl())


@pytest.mark.parametrize("page", pages_with_curl())
def test_no_curl_of_a_page_is_overlooked(page: str) -> None:
    text = (PROJECT / page).read_text("utf-8")
    assert len(curl_examples(text)) == sum(
        "curl " in line and ("://" in line or "{URL}" in line) for line in text.splitlines()
    )


def test_each_sample_of_a_curl_is_held_against_its_answer() -> None:
    with_sample = {
        page: sum(bool(step.body) for step in curl_examples((PROJECT / page).read_text("utf-8"))) for page in PAGES
    }
    assert with_sample == {
        "README.md": 1,
        "docs/use/http.md": 6,
        "docs/use/management.md": 1,
        "docs/run/passwords.md": 1,
    }
