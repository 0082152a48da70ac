"""Load packages of rules or of mail templates as the deployed function does. Run as a module, in a process of its own.

A development environment holds packages that are not deployed. A rule that imports one loads here, but fails each
login of the deployed function.
"""

import re
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path

from chalicelib.legacy.loading import BadImportFunction, import_package, load_function
from chalicelib.mails import rendering
from chalicelib.rules.loading import BadRules, load
from infra.rules.spelling import read_rules

# Chalice packs itself; Lambda's Python brings the others.
PRESENT = ("chalice", "boto3", "botocore", "jmespath", "s3transfer", "python-dateutil", "six", "urllib3")
OURS = ("app", "chalicelib")
RULES, MAILS, IMPORTS = "rules", "mails", "imports"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class OnlyDeployed:
    """A finder that refuses to import what is not deployed.

    folders: those whose modules are deployed. requirements: names of distributions that are.
    distributions: this environment's distributions, by the modules that they hold.
    """

    folders: tuple[str, ...]
    requirements: frozenset[str]
    distributions: dict[str, list[str]]

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Return None for a deployed module, which other finders find. Raises ModuleNotFoundError for another one."""
        if path is None and not self._is_deployed(name):
            mend = "put it into vendor/, or make it a requirement"
            raise ModuleNotFoundError(f"{name} is not deployed: {mend}", name=name)

    def _is_deployed(self, name: str) -> bool:
        if name in sys.stdlib_module_names or name in OURS or PathFinder.find_spec(name, self.folders):
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


def _read_mails(packages: tuple[str, ...]) -> list[str]:
    rendering.load(packages)
    return []


def _read_imports(packages: tuple[str, ...]) -> list[str]:
    faults = []
    for name in packages:
        try:
            # A function's name holds a colon.
            load_function(name) if ":" in name else import_package(name)
        except BadImportFunction as fault:
            faults.append(str(fault))
    if faults:
        raise BadImportFunction("\n".join(faults))
    return []


# By kind of package: loads them, and returns a line for each thing that has no effect.
READ: dict[str, Callable[[tuple[str, ...]], list[str]]] = {
    RULES: lambda packages: list(read_rules(load(packages))),
    MAILS: _read_mails,
    IMPORTS: _read_imports,
}


def main(project: Path, kind: str, *packages: str) -> int:
    """Check packages. Write their faults to stderr and return 2, or what has no effect to stdout and return 0."""
    vendor = str(project / "vendor")
    # sys.stdlib_module_names lacks some modules that the standard library imports.
    folders = (vendor, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    names = required_distributions((project / "requirements.txt").read_text("utf-8")) | set(PRESENT)
    sys.meta_path.insert(0, OnlyDeployed(folders, names, dict(packages_distributions())))
    sys.path.append(vendor)
    # Modules that are already imported bypass the finder, and this one imported infra.
    for ours in [name for name in sys.modules if name.partition(".")[0] == "infra"]:
        del sys.modules[ours]
    try:
        notes = READ[kind](packages)
    except (BadRules, BadImportFunction, rendering.BadMailTemplates) as faults:
        sys.stderr.write(f"{faults}\n")
        return 2
    sys.stdout.writelines(f"{note}\n" for note in notes)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], *sys.argv[3:]))
