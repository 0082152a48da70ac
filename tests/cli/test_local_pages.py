"""The pages of a local run: the one at /, the documents, OpenAPI in a viewer, and who may see them."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests.support.http import ALICE, Http
from tests.support.local_run import LocalProcess, local_run
from tests.support.tenant_documents import client, demo_document, small_document, write

pytestmark = pytest.mark.xdist_group("local")

EVIL = "evil.example"
SECRETS = {"client": "canary-of-the-client", "person": "canary-of-the-person"}
PATHS = ("/", "/_local/outbox", "/_local/docs/README.md", "/_local/openapi/", "/_local/style.css")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run of the demo tenant."""
    with local_run(tmp_path_factory.mktemp("pages")) as started:
        yield started


def log_in(url: str, **changes: str) -> httpx.Response:
    form = {"realm": "employees", **ALICE, "audience": "https://api.example.com/timesheets", "scope": "openid"}
    return httpx.post(f"{url}_local/login", data=form | changes)


def policy(answer: httpx.Response) -> str:
    return answer.headers["content-security-policy"]


def test_first_page_tells_what_is_served(run: LocalProcess) -> None:
    answer = httpx.get(run.url)
    text = unescape(answer.text)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    endpoints = ["/oauth/token", "/userinfo", "/mfa/challenge", "/.well-known/jwks.json"]
    people = [user for users in demo_document()["users"].values() for user in users]
    links = ["/_local/outbox", "/_local/docs/README.md", "/_local/openapi/"]
    assert "<td><code>/oauth/token</code></td><td>POST</td>" in text
    assert [word for word in endpoints if f"<code>{word}</code>" not in text] == []
    assert [user for user in people if user.get("username", user["email"]) not in text] == []
    assert [user for user in people if user["password"] not in text] == []
    assert [link for link in links if f'href="{link}"' not in text] == []
    assert [realm["name"] for realm in demo_document()["realms"]] == re.findall(r'<option value="([a-z]+)"', text)
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in text


def test_login_shows_the_tokens_decoded(run: LocalProcess) -> None:
    answer = log_in(run.url)
    text = unescape(answer.text)

    assert answer.status_code == 200
    assert "The token endpoint answered 200." in text
    assert '"typ": "at+jwt"' in text
    assert '"sub": "employees|' in text
    assert '"name": "Alice Liddell"' not in text
    assert f'"iss": "{run.url}"' in text
    assert "<h3>access_token</h3>" in text
    assert "<h3>id_token</h3>" in text
    assert ALICE["password"] not in text.partition('id="people"')[0]


def test_login_in_another_realm_is_of_that_realm(run: LocalProcess) -> None:
    login = {"realm": "customers", "username": "bob@example.com", "password": "bob's long password"}

    assert '"sub": "customers|' in unescape(log_in(run.url, **login).text)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"password": "wrong"}, '"error": "invalid_grant"'),
        ({"realm": "partners"}, "No client of the file logs in there."),
        ({"audience": "https://nowhere"}, '"error": "invalid_target"'),
    ],
)
def test_refused_login_shows_the_answer(run: LocalProcess, changes: dict[str, str], shown: str) -> None:
    answer = log_in(run.url, **changes)

    assert (answer.status_code, shown in unescape(answer.text)) == (200, True)
    assert "wrong" not in answer.text


def test_typed_markup_is_shown_as_text(run: LocalProcess) -> None:
    markup = '"><script>alert(1)</script>'

    assert "<script" not in log_in(run.url, username=markup, scope=markup).text


