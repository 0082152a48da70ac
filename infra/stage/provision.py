"""Bring a stage to what a tenant file says: `up` makes stacks and keys, `apply` writes the configuration.

Both are idempotent, and touch nothing that the file does not name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.authorization import make_role_id
from chalicelib.model.key import KeySet
from chalicelib.store.configuration.client_secrets import SECRET_METHODS, make_secret, sha256
from chalicelib.store.configuration.config import MAX_DOCUMENT_BYTES, size_bytes
from chalicelib.store.configuration.documents import Document
from infra.errors import NotReady, OperatorError
from infra.stage.aws import Stage
from infra.stage.changes import Action, PlannedChange
from infra.stage.cloudformation.alarm_topic import subscription_changes
from infra.stage.cloudformation.leftovers import has_table
from infra.stage.cloudformation.stacks import stack_changes, stage_stacks
from infra.stage.health import require_free, require_sound
from infra.stage.keys import data_key_changes, key_changes, stage_key_changes
from infra.stage.logs.audit_log import audit_log_changes
from infra.stage.roles import role_holders, set_role_permissions
from infra.tenant.schema import Client, Realm, TenantFile

SECTIONS = ("realm#", "api#", "role#", "client#")
SINGLE = ("tenant", "events")


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The changes of `apply`, and the client secrets that it made, by client_id. Only their hashes are stored."""

    changes: list[PlannedChange]
    made_secrets: dict[str, str]


def up(stage: Stage, file: TenantFile, dry_run: bool = False, alarm_email: str = "") -> list[PlannedChange]:
    """Make what is missing: the stage's stack, a stack per realm, the keys, the alarms. Return the changes.

    alarm_email: an address to tell of alarms; "" for none more.
    Raises Unsound, before anything is made, if a stack, a table or a key has a fault that `up` does not mend.
    It does so too if a table or a log group is in the way of a new stack.
    """
    require_sound(stage, [realm.name for realm in file.realms])
    own, alarms, *realms = stacks = stage_stacks(stage.name, [realm.name for realm in file.realms])
    require_free(stage, stacks)
    own_changes = stack_changes(stage, own, dry_run)
    is_new = dry_run and any(change.action in ("create", "recreate") for change in own_changes)
    known = KeySet() if is_new else stage.config().keys()
    algs = sorted({"RS256"} | {api.signing_alg for api in file.apis}, reverse=True)
    return [
        *audit_log_changes(stage, dry_run),
        *own_changes,
        *(change for stack in realms for change in stack_changes(stage, stack, dry_run)),
        *key_changes(stage, algs, dry_run, known),
        *data_key_changes(stage, dry_run),
        *stage_key_changes(stage, dry_run, is_new),
        # Last, so that logins do not wait for alarms that cannot be made.
        *stack_changes(stage, alarms, dry_run),
        *(subscription_changes(stage, alarms.name, alarm_email, dry_run) if alarm_email else ()),
    ]


def apply(
    stage: Stage,
    file: TenantFile,
    dry_run: bool = False,
    prune: bool = False,
    tell: Callable[[str, str], object] = lambda client_id, secret: None,
) -> ApplyResult:
    """Write the tenant, realms, APIs and clients. Entries that left the file are kept, or deleted if prune.

    tell: takes a client_id and its new secret, before the hash is stored: so each stored secret was shown.
    Raises NotReady if `up` has to run first, Unsound for a fault that `up` does not mend.
    """
    require_sound(stage, [realm.name for realm in file.realms])
    _require_ready(stage, file)
    return write_configuration(stage, file, dry_run, prune, tell)


def write_configuration(
    stage: Stage,
    file: TenantFile,
    dry_run: bool = False,
    prune: bool = False,
    tell: Callable[[str, str], object] = lambda client_id, secret: None,
) -> ApplyResult:
    """Do what `apply` does, without its checks of the stage."""
    config = stage.config()
    stored = {key: document for key, document in config.documents() if key.startswith(SECTIONS) or key in SINGLE}
    made: dict[str, str] = {}
    wanted = _documents(stage, file, stored, made)
    gone = sorted(set(stored) - set(wanted))
    set_role_permissions(wanted, {} if prune else stored)
    changes = [_change(key, document, stored) for key, document in wanted.items() if document != stored.get(key)]
    holders = role_holders(stage, [stored[key]["name"] for key in gone if key.startswith("role#")])
    action: Action = "delete" if prune else "keep"
    changes += [PlannedChange(action, _label(key, stored[key]), _why(key, stored[key], holders)) for key in gone]
    kept = {} if prune else {key: stored[key] for key in gone}
    wanted["tenant"] |= {"grant_types": _grant_types(kept | wanted), "realm_aliases": _realm_aliases(kept | wanted)}
    _require_small(wanted)
    if not dry_run:
        for key in [key for key in wanted if wanted[key] != stored.get(key)]:
            if (client_id := key.removeprefix("client#")) in made:
                tell(client_id, made[client_id])
            config.put(key, wanted[key])
        for key in gone if prune else ():
            config.delete(key)
    return ApplyResult(changes, {} if dry_run else made)


