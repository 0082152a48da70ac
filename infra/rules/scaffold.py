"""Write a new rule package: a rule, the list of rules, and a test."""

import keyword
from importlib.util import find_spec
from pathlib import Path

from infra.errors import OperatorError

PACKAGE = '''"""The rules of this team, in the order in which they run."""

from .rules import only_verified_emails

RULES = [only_verified_emails]
'''
RULE = '''"""Rules: each is called with the user and the context of a login. They import nothing of Gatehouse."""

from typing import Any


def only_verified_emails(user: Any, context: Any) -> None:
    """Refuse users without a verified email address."""
    if not user.email_verified:
        context.deny("Please verify your email address.")
'''
TEST = '''"""Each rule on its own: any object with the right members stands in for a user or a context."""

from types import SimpleNamespace

import pytest

from .rules import only_verified_emails


@pytest.mark.parametrize(("email_verified", "denials"), [(True, []), (False, ["Please verify your email address."])])
def test_login_needs_a_verified_email(email_verified: bool, denials: list[str]) -> None:
    said: list[str] = []
    only_verified_emails(SimpleNamespace(email_verified=email_verified), SimpleNamespace(deny=said.append))
    assert said == denials
'''
FILES = {"__init__.py": PACKAGE, "rules.py": RULE, "test_rules.py": TEST}


def write_package(name: str, directory: Path) -> list[Path]:
    """Write the package into a directory, which is made if it is missing; return its files.

    Raises OperatorError if the name cannot be imported or is in use, or if the directory cannot be written.
    """
    if keyword.iskeyword(name):
        raise OperatorError(f"{name} is a word of Python's own: choose another name.")
    if not name.isidentifier():
        raise OperatorError(f"{name} is no name of a Python package: begin with a letter; use letters, digits and _.")
    root = directory / name
    if root.exists() or find_spec(name):
        raise OperatorError(f"{name} is there already: choose another name.")
    try:
        root.mkdir(parents=True)
        for file, text in FILES.items():
            (root / file).write_text(text, "utf-8")
    except OSError as fault:
        raise OperatorError(f"{root} cannot be written ({fault.strerror}): choose another --directory.") from None
    return [root / file for file in FILES]
