"""The signing keys: made through the KMS API, published in the configuration. Their private half never leaves KMS."""

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
from chalicelib.store.stage_key import StageKey
from chalicelib.store.vault import Vault, data_key_alias
from infra.aws import Stage
from infra.plan import Change

KEY_SPECS: dict[str, Literal["RSA_2048", "ECC_NIST_P256"]] = {"RS256": "RSA_2048", "ES256": "ECC_NIST_P256"}
# What an RFC 7638 thumbprint is made of.
REQUIRED_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}


def key_changes(stage: Stage, algs: list[str], dry_run: bool, known: KeySet) -> list[Change]:
    """Return which keys are missing for these algorithms; make and publish them unless dry_run."""
    missing = [alg for alg in algs if known.current(alg) is None]
    if missing and not dry_run:
        made = tuple(make_key(stage, alg, "current") for alg in missing)
        stage.config().put_keys(KeySet(known.keys + made))
    return [Change("create", f"{alg} signing key", KEY_SPECS[alg]) for alg in missing]


def make_key(stage: Stage, alg: str, status: str) -> SigningKey:
    """Make a key in KMS and return what is published of it. The tag is what the function's IAM policy asks for."""
    kms = stage.clients.kms
    made = kms.create_key(
        KeySpec=KEY_SPECS[alg],
        KeyUsage="SIGN_VERIFY",
        Description=f"Gatehouse {stage.name}: signs {alg} tokens",
        Tags=[{"TagKey": "gatehouse-stage", "TagValue": stage.name}],
    )
    arn = made["KeyMetadata"]["Arn"]
    jwk = public_jwk(kms.get_public_key(KeyId=arn)["PublicKey"], alg)
    return SigningKey(jwk["kid"], alg, arn, jwk, status, int(time.time()))


def data_key_changes(stage: Stage, dry_run: bool) -> list[Change]:
    """Return whether the key for data at rest is missing; make it unless dry_run.

    It is never replaced: KMS turns it every year by itself, and what was sealed before stays open.
    """
    alias, kms = data_key_alias(stage.name), stage.clients.kms
    try:
        kms.describe_key(KeyId=alias)
        return []
    except kms.exceptions.NotFoundException:
        pass
    if not dry_run:
        made = kms.create_key(
            Description=f"Gatehouse {stage.name}: seals secrets at rest",
            Tags=[{"TagKey": "gatehouse-stage", "TagValue": stage.name}],
        )
        key_id = made["KeyMetadata"]["KeyId"]
        kms.enable_key_rotation(KeyId=key_id)
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    return [Change("create", "data key", alias)]


def stage_key_changes(stage: Stage, dry_run: bool, is_new: bool) -> list[Change]:
    """Return whether the stage's own key is missing; make it unless dry_run. is_new: there is no config table yet.

    It is never replaced: what was hashed under it could not be recognised any more.
    """
    is_missing = (is_new or stage.config().stage_key() is None) if dry_run else stage_key(stage).make()
    return [Change("create", "stage key", "sealed by the data key")] if is_missing else []


def stage_key(stage: Stage) -> StageKey:
    """Return the stage's own key."""
    return StageKey(stage.config(), Vault(stage.clients.kms, data_key_alias(stage.name)))


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


# Longer than any cache of the JWKS that its max-age, or a client of ours, allows.
PUBLISH_S = 7200
# The longest lifetime that a tenant file can give a token, and the minute that processes keep a key set for.
RETIRE_S = 2_592_000 + 60


def rotate(stage: Stage, now: int) -> tuple[list[Change], list[str]]:
    """Take each algorithm's keys one step on; return what changed, and what is waited for, each a sentence.

    next -> current once it was published for PUBLISH_S; current -> previous then; previous is dropped after RETIRE_S,
    when the longest token that it can have signed has ended. A dropped key stays in KMS, where its owner disables it.
    """
    config = stage.config()
    known = config.keys()
    steps = [_step(stage, [key for key in known.keys if key.alg == alg], now) for alg in known.algs]
    keys = tuple(key for step in steps for key in step[0])
    if keys != known.keys:
        config.put_keys(KeySet(keys))
    return [change for step in steps for change in step[1]], [wait for step in steps for wait in step[2]]


Step = tuple[list[SigningKey], list[Change], list[str]]


def _step(stage: Stage, keys: list[SigningKey], now: int) -> Step:
    by_status = {key.status: key for key in keys}
    following, previous = by_status.get("next"), by_status.get("previous")
    if previous:
        return _retired(keys, previous, now)
    if following is None:
        made = replace(make_key(stage, keys[0].alg, "next"), since=now)
        wait = (
            f"{made.alg}: {made.kid} is published as next. Rotate again in {PUBLISH_S // 60} minutes to sign with it."
        )
        return [*keys, made], [Change("create", f"{made.alg} key {made.kid}", "next")], [wait]
    if now - following.since < PUBLISH_S:
        left = (following.since + PUBLISH_S - now) // 60 + 1
        return keys, [], [f"{following.alg}: {following.kid} must be published for {left} more minutes."]
    return _promoted(by_status["current"], following, now)


def _promoted(current: SigningKey, following: SigningKey, now: int) -> Step:
    keys = [replace(following, status="current", since=now), replace(current, status="previous", since=now)]
    changes = [Change("update", f"{key.alg} key {key.kid}", key.status) for key in keys]
    return keys, changes, [f"{current.alg}: rotate again once the longest token of {current.kid} has ended."]


def _retired(keys: list[SigningKey], previous: SigningKey, now: int) -> Step:
    ends_at = previous.since + RETIRE_S
    if now < ends_at:
        return (
            keys,
            [],
            [f"{previous.alg}: tokens of {previous.kid} live for {(ends_at - now) // 60 + 1} more minutes."],
        )
    kept = [key for key in keys if key is not previous]
    return kept, [Change("delete", f"{previous.alg} key {previous.kid}", "from the JWKS; disable it in KMS")], []
