"""Make, check and rotate a stage's keys. A signing key's private half stays in KMS; its public half is published."""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from chalicelib.model.key import KeySet, SigningKey
from chalicelib.store.configuration.vault import (
    STAGE_KEY,
    STAGE_OWNER,
    StageKey,
    Vault,
    data_key_alias,
    data_key_alias_before,
    sealer_of,
)
from infra.stage.aws import Stage
from infra.stage.changes import PlannedChange
from infra.stage.cloudformation.stack_status import Unsound
from infra.stage.kms_keys import (
    KeyPlan,
    find_key,
    find_or_make,
    find_sealer,
    give_alias,
    state_fault,
    tag_retired,
    when_known,
)

KEY_SPECS: dict[str, Literal["RSA_2048", "ECC_NIST_P256"]] = {"RS256": "RSA_2048", "ES256": "ECC_NIST_P256"}
DATA_KEY = KeyPlan("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "seals secrets at rest")
# The members that an RFC 7638 thumbprint is computed from.
REQUIRED_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}


def key_changes(stage: Stage, algs: list[str], dry_run: bool, known: KeySet) -> list[PlannedChange]:
    """Return the keys that these algorithms lack. Unless dry_run, make each, and publish it at once."""
    missing = [alg for alg in algs if known.current(alg) is None]
    for alg in [] if dry_run else missing:
        known = KeySet((*known.keys, make_key(stage, alg, "current", known)))
        stage.config().put_keys(known)
    return [PlannedChange("create", f"{alg} signing key", KEY_SPECS[alg]) for alg in missing]


def make_key(stage: Stage, alg: str, status: str, known: KeySet) -> SigningKey:
    """Make a key in KMS, or take one that an interrupted run left. Return its published half."""
    plan = KeyPlan(KEY_SPECS[alg], "SIGN_VERIFY", f"signs {alg} tokens")
    arn = find_or_make(stage, plan, {key.key_arn for key in known.keys})
    jwk = public_jwk(when_known(stage, lambda: stage.clients.kms.get_public_key(KeyId=arn))["PublicKey"], alg)
    return SigningKey(jwk["kid"], alg, arn, jwk, status, int(time.time()))


def data_key_changes(stage: Stage, dry_run: bool) -> list[PlannedChange]:
    """Return the creation of the data key if it is missing. Make it unless dry_run.

    It is never replaced: KMS rotates it each year, and still opens what was sealed before.
    """
    alias, kms = data_key_alias(stage.name), stage.clients.kms
    if find_key(stage, alias):
        return []
    if not dry_run:
        arn = find_or_make(stage, DATA_KEY)
        when_known(stage, lambda: kms.enable_key_rotation(KeyId=arn))
        # The alias comes last: it shows that the key is complete.
        when_known(stage, lambda: give_alias(stage, alias, arn))
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
    named, found = f"the {key.status} {key.alg} key {key.kid}", find_key(stage, key.key_arn)
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
    return [change] if when_known(stage, stage_key(stage).make) else []


def stage_key(stage: Stage) -> StageKey:
    """Return the stage key."""
    return StageKey(stage.config(), Vault(stage.aws, stage.name))


def public_jwk(der: bytes, alg: str) -> dict[str, str]:
    """Return the public JWK of a DER SubjectPublicKeyInfo, with kid, alg and use. Source: RFC 7517 4."""
    key = load_der_public_key(der)
    if isinstance(key, RSAPublicKey):
        jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    elif isinstance(key, EllipticCurvePublicKey):
        jwk = ECAlgorithm.to_jwk(key, as_dict=True)
    else:
        raise TypeError(f"no key for {alg}")
    members = {name: str(jwk[name]) for name in REQUIRED_MEMBERS[str(jwk["kty"])]}
    return members | {"kid": thumbprint(members), "alg": alg, "use": "sig"}


def thumbprint(members: dict[str, Any]) -> str:
    """Return the RFC 7638 thumbprint of a JWK's required members: base64url of SHA-256 over their canonical JSON."""
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


# Longer than clients may cache the JWKS, by its max-age or by their own setting.
PUBLISH_S = 7200
# The longest token lifetime of a tenant file, and the minute for which processes cache the key set.
RETIRE_S = 2_592_000 + 60


