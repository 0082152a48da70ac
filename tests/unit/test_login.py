"""A login is facts alone: what has to be done about them is its settlement's (docs/adr/0033)."""

from collections.abc import Callable
from typing import get_args, get_origin, get_type_hints

from chalicelib.model.login import Login


def parts_of(hint: object) -> set[object]:
    """Return a type and all that it is made of."""
    return {hint, get_origin(hint)}.union(*map(parts_of, get_args(hint)))


def test_login_holds_no_callable() -> None:
    callables = [
        name for name, hint in get_type_hints(Login).items() if get_origin(Callable[[], None]) in parts_of(hint)
    ]

    assert callables == []
