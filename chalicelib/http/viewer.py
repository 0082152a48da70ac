"""The location of a request, from CloudFront's viewer headers, under the names of Auth0's `geoip`."""

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

MAX_LENGTH = 200
_PREFIX = "cloudfront-viewer-"
_TEXTS = {
    "country_name": "country-name",
    "subdivision_code": "country-region",
    "subdivision_name": "country-region-name",
    "city_name": "city",
    "time_zone": "time-zone",
}
_DEGREES = {"latitude": 90, "longitude": 180}
NAMES = frozenset({"country_code", *_TEXTS, *_DEGREES})
_COUNTRY = re.compile(r"[A-Z]{2}")


def geoip_from(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the location that the headers name, or {} if they do not name the country.

    CloudFront percent-encodes text that is not ASCII. A malformed value is left out.
    Source: Amazon CloudFront Developer Guide, "Add CloudFront request headers".
    """
    country = headers.get(f"{_PREFIX}country", "")
    if not _COUNTRY.fullmatch(country):
        return {}
    texts = {name: _text(headers.get(_PREFIX + header, "")) for name, header in _TEXTS.items()}
    degrees = {name: _number(headers.get(_PREFIX + name, ""), most) for name, most in _DEGREES.items()}
    found = {"country_code": country, **texts, **degrees}
    return {name: value for name, value in found.items() if value not in ("", None)}


def _text(value: str) -> str:
    text = unquote(value.strip())
    return text if len(text) <= MAX_LENGTH and text.isprintable() and "\ufffd" not in text else ""


def _number(value: str, most: int) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= most else None
