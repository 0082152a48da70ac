"""Metadata and keys in caches: conditional requests (RFC 9110 13), and what no cache may keep."""

import re
from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.rotation.steps import PUBLISH_S
from infra.stage.aws import Stage
from infra.stage.keys import rotate
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.rotation import make_stage
from tests.support.stages import client_of

CONFIGURATION = "/.well-known/openid-configuration"
JWKS = "/.well-known/jwks.json"
# For how long a process of the function keeps what it read, and a client that counts from when it asked.
PROCESS_S, LAZY_CLIENT_S = 60, 7200
PUBLIC = [CONFIGURATION, "/.well-known/oauth-authorization-server", JWKS]


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_copy_that_still_holds_is_confirmed_without_a_body(http: Http, path: str, method: str) -> None:
    first = http.get(path)
    again = http.request(method, path, headers={"If-None-Match": first.headers["ETag"]})

    assert re.fullmatch(r'"[0-9a-f]{32}"', first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    # RFC 9110 15.4.5: what the 200 would have had of these.
    for name in ("ETag", "Cache-Control", "Access-Control-Allow-Origin"):
        assert again.headers[name] == first.headers[name]
    assert http.log == []


@pytest.mark.parametrize("path", PUBLIC)
def test_equal_answers_have_equal_tags_and_others_have_others(http: Http, path: str) -> None:
    tags = [http.get(path).headers["ETag"] for _ in range(2)]
    other = http.get(CONFIGURATION if path == JWKS else JWKS).headers["ETag"]

    assert tags[0] == tags[1] != other


@pytest.mark.parametrize("form", ["W/{0}", '"other", {0}', '"other" ,W/{0}', "*"])
def test_tag_is_found_in_each_form_of_the_header(http: Http, form: str) -> None:
    tag = http.get(JWKS).headers["ETag"]

    assert http.get(JWKS, headers={"If-None-Match": form.format(tag)}).status_code == 304


@pytest.mark.parametrize("held", ['"other"', "", "other", 'W/"', ",", '"' + "x" * 4000 + '"'])
def test_another_copy_is_answered_with_the_whole(http: Http, held: str) -> None:
    answer = http.get(JWKS, headers={"If-None-Match": held})

    assert (answer.status_code, answer.json()) == (200, http.get(JWKS).json())


def test_new_key_makes_every_copy_old(tmp_path: Path, stage: Stage, externals: wiring.Externals, clock: Clock) -> None:
    del stage  # moto runs for as long as it does
    own = make_stage(tmp_path)
    with client_of(own, externals) as http:
        held = {"If-None-Match": http.get(JWKS).headers["ETag"]}
        rotate(own, int(clock.now))
        clock.advance(60)
        answer = http.get(JWKS, headers=held)

    assert answer.status_code == 200


def test_key_is_published_for_longer_than_all_caches_keep_the_keys_before_it_one_after_the_other(http: Http) -> None:
    (max_age_s,) = re.findall(r"max-age=(\d+)", http.get(JWKS).headers["Cache-Control"])

    assert PROCESS_S + int(max_age_s) + LAZY_CLIENT_S < PUBLISH_S


@pytest.mark.parametrize("path", PUBLIC)
def test_failure_is_kept_by_no_cache_and_confirms_none(stage: Stage, externals: wiring.Externals, path: str) -> None:
    with client_of(stage, externals) as http, failing(stage, "GetItem", aws_error("ThrottlingException")):
        answer = http.get(path, headers={"If-None-Match": "*"})

    assert answer.status_code == 503
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("path", [*PUBLIC, f"{JWKS}?access_token=x", "/.well-known/other"])
@pytest.mark.parametrize("origin", ["https://one.example", "https://two.example", ""])
def test_answer_is_the_same_for_every_origin_and_sets_no_cookie(http: Http, path: str, origin: str) -> None:
    answer = http.get(path, headers={"Origin": origin} if origin else {})

    # A cache may hand one origin's copy to another: no header of it depends on the request.
    assert answer.headers.get("Access-Control-Allow-Origin", "*") == "*"
    assert not {"Vary", "Set-Cookie"} & {name.title() for name in answer.headers}
    assert answer.headers["Cache-Control"] == ("public, max-age=300" if answer.status_code == 200 else "no-store")


@pytest.mark.parametrize("path", ["/health", "/userinfo"])
def test_other_answers_have_no_tag(http: Http, path: str) -> None:
    answer = http.get(path, headers={"If-None-Match": "*"})

    assert answer.status_code in (200, 401)
    assert "ETag" not in answer.headers
