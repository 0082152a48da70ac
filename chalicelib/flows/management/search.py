"""The query of GET /users: exact values of a few members, in the form that Auth0 takes (Lucene)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.errors import InvalidQueryString

IDENTIFIERS = ("email", "username", "user_id")
CONNECTION = "identities.connection"
_TERM = re.compile(
    r'\s*(email|username|user_id|identities\.connection):("(?:[^"\\]|\\.)*"|(?:[^\s"\\*?()\[\]{}~^]|\\.)+)\s*(AND\b)?'
)
_TAKEN = "q takes email, username or user_id, and identities.connection, each with an exact value, joined by AND."


@dataclass(frozen=True, slots=True)
class Search:
    """The people that a query asks for. kind: one of IDENTIFIERS, "" for all people. realm: "" for all realms."""

    kind: str = ""
    value: str = ""
    realm: str = ""


def read_search(query: Mapping[str, str]) -> Search:
    """Return the search of a request's `q` and `connection`; raises InvalidQueryString, which says what is taken."""
    if query.get("sort"):
        raise InvalidQueryString("sort is not offered: people come in the order of their keys.")
    terms = _terms(query.get("q", ""))
    named = [name for name in IDENTIFIERS if name in terms]
    if len(named) > 1:
        raise InvalidQueryString(_TAKEN)
    realms = {name for name in (terms.get(CONNECTION), query.get("connection")) if name}
    if len(realms) > 1:
        raise InvalidQueryString("q and connection name different realms.")
    realm = next(iter(realms), "")
    return Search(named[0], terms[named[0]], realm) if named else Search(realm=realm)


def _terms(text: str) -> dict[str, str]:
    terms: dict[str, str] = {}
    position, is_more = 0, bool(text.strip())
    while is_more:
        match = _TERM.match(text, position)
        if match is None or match[1] in terms:
            raise InvalidQueryString(_TAKEN)
        value = re.sub(r"\\(.)", r"\1", match[2].removeprefix('"').removesuffix('"'))
        if not value.strip():
            # No realm at all would be all realms, and with them everybody.
            raise InvalidQueryString(f"q has no value for {match[1]}.")
        terms[match[1]] = value
        position, is_more = match.end(), match[3] is not None
    if text[position:].strip():
        raise InvalidQueryString(_TAKEN)
    return terms
