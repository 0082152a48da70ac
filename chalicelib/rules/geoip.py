"""A rule's `context.request.geoip`, which stops the rule instead of letting somebody in from an unknown place.

This module holds nothing of any login: a rule can reach the globals of the functions here.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NoReturn

from chalicelib.rules.spelling import find_meant

UNKNOWN = "context.request.geoip is unknown: no trusted proxy told the country"
# All that Auth0 has, whether CloudFront tells it or not.
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
    """A rule read what nobody knows of the place of a request. No LookupError, so that no rule takes it for "none"."""


class _Unknown:
    """An attribute that cannot be read until a rule sets it."""

    __slots__ = ()

    def __get__(self, _: object, __: type) -> NoReturn:
        raise GeoipUnknown(UNKNOWN)


def _missing(_: dict[str, Any], name: object) -> NoReturn:
    right = find_meant(name, NAMES)
    # A rule may look up any text; the log is told of the names that are ours.
    said = name if name in NAMES else "such member"
    raise GeoipUnknown(f"context.request.geoip has no {said}{f': did you mean {right}?' if right else ''}")


def _get(place: dict[str, Any], name: str, _: object = None) -> Any:
    return place[name]


def request_of(members: Mapping[str, Any], geoip: Mapping[str, Any]) -> SimpleNamespace:
    """Return what a rule sees of a request. Reading what geoip lacks raises GeoipUnknown, any of it if it is empty.

    Both types are made for this run alone: what a rule writes on one of the module's, the next request would see.
    """
    if not geoip:
        nowhere: Any = type("Request", (SimpleNamespace,), {"__slots__": (), "geoip": _Unknown()})
        request: SimpleNamespace = nowhere(**members)
        return request
    place: Any = type("Geoip", (dict,), {"__slots__": (), "__missing__": _missing, "get": _get})
    return SimpleNamespace(**members, geoip=place(geoip))
