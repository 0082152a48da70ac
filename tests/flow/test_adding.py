"""CONTRIBUTING.md "Three additions", walked through: each is one file and one line of wiring, and answers through HTTP.

The toys of this file are such files; `rewired` is the line.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from chalicelib import wiring
from chalicelib.errors import InvalidGrant
from chalicelib.flows.mfa import MfaFlow
from chalicelib.flows.token import Grant, TokenFlow
from chalicelib.grants.mfa import MfaGrant
from chalicelib.http.routes import Services
from chalicelib.mfa.enrolling import add_authenticator, confirm_authenticator, new_authenticator
from chalicelib.mfa.factor import EnrollableFactor, Store
from chalicelib.mfa.session import MfaSession, Proof, WrongCode
from chalicelib.model.enrolment import FACTOR_KINDS, Authenticator, FactorKind
from chalicelib.model.login import Login, Original
from chalicelib.model.request import Request
from chalicelib.model.tenant import MFA_GRANTS, Client
from chalicelib.settings import Settings
from chalicelib.tokens.settlement import NothingToSettle, ProvedLogin
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.fixed import BCRYPT_COST, ISSUER
from tests.support.http import ALICE, BACKEND, TIMESHEETS, Http
from tests.support.mfa import associate, challenge, mfa_token_of
from tests.support.stages import provision_stage
from tests.support.tokens import claims_of

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
BADGE_GRANT = "urn:example:grant-type:badge"
WORD_GRANT = "urn:example:grant-type:mfa-word"
WORD = "word"


class BadgeGrant:
    """A toy grant: a client that shows the right badge is let in on its own behalf."""

    grant_type: ClassVar = BADGE_GRANT
    parameters: ClassVar = ("badge",)
    log_codes: ClassVar = ("sebadge", "febadge")
    is_for_users: ClassVar = False

    def prove(self, client: Client, request: Request) -> ProvedLogin:
        """Return the login of a badge."""
        if request.require("badge") != "blue":
            raise InvalidGrant("Wrong badge.")
        access = Original(TIMESHEETS, ("read:timesheets",))
        return ProvedLogin(Login("badge@clients", client.client_id, ("badge",), original=access), NothingToSettle())


class WordFactor:
    """A toy factor: a word that never changes. enrolments_of: a realm's."""

    kinds: ClassVar = (WORD,)
    grant_type: ClassVar = WORD_GRANT
    parameters: ClassVar = ("mfa_token", "word")
    log_codes: ClassVar = ("seword", "feword")
    refusal: ClassVar = "Wrong word."

    def __init__(self, enrolments_of: Any) -> None:
        self.enrolments_of = enrolments_of

    def enrol(self, session: MfaSession, kind: str, request: Request, store: Store) -> dict[str, Any]:
        return {"authenticator_type": kind, "word": "sesame"} | store(
            add_authenticator(session.enrolment, new_authenticator(session, kind))
        )

    def challenge(self, session: MfaSession, authenticator: Authenticator) -> dict[str, Any]:
        return {"challenge_type": authenticator.kind}

    def prove(self, session: MfaSession, request: Request) -> Proof:
        if request.require("word") != "sesame":
            raise WrongCode("Wrong word.")
        after = confirm_authenticator(session.enrolment, next(one for one in session.usable if one.kind == WORD))
        writes = self.enrolments_of(session.realm).writes(session.enrolment, after)
        return Proof(("pwd", "mfa"), (), writes, after.kinds, {})


def rewired(services: Services, *grants: Grant, factors: tuple[EnrollableFactor, ...] = ()) -> Services:
    """Return the services with the toys among the parts that wiring lists."""
    token, mfa = services[TokenFlow], services[MfaFlow]
    (mfa_grant,) = (grant for name, grant in token.grants.items() if name == MFA_GRANTS[0])
    assert isinstance(mfa_grant, MfaGrant)
    listed = (*grants, *(replace(mfa_grant, factor=factor) for factor in factors))
    token = replace(token, grants={**token.grants, **{grant.grant_type: grant for grant in listed}})
    kinds = {kind: factor for factor in factors for kind in factor.kinds}
    mfa = replace(mfa, factors={**mfa.factors, **kinds})
    return Services({**services.by_class, TokenFlow: token, MfaFlow: mfa})


