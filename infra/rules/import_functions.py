"""Check the functions that realms import people from. Their packages are deployed as rule packages are."""

from collections.abc import Iterable
from pathlib import Path

from chalicelib.legacy.loading import BadImportFunction, load_function
from chalicelib.settings import import_packages
from infra.errors import OperatorError
from infra.rules.packages import make_importable, read_as_deployed
from infra.stage.chalice_config import PROJECT, stage_environment
from infra.tenant.schema import Realm


def require_import_functions(realms: Iterable[Realm], project: Path = PROJECT) -> None:
    """Raise OperatorError with the faults of all functions that realms name, as this environment imports them."""
    named = [realm.import_from for realm in realms if realm.import_from]
    if named:
        make_importable(project)
    faults = []
    for name in dict.fromkeys(named):
        try:
            load_function(name)
        except BadImportFunction as fault:
            faults.append(f"import_from: {fault}")
    if faults:
        raise OperatorError("\n".join(faults))


def require_deployable_imports(stage: str, project: Path = PROJECT) -> None:
    """Raise OperatorError if a package of a stage's IMPORT_PACKAGES cannot be imported as deployed."""
    packages = import_packages(stage_environment(stage, project))
    read = read_as_deployed("imports", packages, project) if packages else None
    if read and read.returncode:
        raise OperatorError(read.stderr.strip())
