"""Which rules there are: the order they come in, and what is said of each one that cannot run."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chalicelib.rules.loading import BadRules, load
from tests.support.rules import package

MEND = "Mend it, or take the package out of RULE_PACKAGES."
_numbers = itertools.count(1)

Written = Callable[[str], str]


def first(user: Any, context: Any) -> None:
    """Do nothing."""


def second(user: Any, context: Any) -> None:
    """Do nothing either."""


def one_argument(user: Any) -> None:
    """Lack the context."""


def three_arguments(user: Any, context: Any, callback: Any) -> None:
    """Want what Auth0 had."""


def keyword_argument(user: Any, context: Any, *, wanted: str) -> None:
    """Want what nobody gives."""


async def coroutine(user: Any, context: Any) -> None:
    """Be awaited by nobody."""


def generator(user: Any, context: Any) -> Iterator[None]:
    """Be iterated by nobody."""
    yield


class Callable_:  # noqa: N801 (the name is taken)
    """A rule that is an object."""

    def __call__(self, user: Any, context: Any) -> None:
        """Do nothing."""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Writes a package with this text, and returns a name that nothing else has."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> str:
        name = f"written_rules_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def faults(*packages: str) -> list[str]:
    with pytest.raises(BadRules) as raised:
        load(packages)
    return str(raised.value).splitlines()


def test_no_packages_are_no_rules() -> None:
    assert load(()) == ()


def test_rules_come_in_the_order_of_the_packages_and_of_their_lists() -> None:
    with package(second, first) as one, package(Callable_().__call__, partial(three_arguments, callback=None)) as other:
        assert [rule.package for rule in load((other, one))] == [other, other, one, one]
        assert [rule.function for rule in load((one, other))][:2] == [second, first]


def test_rule_is_named_by_its_package_and_its_function() -> None:
    with package(first) as name:
        assert str(load((name,))[0]) == f"{name}.first"


@pytest.mark.parametrize("rules", [(first,), [first]])
def test_list_and_tuple_are_taken(rules: Any) -> None:
    with package(RULES=rules) as name:
        assert len(load((name,))) == 1


def test_package_that_is_not_there_is_a_fault() -> None:
    said = "no_such_rules: cannot be imported (ModuleNotFoundError: No module named 'no_such_rules'). " + MEND
    assert faults("no_such_rules") == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os\nos.nothing", "AttributeError: module 'os' has no attribute 'nothing'"),
        ("raise SystemExit('enough')", "SystemExit: enough"),
    ],
)
def test_package_whose_import_fails_is_a_fault(written: Written, text: str, said: str) -> None:
    name = written(text)
    assert faults(name) == [f"{name}: cannot be imported ({said}). {MEND}"]


def test_package_that_is_no_python_is_a_fault(written: Written) -> None:
    name = written("def rule(user, context):")
    (said,) = faults(name)
    assert said.startswith(f"{name}: cannot be imported (")
    assert said.endswith(MEND)


@pytest.mark.parametrize("name", ["", ".relative", "..", "a/b", "a b"])
def test_name_that_is_no_package_is_a_fault(name: str) -> None:
    (said,) = faults(name)
    assert said.startswith(f"{name}: cannot be imported (")


def test_package_without_rules_is_a_fault(written: Written) -> None:
    name = written("")
    assert faults(name) == [f"{name}: has no RULES. Give it a list of its rule functions of that name."]


@pytest.mark.parametrize("rules", ["first", {first}, first, None])
def test_rules_that_are_no_list_are_a_fault(rules: Any) -> None:
    with package(RULES=rules) as name:
        assert faults(name) == [f"{name}: RULES is no list. Make it a list of rule functions."]


@pytest.mark.parametrize("function", [one_argument, three_arguments, keyword_argument])
def test_function_of_other_than_two_arguments_is_a_fault(function: Callable[..., None]) -> None:
    rule = function.__name__
    with package(function) as name:
        assert faults(name) == [f"{name}.{rule}: does not take two arguments. Define it as {rule}(user, context)."]


@pytest.mark.parametrize("function", [coroutine, generator])
def test_function_that_would_do_nothing_when_called_is_a_fault(function: Callable[..., Any]) -> None:
    with package(function) as name:
        said = f"{name}.{function.__name__}: is async or a generator. Make it a plain function."
        assert faults(name) == [said]


def test_what_is_no_function_is_a_fault() -> None:
    with package("first") as name:
        assert faults(name) == [f"{name}.'first': is no function. List functions of two arguments in RULES."]


def test_rule_listed_twice_is_a_fault() -> None:
    with package(first, second, first) as name:
        assert faults(name) == [f"{name}.first: is listed twice. List each rule once in RULES."]


def test_rule_listed_by_two_packages_is_a_fault_of_each() -> None:
    with package(first) as one, package(first) as other:
        said = "first: is listed twice. List each rule once in RULES."
        assert faults(one, other) == [f"{one}.{said}", f"{other}.{said}"]


def test_package_listed_twice_is_a_fault() -> None:
    with package(first) as name:
        assert faults(name, name) == [f"{name}: is listed twice. List it once in RULE_PACKAGES."]


def test_every_fault_is_told_at_once_in_the_order_of_the_list(written: Written) -> None:
    name = written("1 / 0")
    with package(one_argument, coroutine) as other:
        listed = (other, name, "no_such_rules")
        starts = [f"{name}:", "no_such_rules:", f"{other}.one_argument:", f"{other}.coroutine:"]
        said = faults(*listed)
        assert [line.split(" ")[0] for line in said] == starts
        assert said == faults(*listed)


def test_good_rules_do_not_run_beside_a_bad_one() -> None:
    with package(first, one_argument) as name, pytest.raises(BadRules):
        load((name,))
