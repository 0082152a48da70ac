"""Read a tenant file: its YAML, its form and its cross-checks. All faults are reported at once."""

from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infra.tenant.auth0_words import auth0_words, has_auth0_name_of, list_auth0_names
from infra.tenant.checks.cross import cross_faults
from infra.tenant.checks.partial import partial_file
from infra.tenant.faults import Fault, TenantFileError
from infra.tenant.schema import TenantFile, User
from infra.tenant.sentences import form_faults, root_fault
from infra.tenant.yaml_lines import Document, parse
from infra.text_file import UnreadableFile, read_text


def load(path: Path) -> TenantFile:
    """Return the checked tenant file at path.

    Raises TenantFileError with all faults. Its texts hold no secret and no password.
    """
    document = parse(_text(path))
    if document.is_broken(()):
        raise TenantFileError(path, document.faults)
    if not isinstance(document.value, dict):
        raise TenantFileError(path, [*document.faults, root_fault(document, TenantFile)])
    tenant_file, errors = _validate(document)
    words = auth0_words(document, TenantFile, {error["loc"] for error in errors})
    own_errors = [error for error in errors if error["loc"] not in words and not _has_auth0s_name(error, document)]
    known = tenant_file if tenant_file and not document.faults else partial_file(document.value, document)
    faults = [*document.faults, *form_faults(own_errors, document, TenantFile), *cross_faults(known, document)]
    if tenant_file is None or faults or words:
        raise TenantFileError(path, faults, list_auth0_names(words, document))
    return _with_realm_names(tenant_file)


def _text(path: Path) -> str:
    try:
        return read_text(path, "name the tenant file in it", "import the users instead of listing them here")
    except UnreadableFile as unreadable:
        fault = Fault(unreadable.line, unreadable.problem)
    # Raised outside of the except block, so that no content of the file is its context.
    raise TenantFileError(path, [fault])


def _with_realm_names(file: TenantFile) -> TenantFile:
    """Return the file with each alias of a realm replaced by the realm's name."""
    names = {alias: realm.name for realm in file.realms for alias in realm.aliases}
    users: dict[str, tuple[User, ...]] = {}
    for called, people in file.users.items():
        name = names.get(called, called)
        users[name] = (*users.get(name, ()), *people)
    clients = tuple(
        client.model_copy(update={"realms": tuple(dict.fromkeys(names.get(one, one) for one in client.realms))})
        for client in file.clients
    )
    directory = file.tenant.default_directory
    tenant = file.tenant.model_copy(update={"default_directory": names.get(directory or "", directory)})
    return file.model_copy(update={"tenant": tenant, "clients": clients, "users": users})


def _has_auth0s_name(error: ErrorDetails, document: Document) -> bool:
    """Return whether a section is missing only because it has Auth0's name."""
    (*around, key), value = error["loc"], document.value
    is_missing = error["type"] == "missing" and not around
    return is_missing and isinstance(value, dict) and has_auth0_name_of(str(key), value)


def _validate(document: Document) -> tuple[TenantFile | None, list[ErrorDetails]]:
    # The error holds the file's values, so it must be no cause or context of the error that load() raises.
    try:
        return TenantFile.model_validate(document.value), []
    except ValidationError as error:
        return None, error.errors(include_url=False)
