"""The moment of a restore, as an operator writes it."""

from datetime import UTC, datetime

import pytest

from infra.errors import OperatorError
from infra.stage.restore.moment import in_iso, parse_moment

NOW = datetime(2026, 11, 26, 12, 0, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-26T10:00:00Z", "2026-11-26T10:00:00Z"),
        ("2026-11-26T11:00:00.7+01:00", "2026-11-26T10:00:00Z"),
        ("90m ago", "2026-11-26T10:30:00Z"),
        ("2 h ago", "2026-11-26T10:00:00Z"),
        ("3d ago", "2026-11-23T12:00:00Z"),
    ],
)
def test_moment_is_read_in_whole_seconds_of_utc(text: str, found: str) -> None:
    assert in_iso(parse_moment(text, NOW)) == found


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-11-26T10:00:00",
        "2026-11-26",
        "",
        "2y ago",
        "2026-11-27T10:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_text_that_is_no_moment_of_the_past_is_refused(text: str) -> None:
    with pytest.raises(OperatorError):
        parse_moment(text, NOW)
