"""Loads rule packages as the deployed function would: run as a module, in a process of its own.

An environment for development holds much that is not deployed. A rule that imports such a thing would load here, and
end every login there.
"""

import re
import sys
import sysconfig
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path

from chalicelib.rules.loading import BadRules, load
from infra.rules.spelling import read_rules

# Chalice packs itself; the others come with Lambda's Python.
PRESENT = ("chalice", "boto3", "botocore", "jmespath", "s3transfer", "python-dateutil", "six", "urllib3")
OURS = ("app", "chalicelib")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class OnlyDeployed:
    """A finder that lets nothing be imported that is not deployed.

    places: directories that are, vendor/ and Python's own. requirements: names of distributions. distributions: those
    that this environment has, by the modules that they hold.
    """

    places: tuple[str, ...]
    requirements: frozenset[str]
    distributions: dict[str, list[str]]

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Leave what is deployed to the other finders; raises ModuleNotFoundError for all else."""
        if path is None and not self._is_deployed(name):
            mend = "put it into vendor/, or make it a requirement"
            raise ModuleNotFoundError(f"{name} is not deployed: {mend}", name=name)

    def _is_deployed(self, name: str) -> bool:
        if name in sys.stdlib_module_names or name in OURS or PathFinder.find_spec(name, self.places):
            return True
        return any(_canonical(one) in self.requirements for one in self.distributions.get(name, ()))


def required_distributions(requirements: str) -> frozenset[str]:
    """Return the distributions that the text of a requirements.txt names, by name or by the path of a wheel."""
    lines = [line for line in requirements.splitlines() if line.strip() and line[0] not in "-#. "]
    paths = re.findall(r"([^/\s]+?)-[^/\s]+\.whl\b", requirements)
    names = [match[0] for line in lines if (match := _NAME.match(line))]
    return frozenset(_canonical(name) for name in (*names, *paths))


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(project: Path, *packages: str) -> int:
    """Write what is wrong with the packages to stderr and return 2, or what has no effect to stdout and return 0."""
    vendor = str(project / "vendor")
    # Not all of what the standard library imports is in sys.stdlib_module_names.
    places = (vendor, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    names = required_distributions((project / "requirements.txt").read_text("utf-8")) | set(PRESENT)
    sys.meta_path.insert(0, OnlyDeployed(places, names, dict(packages_distributions())))
    sys.path.append(vendor)
    # This module came by way of it, and what is imported already is asked of no finder.
    for ours in [name for name in sys.modules if name.partition(".")[0] == "infra"]:
        del sys.modules[ours]
    try:
        notes = read_rules(load(packages))
    except BadRules as faults:
        sys.stderr.write(f"{faults}\n")
        return 2
    sys.stdout.writelines(f"{note}\n" for note in notes)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