def rotate(stage: Stage, now: int) -> tuple[list[PlannedChange], list[str]]:
    """Rotate the keys of each algorithm by one step. Return the changes, and a sentence for each thing to wait for.

    A next key becomes current once it was published for PUBLISH_S; the current one becomes previous.
    A previous key is dropped after RETIRE_S, when its last token has expired. The operator disables it in KMS.
    Each algorithm is published before the next one begins. A key that KMS has deleted is replaced at once.
    Raises Unsound if the new signing key cannot sign.
    """
    config = stage.config()
    known = config.keys()
    by_alg = {alg: [key for key in known.keys if key.alg == alg] for alg in known.algs}
    changes: list[PlannedChange] = []
    waits: list[str] = []
    for alg in known.algs:
        keys, changed, waited = _rotate_alg(stage, known, alg, now)
        if changed:
            by_alg[alg] = keys
            config.put_keys(KeySet(tuple(key for of_alg in by_alg.values() for key in of_alg)))
        changes, waits = changes + changed, waits + waited
    return changes, waits


# The keys of one algorithm after its rotation, the changes, and a sentence for each thing to wait for.
Rotation = tuple[list[SigningKey], list[PlannedChange], list[str]]


def _rotate_alg(stage: Stage, known: KeySet, alg: str, now: int) -> Rotation:
    keys = [key for key in known.keys if key.alg == alg]
    by_status = {key.status: key for key in keys}
    following = by_status.get("next")
    lost = {key.status for key in keys if key.status != "previous" and find_key(stage, key.key_arn) is None}
    if "current" in lost:
        following = None if "next" in lost else following
        return _replace_lost(stage, keys, following or make_key(stage, alg, "next", known), now)
    if following and "next" in lost:
        kept = KeySet(tuple(key for key in known.keys if key != following))
        keys, changed, waited = _rotate_alg(stage, kept, alg, now)
        return keys, [PlannedChange("delete", f"{alg} key {following.kid}", "it was deleted in KMS"), *changed], waited
    previous = min((key for key in keys if key.status == "previous"), key=lambda key: key.since, default=None)
    if previous:
        return _retire(stage, keys, previous, now)
    if following is None:
        made = replace(make_key(stage, alg, "next", known), since=now)
        wait = f"{alg}: {made.kid} is published as next. Rotate again in {PUBLISH_S // 60} minutes to sign with it."
        return [*keys, made], [PlannedChange("create", f"{alg} key {made.kid}", "next")], [wait]
    if now - following.since < PUBLISH_S:
        left = (following.since + PUBLISH_S - now) // 60 + 1
        return keys, [], [f"{alg}: {following.kid} must be published for {left} more minutes."]
    return _promote(stage, by_status["current"], following, now)


def _replace_lost(stage: Stage, keys: list[SigningKey], following: SigningKey, now: int) -> Rotation:
    """Make a key current at once, published or not: the current key was deleted in KMS, so no other key can sign."""
    (current,) = (key for key in keys if key.status == "current")
    promoted, changes, waits = _promote(stage, current, following, now)
    warning = f"{current.alg}: who caches the JWKS may refuse tokens of {following.kid} until that is read anew."
    return [*promoted, *(key for key in keys if key.status == "previous")], changes, [warning, *waits]


def _promote(stage: Stage, current: SigningKey, following: SigningKey, now: int) -> Rotation:
    faults = _signing_key_fault(stage, following)
    if faults:
        raise Unsound(faults)
    keys = [replace(following, status="current", since=now), replace(current, status="previous", since=now)]
    changes = [PlannedChange("update", f"{key.alg} key {key.kid}", key.status) for key in keys]
    return keys, changes, [f"{current.alg}: rotate again once the longest token of {current.kid} has ended."]


def _retire(stage: Stage, keys: list[SigningKey], previous: SigningKey, now: int) -> Rotation:
    ends_at = previous.since + RETIRE_S
    if now < ends_at:
        return (
            keys,
            [],
            [f"{previous.alg}: tokens of {previous.kid} live for {(ends_at - now) // 60 + 1} more minutes."],
        )
    # Tagged before it leaves the key set: afterwards only the tag tells it from a key that was never published.
    tag_retired(stage, previous.key_arn)
    kept = [key for key in keys if key is not previous]
    return kept, [PlannedChange("delete", f"{previous.alg} key {previous.kid}", "from the JWKS; disable it in KMS")], []
