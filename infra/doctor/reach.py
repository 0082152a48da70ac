"""Checks of what is reached from outside: the clock, the issuer's metadata, the published keys."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

from infra.deploy.api import AwsAccount
from infra.doctor.findings import EMULATOR, Examined, Finding
from infra.stage.chalice_config import ISSUER, issuer_of

ODD_S, WRONG_S = 5, 60
TIMEOUT_S = 5


def check_clock(examined: Examined) -> Iterator[Finding]:
    """Find a clock of this machine that is not AWS's: signatures of calls, and times of commands, are then wrong."""
    answer = examined.stage.clients.dynamodb.list_tables(Limit=1)
    date = {name.lower(): value for name, value in answer["ResponseMetadata"]["HTTPHeaders"].items()}.get("date")
    if not date:
        yield Finding("clock", "amber", "AWS's answer has no date.", "")
        return
    apart_s = round(abs(time.time() - parsedate_to_datetime(date).timestamp()))
    message = f"This machine and AWS are {apart_s} s apart."
    if apart_s <= ODD_S:
        yield Finding("clock", "green", message)
    else:
        yield Finding("clock", "red" if apart_s > WRONG_S else "amber", message, "set the clock by NTP")


def check_issuer(examined: Examined) -> Iterator[Finding]:
    """Find an issuer that clients cannot reach, that has another name, or publishes other keys than the stage's."""
    issuer = find_issuer(examined)
    if not issuer:
        yield Finding("issuer", "red", "The stage has no API.", f"gatehouse deploy --stage {examined.stage.name}")
        return
    yield from _find_undeployed(examined, issuer)
    try:
        metadata = _fetch(f"{issuer}.well-known/openid-configuration")
        jwks = _fetch(metadata["jwks_uri"])
        published = {one.get("kid") for one in jwks["keys"]}
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError) as fault:
        is_emulated = EMULATOR in os.environ
        why = "an emulator serves no API" if is_emulated else "see the domain, its certificate and its mapping"
        yield Finding(
            "issuer", "amber" if is_emulated else "red", f"{issuer} does not answer ({type(fault).__name__}).", why
        )
        return
    if metadata.get("issuer") != issuer:
        mend = f"set GATEHOUSE_ISSUER to {issuer}, then gatehouse deploy --stage {examined.stage.name}"
        yield Finding("issuer", "red", f"{issuer} says that it is {metadata.get('issuer')}.", mend)
    else:
        yield Finding("issuer", "green", f"{issuer} answers.")
    missing = {key.kid for key in examined.stage.config().keys().keys if key.status in ("current", "next")} - published
    if missing:
        yield Finding(
            "JWKS",
            "red",
            f"Not published: {', '.join(sorted(missing))}.",
            "wait a minute for the cache, then look again",
        )
    else:
        yield Finding("JWKS", "green", "It has each key that signs, or is about to.")


def find_issuer(examined: Examined) -> str:
    """Return the issuer of a stage: the setting, or the URL of its API. Return "" if there is none."""
    if examined.configuration(examined.function()) is None:
        return ""
    apis = AwsAccount(examined.project).apis_of(examined.stage.name)
    return examined.environment().get(ISSUER, "") or (apis[0].url if apis else "")


def _find_undeployed(examined: Examined, issuer: str) -> Iterator[Finding]:
    """Find an issuer of the project that the functions do not have yet, as after `gatehouse domain`."""
    listed = issuer_of(examined.stage.name, examined.project)
    if listed not in ("", issuer):
        message = f"It is {issuer}, and {listed} in .chalice/config.json."
        yield Finding("issuer", "amber", message, f"gatehouse deploy --stage {examined.stage.name}")


def _fetch(url: str) -> Any:
    if not url.startswith("https://"):
        raise ValueError("no https URL")
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 (https alone)
        return json.loads(answer.read(1_000_000))
