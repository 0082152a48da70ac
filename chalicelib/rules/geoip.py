"""A rule's `context.request.geoip`. If the location is unknown, reading it stops the rule, so that no login passes.

This module holds no data of a login: a rule can reach the globals of its functions.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NoReturn

from chalicelib.rules.spelling import find_meant

UNKNOWN = "context.request.geoip is unknown: no trusted proxy told the country"
# All of Auth0's names, whether CloudFront sends them or not.
NAMES = (
    "country_code",
    "country_code3",
    "country_name",
    "city_name",
    "latitude",
    "longitude",
    "time_zone",
    "continent_code",
    "subdivision_code",
    "subdivision_name",
)


class GeoipUnknown(RuntimeError):
    """A rule read a part of the location that is unknown. No LookupError, so that no rule takes it for "none"."""


class _Unknown:
    """An attribute that cannot be read until a rule sets it."""

    __slots__ = ()

    def __get__(self, _: object, __: type) -> NoReturn:
        raise GeoipUnknown(UNKNOWN)


def _missing(_: dict[str, Any], name: object) -> NoReturn:
    right = find_meant(name, NAMES)
    # A rule may look up any text; the log gets only Auth0's names.
    said = name if name in NAMES else "such member"
    raise GeoipUnknown(f"context.request.geoip has no {said}{f': did you mean {right}?' if right else ''}")


def _get(place: dict[str, Any], name: str, _: object = None) -> Any:
    return place[name]


def request_of(members: Mapping[str, Any], geoip: Mapping[str, Any]) -> SimpleNamespace:
    """Return a rule's `context.request`. Reading a member that geoip lacks raises GeoipUnknown.

    geoip: if it is empty, reading `request.geoip` itself raises. Both types are made for this run alone: a rule could
    write on a type of the module, and the next request would see it.
    """
    if not geoip:
        nowhere: Any = type("Request", (SimpleNamespace,), {"__slots__": (), "geoip": _Unknown()})
        request: SimpleNamespace = nowhere(**members)
        return request
    place: Any = type("Geoip", (dict,), {"__slots__": (), "__missing__": _missing, "get": _get})
    return SimpleNamespace(**members, geoip=place(geoip))