@pytest.fixture(scope="module")
def toy_stage(demo: TenantFile, stage: Stage) -> Stage:
    """A stage whose tenant has the toys: the backend may use both grants, and a word is always owed."""
    backend, *others = demo.clients
    allowed = backend.model_copy(update={"grant_types": (*backend.grant_types, BADGE_GRANT, WORD_GRANT)})
    mfa = demo.mfa.model_copy(update={"policy": "always", "factors": (WORD,)})
    return provision_stage("adding", demo.model_copy(update={"clients": (allowed, *others), "mfa": mfa}))


@pytest.fixture
def toys(toy_stage: Stage, externals: wiring.Externals, monkeypatch: pytest.MonkeyPatch) -> Iterator[Http]:
    """A client of an application that has the toys."""
    monkeypatch.setitem(FACTOR_KINDS, WORD, FactorKind(WORD, WORD, WORD, WORD))
    services = wiring.build(Settings(toy_stage.name, ISSUER, BCRYPT_COST), toy_stage.aws, externals)
    sessions = services[MfaFlow].sessions
    services = rewired(services, BadgeGrant(), factors=(WordFactor(sessions.enrolments_of),))
    yield Http(lambda: services, "10.254.0.1")


def test_added_grant_gets_a_token(toys: Http) -> None:
    answer = toys.token({"grant_type": BADGE_GRANT, "badge": "blue", **BACKEND})

    claims = claims_of(answer)
    assert (claims["sub"], claims["gty"], claims["scope"]) == ("badge@clients", "badge", "read:timesheets")


def test_added_grant_refuses_by_the_one_error_shape(toys: Http) -> None:
    answer = toys.token({"grant_type": BADGE_GRANT, "badge": "red", **BACKEND})

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant", "error_description": "Wrong badge."})


def test_added_factor_is_demanded_enrolled_challenged_and_proved(toys: Http) -> None:
    owed = toys.login(**ALICE)
    assert owed.json()["mfa_requirements"] == {"enroll": [{"type": WORD}]}
    made = associate(toys, mfa_token_of(owed), authenticator_types=[WORD])
    assert (made.status_code, made.json()) == (200, {"authenticator_type": WORD, "word": "sesame"})

    refused = toys.token({"grant_type": WORD_GRANT, "mfa_token": mfa_token_of(owed), "word": "no", **BACKEND})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    let_in = toys.token({"grant_type": WORD_GRANT, "mfa_token": mfa_token_of(owed), "word": "sesame", **BACKEND})
    assert claims_of(let_in)["amr"] == ["pwd", "mfa"]

    again = toys.login(**ALICE)
    assert again.json()["mfa_requirements"] == {"challenge": [{"type": WORD}]}
    asked = challenge(toys, mfa_token_of(again))
    assert (asked.status_code, asked.json()) == (200, {"challenge_type": WORD})


def test_code_of_the_page_is_the_code_of_this_file() -> None:
    (sample,) = re.findall(r"^```python\n(.+?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert sample in Path(__file__).read_text("utf-8")


def test_each_file_of_the_page_is_there() -> None:
    adding = PAGE.read_text("utf-8").partition("## Adding\n")[2].partition("## Tests\n")[0]
    named = re.findall(r"`((?:chalicelib|infra|tests|docs|\.chalice|app\.py|[a-z]+/)[\w./-]*\.(?:py|md|yaml))`", adding)
    for name in {name for name in named if not re.search("[A-Z]|badge|word", name)}:
        assert (PAGE.parent / name).exists() or (PAGE.parent / "chalicelib" / name).exists(), name
