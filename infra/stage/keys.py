"""Make, check and rotate a stage's keys. A signing key's private half stays in KMS; its public half is published."""

import json
import time
from dataclasses import replace

from chalicelib.model.key import ROTATION_DAYS, KeySet, SigningKey
from chalicelib.rotation.kms_keys import KeyPlan
from chalicelib.rotation.rotation import KEY_SPECS, KeyRotation, UnusableKey
from chalicelib.rotation.steps import PUBLISH_S, Step
from chalicelib.store.configuration.documents import tenant_from
from chalicelib.store.configuration.vault import (
    STAGE_KEY,
    STAGE_OWNER,
    StageKey,
    Vault,
    data_key_alias,
    data_key_alias_before,
    sealer_of,
)
from infra.errors import OperatorError
from infra.stage.aws import Stage
from infra.stage.changes import PlannedChange
from infra.stage.cloudformation.stack_status import Unsound
from infra.stage.kms_keys import find_key, find_sealer, give_alias, kms_keys, state_fault

DATA_KEY = KeyPlan("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "seals secrets at rest")


def key_changes(stage: Stage, algs: list[str], dry_run: bool, known: KeySet) -> list[PlannedChange]:
    """Return the keys that these algorithms lack. Unless dry_run, make each, and publish it at once."""
    missing = [alg for alg in algs if known.current(alg) is None]
    for alg in [] if dry_run else missing:
        made = replace(key_rotation(stage).make(alg, known, int(time.time())), status="current")
        before, known = known, KeySet((*known.keys, made))
        if not stage.config().replace_keys(before, known):
            raise OperatorError("The keys were changed meanwhile, by another run or the schedule. Run up again.")
    return [PlannedChange("create", f"{alg} signing key", KEY_SPECS[alg]) for alg in missing]


def key_rotation(stage: Stage) -> KeyRotation:
    """Return the rotation of a stage's signing keys."""
    return KeyRotation(stage.config(), kms_keys(stage))


def data_key_changes(stage: Stage, dry_run: bool) -> list[PlannedChange]:
    """Return the creation of the data key if it is missing. Make it unless dry_run.

    It is never replaced: KMS rotates it each year, and still opens what was sealed before.
    """
    alias, kms, keys = data_key_alias(stage.name), stage.clients.kms, kms_keys(stage)
    if find_key(stage, alias):
        return []
    if not dry_run:
        arn = keys.find_or_make(DATA_KEY)
        keys.when_known(lambda: kms.enable_key_rotation(KeyId=arn))
        # The alias comes last: it shows that the key is complete.
        keys.when_known(lambda: give_alias(stage, alias, arn))
    return [PlannedChange("create", "data key", alias)]


def signing_key_faults(stage: Stage, known: KeySet) -> list[str]:
    """Return a line for each current or next key that cannot be used, with what mends it."""
    return [line for key in known.keys if key.status != "previous" for line in _signing_key_fault(stage, key)]


def data_key_faults(stage: Stage) -> list[str]:
    """Return why a data key cannot be used, with what mends it; nothing for one that can, or that is not there."""
    aliases = (data_key_alias(stage.name), data_key_alias_before(stage.name))
    found = [key for alias in aliases if (key := find_key(stage, alias))]
    return [line for key in found for line in state_fault("the data key", key)]


def stage_key_faults(stage: Stage) -> list[str]:
    """Return why the stage key does not open, with what mends it. Return nothing if it does, or if there is none."""
    document = stage.config().stage_key()
    if document is None:
        return []
    alias, sealed = sealer_of(stage.name, document["data_key"])
    sealer, data_key = find_sealer(stage, sealed, STAGE_OWNER), find_key(stage, alias)
    if sealer.is_gone:
        return _lost_data_key(stage)
    if sealer.refusal:
        return [f"the stage key does not open: {sealer.refusal} Mend that key in KMS, and run up again."]
    if sealer.arn and data_key and sealer.arn != data_key["Arn"]:
        lead = f"aws kms update-alias --alias-name {alias} --target-key-id {sealer.arn}"
        return [f"{alias} leads to another key than the one that sealed the stage key. Lead it back: {lead}"]
    return []


def _lost_data_key(stage: Stage) -> list[str]:
    item = f"--table-name {stage.prefix}config --key '{json.dumps({'pk': {'S': STAGE_KEY}})}'"
    return [
        "the stage key does not open: the data key that sealed it was deleted in KMS, or is another account's.",
        "  If it is gone, nothing brings back what it sealed: secrets of authenticator apps, settings of rules.",
        f"  For a new stage key, run this, then up, then deploy: aws dynamodb delete-item {item}",
    ]


def _signing_key_fault(stage: Stage, key: SigningKey) -> list[str]:
    named, found = _named(key), find_key(stage, key.key_arn)
    if found:
        return state_fault(named, found)
    turn = f"gatehouse keys rotate --stage {stage.name}"
    return [f"{named} was deleted in KMS, and nothing brings it back. Replace it: {turn}"]


def stage_key_changes(stage: Stage, dry_run: bool, is_new: bool) -> list[PlannedChange]:
    """Return the creation of the stage key if it is missing. Make it unless dry_run. is_new: there is no config table.

    It is never replaced: the hashes made with it could not be recognised any more.
    """
    change = PlannedChange("create", "stage key", "sealed by the data key")
    if dry_run:
        return [change] if is_new or stage.config().stage_key() is None else []
    # The data key's alias may be seconds old.
    return [change] if kms_keys(stage).when_known(stage_key(stage).make) else []


def stage_key(stage: Stage) -> StageKey:
    """Return the stage key."""
    return StageKey(stage.config(), Vault(stage.aws, stage.name))


def rotate(stage: Stage, now: int) -> tuple[list[PlannedChange], list[str]]:
    """Rotate the keys of each algorithm by one step. Return the changes, and a sentence for each thing to wait for.

    Raises Unsound if the new signing key cannot sign.
    """
    try:
        steps = key_rotation(stage).rotate(now)
    except UnusableKey as unusable:
        raise Unsound(state_fault(_named(unusable.key), unusable.metadata)) from unusable
    return (
        [change for step in steps for change in _changes(step)],
        [wait for step in steps for wait in _waits(step, now)],
    )


def take_out(stage: Stage, key: SigningKey, now: int) -> list[PlannedChange]:
    """Take a key out of the JWKS at once, and disable it in KMS. A current key makes way for another.

    Raises Unsound if the key that has to take its place cannot sign.
    """
    try:
        successor = key_rotation(stage).take_out(key.kid, now)
    except UnusableKey as unusable:
        raise Unsound(state_fault(_named(unusable.key), unusable.metadata)) from unusable
    gone = PlannedChange("delete", f"{key.alg} key {key.kid}", "from the JWKS; disabled in KMS")
    signs = [PlannedChange("create", f"{key.alg} key {successor.kid}", "current")] if successor else []
    return [*signs, gone]


def find_signing_key(stage: Stage, kid: str) -> SigningKey:
    """Return the key of a kid. Raises OperatorError."""
    key = stage.config().keys().find(kid)
    if key is None:
        raise OperatorError(f"No key of stage {stage.name} has the kid {kid}. See `gatehouse keys list`.")
    return key


def read_rotation_days(stage: Stage) -> int:
    """Return how many days a key signs before the schedule replaces it; 0 for never."""
    (document,) = stage.config().read_fresh("tenant")
    return tenant_from(document).rotation_days if document else ROTATION_DAYS


def _named(key: SigningKey) -> str:
    return f"the {key.status} {key.alg} key {key.kid}"


def _changes(step: Step) -> list[PlannedChange]:
    """Return the changes that a step made."""
    key = step.key
    if key is None or step.action == "wait":
        return []
    named = f"{key.alg} key {key.kid}"
    if step.action == "make":
        return [PlannedChange("create", named, "next")]
    if step.action == "drop":
        return [PlannedChange("delete", named, "it was deleted in KMS")]
    if step.action == "retire":
        return [PlannedChange("delete", named, "from the JWKS; disable it in KMS")]
    olds = [PlannedChange("update", f"{step.old.alg} key {step.old.kid}", "previous")] if step.old else []
    return [PlannedChange("update", named, "current"), *olds]


def _waits(step: Step, now: int) -> list[str]:
    """Return what the next run has to wait for after a step."""
    key, minutes = step.key, (step.until - now) // 60 + 1
    if key is None or step.action in ("drop", "retire"):
        return []
    if step.action == "make":
        wait = f"{key.kid} is published as next. Rotate again in {PUBLISH_S // 60} minutes to sign with it."
    elif step.action == "wait" and key.status == "next":
        wait = f"{key.kid} must be published for {minutes} more minutes."
    elif step.action == "wait":
        wait = f"tokens of {key.kid} live for {minutes} more minutes."
    else:
        wait = f"rotate again once the longest token of {step.old.kid if step.old else key.kid} has ended."
    warning = f"who caches the JWKS may refuse tokens of {key.kid} until that is read anew."
    return [f"{key.alg}: {line}" for line in ([warning] if step.action == "replace" else []) + [wait]]