def test_login_counts_from_the_address_of_the_person(run: LocalProcess) -> None:
    with run.request_lines() as lines:
        log_in(run.url)

    assert [line.split(" ms ")[0].rpartition(" ")[0] for line in lines] == ["POST /oauth/token 200"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", [EVIL, "127.0.0.1", "localhost.evil.example", ""])
def test_request_that_names_another_host_is_refused(run: LocalProcess, path: str, host: str) -> None:
    named = f"{host}:{httpx.URL(run.url).port}" if host == EVIL else host
    answer = httpx.get(f"{run.url}{path[1:]}", headers={"Host": named})

    assert answer.status_code == 421
    assert "the codes" not in answer.text
    assert "@" not in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_localhost_is_served_too(run: LocalProcess, path: str) -> None:
    assert (
        httpx.get(f"{run.url}{path[1:]}", headers={"Host": f"localhost:{httpx.URL(run.url).port}"}).status_code == 200
    )


def test_login_from_a_foreign_page_is_refused(run: LocalProcess) -> None:
    answers = [
        httpx.post(f"{run.url}_local/login", data=ALICE, headers={"Origin": origin})
        for origin in (f"http://{EVIL}", "null")
    ]

    assert [answer.status_code for answer in answers] == [403, 403]


@pytest.mark.parametrize("path", ["/", "/_local/outbox", "/_local/login", "/_local/docs/README.md"])
def test_no_page_loads_or_sends_anything_elsewhere(run: LocalProcess, path: str) -> None:
    answer = httpx.get(f"{run.url}{path[1:]}") if path != "/_local/login" else log_in(run.url)

    assert policy(answer).startswith("default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'")
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert "access-control-allow-origin" not in answer.headers


def test_documents_are_shown_with_the_urls_of_the_run_and_their_anchors(run: LocalProcess) -> None:
    text = httpx.get(f"{run.url}_local/docs/use/http.md").text

    assert '<h2 id="post-oauthtoken">' in text
    assert f"curl {run.url}oauth/token" in text
    assert "http://127.0.0.1:8000" not in text
    assert httpx.get(f"{run.url}_local/README.md").status_code == 200
    assert httpx.get(f"{run.url}_local/docs/overview.svg").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    "path",
    ["docs/../pyproject.toml", "docs/%2e%2e/pyproject.toml", "pyproject.toml", "..%2fetc/passwd", "app.py", "docs/use"],
)
def test_nothing_but_documents_is_shown(run: LocalProcess, path: str) -> None:
    assert httpx.get(f"{run.url}_local/{path}").status_code == 404


def test_openapi_is_shown_by_a_viewer_that_this_machine_serves(run: LocalProcess) -> None:
    page = httpx.get(f"{run.url}_local/openapi/")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    answers = {name: httpx.get(f"{run.url}_local/openapi/{name}") for name in [*files, "openapi.yaml"]}

    assert {name for name in files if "//" in name} == set()
    assert {answer.status_code for answer in answers.values()} == {200}
    assert {answer.headers["access-control-allow-origin"] for answer in answers.values()} == {"*"}
    assert "script-src 'self'" in policy(page)
    assert 'url: "openapi.yaml"' in answers["start.js"].text
    assert f'url: "{run.url.removesuffix("/")}"' in answers["openapi.yaml"].text
    assert httpx.get(f"{run.url}_local/openapi/../pages/site.py").status_code == 404


def test_own_tenant_file_keeps_its_secrets_from_the_page_and_logs_in(tmp_path: Path) -> None:
    users = {"staff": [{"username": "eve", "password": SECRETS["person"]}]}
    document = small_document(clients=[client(client_secret=SECRETS["client"])], users=users)
    with local_run(tmp_path, "--tenant", write(tmp_path, document), "--aws-port", "0") as run:
        page = httpx.get(run.url).text
        login = {"realm": "staff", "username": "eve", "password": SECRETS["person"], "audience": ""}
        answered = httpx.post(f"{run.url}_local/login", data=login).text

    assert "eve" in page
    assert "The token endpoint answered 200." in answered
    assert [name for name, secret in SECRETS.items() if secret in page + answered] == []
    assert "AWS_ENDPOINT_URL" not in page + run.output


def test_issuer_of_another_name_is_served_under_it(tmp_path: Path) -> None:
    with local_run(tmp_path, "--issuer", "http://gatehouse.test:9000/", "--aws-port", "0") as run:
        answers = [
            httpx.get(f"{run.url}_local/outbox", headers={"Host": host}).status_code
            for host in ("gatehouse.test:9000", "other.test:9000")
        ]

    assert answers == [200, 421]


def test_host_that_other_machines_reach_is_warned_of(run: LocalProcess, tmp_path: Path) -> None:
    with local_run(tmp_path, "--host", "0.0.0.0", "--aws-port", "0") as open_run:  # noqa: S104 (that is what is tested)
        warning = open_run.wait_printed("WARNING: 0.0.0.0 is not this machine alone.")
        evil = httpx.get(f"{open_run.url}_local/outbox", headers={"Host": EVIL}).status_code

    assert "outbox" in warning
    assert evil == 421
    assert "WARNING" not in run.output


@pytest.mark.parametrize("path", PATHS)
def test_deployed_api_has_no_such_page(http: Http, path: str) -> None:
    answer = http.get(path)

    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_messages_are_listed_with_a_page_each(tmp_path: Path) -> None:
    with local_run(tmp_path, "--aws-port", "0") as run:
        before = httpx.get(run.url).text
        account = {"client_id": "demo-native", "connection": "customers", "email": "bob@example.com"}
        httpx.post(f"{run.url}dbconnections/change_password", json=account)
        mail = run.wait_printed("email to bob@example.com")
        after = httpx.get(run.url).text

    assert "None yet." in before
    assert '<a href="/_local/outbox/1">' in after
    assert "to bob@example.com" in after
    assert mail
