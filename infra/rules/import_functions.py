"""Check the functions that realms import people from. Their packages are deployed as rule packages are."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from chalicelib.legacy.loading import BadImportFunction, load_function, package_of
from chalicelib.settings import import_packages
from infra.errors import OperatorError
from infra.rules.packages import make_importable, read_as_deployed
from infra.stage.aws import Stage
from infra.stage.aws_faults import AWS_FAILURES
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


def require_listed_imports(stage: str, realms: Iterable[Realm], project: Path = PROJECT) -> None:
    """Raise OperatorError if a realm names a function that the stage's IMPORT_PACKAGES does not list."""
    if faults := _unlisted(stage, [realm.import_from for realm in realms if realm.import_from], project):
        raise OperatorError("\n".join(faults))


def require_deployable_imports(stage: str, project: Path = PROJECT, named: Iterable[str] = ()) -> None:
    """Raise OperatorError if `import_faults` finds any."""
    if faults := import_faults(stage, project, named):
        raise OperatorError("\n".join(faults))


def require_functions_of_realms(stage: Stage, project: Path = PROJECT) -> None:
    """Raise OperatorError if a realm of a stage names a function that would not be deployed, or a package is broken.

    Nothing is known of the realms before `apply`, or if this operator may not read them.
    """
    names: list[str] = []
    with suppress(*AWS_FAILURES):
        names = stored_functions(stage)
    require_deployable_imports(stage.name, project, names)


def import_faults(stage: str, project: Path = PROJECT, named: Iterable[str] = ()) -> list[str]:
    """Return a line for each import package or function that cannot be used as deployed.

    named: the functions, `package:function`, that realms of the stage name. Each needs a package of IMPORT_PACKAGES.
    Raises OperatorError for an unknown stage.
    """
    names, packages = list(dict.fromkeys(named)), import_packages(stage_environment(stage, project))
    unlisted = _unlisted(stage, names, project)
    # A function's package is imported with it.
    listed = [name for name in names if package_of(name) in packages]
    wanted = (*listed, *(one for one in packages if one not in map(package_of, listed)))
    read = read_as_deployed("imports", wanted, project) if wanted else None
    return unlisted + (read.stderr.strip().splitlines() if read and read.returncode else [])


def stored_functions(stage: Stage) -> list[str]:
    """Return the functions that the realms of a stage name; raises one of AWS_FAILURES."""
    realms = [document for key, document in stage.config().documents() if key.startswith("realm#")]
    return [str(realm["import_from"]) for realm in realms if realm.get("import_from")]


def _unlisted(stage: str, names: Iterable[str], project: Path) -> list[str]:
    packages = import_packages(stage_environment(stage, project))
    mend = f"List it for stage {stage} in .chalice/config.json, and deploy."
    return [
        f"import_from: {name}: IMPORT_PACKAGES does not list its package. {mend}"
        for name in dict.fromkeys(names)
        if package_of(name) not in packages
    ]