def _documents(
    stage: Stage, file: TenantFile, stored: dict[str, Document], made: dict[str, str]
) -> dict[str, Document]:
    sections = file.model_dump(mode="json", include={"mfa", "attack_protection", "keys"})
    tenant = stored.get("tenant", {})
    computed = {"grant_types": tenant.get("grant_types", []), "realm_aliases": tenant.get("realm_aliases", {})}
    return {
        "tenant": file.tenant.model_dump(mode="json") | sections | computed,
        **_events(file, stored),
        **{f"realm#{realm.name}": _realm(stage, realm) for realm in file.realms},
        **{f"api#{api.identifier}": api.model_dump(mode="json") for api in file.apis},
        **{f"role#{make_role_id(role.name)}": role.model_dump(mode="json") for role in file.roles},
        **{
            f"client#{client.client_id}": _client(file, client, stored.get(f"client#{client.client_id}"), made)
            for client in file.clients
        },
    }


def _events(file: TenantFile, stored: dict[str, Document]) -> dict[str, Document]:
    """Return the document of the events. One that left the file is emptied, with `prune` or without: it sends on."""
    if file.events:
        return {"events": file.events.model_dump(mode="json", exclude_none=True)}
    return {"events": {}} if "events" in stored else {}


def _realm(stage: Stage, realm: Realm) -> Document:
    return realm.model_dump(mode="json") | {"users_table": users_table(stage, realm.name)}


def _client(file: TenantFile, client: Client, stored: Document | None, made: dict[str, str]) -> Document:
    """Return a client's document, with hashes of its secrets, its client grants and its public keys."""
    document = client.model_dump(mode="json", exclude={"client_secret", "jwks"})
    grants = {grant.audience: list(grant.scope) for grant in file.client_grants if grant.client_id == client.client_id}
    keys = client.jwks.model_dump(mode="json", exclude_none=True)["keys"] if client.jwks else []
    return document | {"jwks": keys, "client_grants": grants, "secrets": _secrets(client, stored, made)}


def _secrets(client: Client, stored: Document | None, made: dict[str, str]) -> list[dict[str, Any]]:
    if client.token_endpoint_auth_method not in SECRET_METHODS:
        return []
    known: list[dict[str, Any]] = stored["secrets"] if stored else []
    if client.client_secret is None:
        if known:
            return known
        made[client.client_id] = make_secret()
    digest = sha256(client.client_secret or made[client.client_id])
    return known if digest in [secret["sha256"] for secret in known] else [{"sha256": digest, "expires_at": None}]


def users_table(stage: Stage, realm: str) -> str:
    """Return the name of a realm's table, as infra/stage/realm.yaml gives it."""
    return f"{stage.prefix}users-{realm}"


def _require_ready(stage: Stage, file: TenantFile) -> None:
    algs = stage.config().keys().algs
    missing = [f"a key for {api.signing_alg} ({api.identifier})" for api in file.apis if api.signing_alg not in algs]
    realms = [realm.name for realm in file.realms]
    missing += [f"the table of realm {name}" for name in realms if not has_table(stage, users_table(stage, name))]
    if stage.config().stage_key() is None:
        missing.append("the stage key")
    if missing:
        raise NotReady("missing: " + ", ".join(missing))


def _require_small(documents: dict[str, Document]) -> None:
    """Raise OperatorError if a document is too large for requests to read. Stored hashes and aliases count too."""
    too_large = {key: size for key in documents if (size := size_bytes(documents[key])) > MAX_DOCUMENT_BYTES}
    if too_large:
        named = ", ".join(f"{_label(key, documents[key])} ({size:,} bytes)" for key, size in too_large.items())
        raise OperatorError(f"At most {MAX_DOCUMENT_BYTES:,} bytes of each are stored. Make smaller: {named}.")


def _grant_types(documents: dict[str, Document]) -> list[str]:
    clients = [one for key, one in documents.items() if key.startswith("client#") and not one.get("disabled")]
    return sorted({grant for client in clients for grant in client["grant_types"]})


def _realm_aliases(documents: dict[str, Document]) -> dict[str, str]:
    """Return the realms' names by alias. An alias that is the name of a stored realm is left out."""
    realms = [one for key, one in documents.items() if key.startswith("realm#")]
    aliases = {alias: one["name"] for one in realms for alias in one.get("aliases", ())}
    return {alias: name for alias, name in aliases.items() if f"realm#{alias}" not in documents}


def _change(key: str, document: Document, stored: dict[str, Document]) -> PlannedChange:
    before = stored.get(key)
    if before is None:
        return PlannedChange("create", _label(key, document))
    return PlannedChange(
        "update", _label(key, document), ", ".join(name for name in document if document[name] != before.get(name))
    )


def _label(key: str, document: Document) -> str:
    """Return the name of a document in a plan; a role's key has its id, which nobody knows."""
    kind, _, name = key.partition("#")
    return f"{kind} {document['name'] if kind == 'role' else name}".strip()


def _why(key: str, document: Document, holders: dict[str, int]) -> str:
    """Return why something goes or stays. holders: by role, the number of people who have it."""
    return (
        f"left the file; people who have it: {holders[document['name']]}"
        if key.startswith("role#")
        else "left the file"
    )
