"""Take the steps of a rotation in KMS and in the published key set. A run that was cut off goes on at the next one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import jwt

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.key import KeySet, SigningKey
from chalicelib.rotation.kms_keys import KeyPlan, KmsKeys, Metadata
from chalicelib.rotation.public_key import public_jwk
from chalicelib.rotation.steps import Step, next_step, take_step
from chalicelib.store.aws.kms import Kms
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.tokens.jws import sign_token, write_unsigned

KEY_SPECS: dict[str, Literal["RSA_2048", "ECC_NIST_P256"]] = {"RS256": "RSA_2048", "ES256": "ECC_NIST_P256"}
# How often a run that another one was ahead of reads the key set anew.
TRIES = 5


class UnusableKey(Exception):
    """A key that shall sign cannot. key: as published. metadata: KMS's."""

    def __init__(self, key: SigningKey, metadata: Metadata) -> None:
        """Say which key it is, and its state."""
        super().__init__(f"the {key.status} {key.alg} key {key.kid} is {metadata['KeyState']}")
        self.key, self.metadata = key, metadata


@dataclass(slots=True, eq=False, repr=False)
class KeyRotation:
    """Rotates a stage's signing keys. config: with nothing cached."""

    config: ConfigStore
    kms: KmsKeys

    def rotate(self, now: int, max_age_s: int = 0) -> list[Step]:
        """Take each algorithm one step, and return the steps. Each is published before the next begins.

        A key that KMS has deleted is dropped on the way. max_age_s: see `next_step`.
        Raises UnusableKey, TemporarilyUnavailable.
        """
        return [step for alg in self.config.keys().algs for step in self._rotate(alg, now, max_age_s)]

    def make(self, alg: str, known: KeySet, now: int) -> SigningKey:
        """Make a key in KMS, or take one that an interrupted run left. Return its published half, as a next key."""
        plan = KeyPlan(KEY_SPECS[alg], "SIGN_VERIFY", f"signs {alg} tokens")
        arn = self.kms.find_or_make(plan, {key.key_arn for key in known.keys})
        jwk = public_jwk(self.kms.read_public_key(arn), alg)
        return SigningKey(jwk["kid"], alg, arn, jwk, "next", now)

    def take_out(self, kid: str, now: int) -> SigningKey | None:
        """Take a key out of the key set at once, and disable it in KMS. A current key makes way for another first.

        Return the key that signs in its place, or None. A run that was cut off is repeated. Raises UnusableKey.
        """
        for _ in range(TRIES):
            known = self.config.keys()
            key = known.find(kid)
            if key is None:
                return None
            keys, successor = tuple(one for one in known.of(key.alg) if one.kid != kid), None
            if key.status == "current":
                # Made and tried before the other is disabled: until it is published, no login succeeds.
                successor = self._find_successor(keys, key.alg, known, now)
                keys = take_step(keys, Step("replace", successor), now)
            # First what ends its use: a key that leaked may be in use this very second.
            self.kms.tag_retired(key.key_arn)
            self.kms.disable(key.key_arn)
            if self._publish(known, key.alg, keys):
                return successor
        raise TemporarilyUnavailable(reason="the key set changes all the time")

    def _find_successor(self, others: Sequence[SigningKey], alg: str, known: KeySet, now: int) -> SigningKey:
        """Return the next key if it can sign, or else a new one: a leaked key must leave whatever became of another."""
        usable = (key for key in others if key.status == "next" and self._is_enabled(key))
        successor = next(usable, None) or self.make(alg, known, now)
        self._require_signing(successor)
        return successor

    def _rotate(self, alg: str, now: int, max_age_s: int) -> list[Step]:
        steps: list[Step] = []
        for _ in range(TRIES):
            known = self.config.keys()
            keys = known.of(alg)
            step = self._prepare(next_step(keys, now, max_age_s, self._find_lost(keys)), alg, known, now)
            # Another run may have been ahead: then this one reads what that has made of the keys.
            if step.action != "wait" and not self._publish(known, alg, take_step(keys, step, now)):
                continue
            steps.append(step)
            if step.action != "drop":
                return steps
        raise TemporarilyUnavailable(reason="the key set changes all the time")

    def _prepare(self, step: Step, alg: str, known: KeySet, now: int) -> Step:
        """Do in KMS what a step needs before it is published; return it with its key."""
        if step.key is None:
            step = replace(step, key=self.make(alg, known, now))
        if step.key and step.action in ("promote", "replace"):
            self._require_signing(step.key)
        if step.key and step.action == "retire":
            # Tagged before it leaves the key set: afterwards only the tag tells it from a key that was never published.
            self.kms.tag_retired(step.key.key_arn)
        return step

    def _publish(self, known: KeySet, alg: str, keys: Sequence[SigningKey]) -> bool:
        """Put the keys of an algorithm into the key set; return False if that is not the known one any more."""
        algs = dict.fromkeys(key.alg for key in known.keys)
        parts = [keys if one == alg else known.of(one) for one in algs]
        return self.config.replace_keys(known, KeySet(tuple(key for part in parts for key in part)))

    def _find_lost(self, keys: Sequence[SigningKey]) -> set[str]:
        """Return the kids of current and next keys that KMS has deleted."""
        return {key.kid for key in keys if key.status != "previous" and self.kms.find(key.key_arn) is None}

    def _is_enabled(self, key: SigningKey) -> bool:
        found = self.kms.find(key.key_arn)
        return found is not None and found["KeyState"] == "Enabled"

    def _require_signing(self, key: SigningKey) -> None:
        """Sign with a key, as a login does, and verify by its public half. Raises UnusableKey."""
        found = self.kms.find(key.key_arn)
        if found and found["KeyState"] != "Enabled":
            raise UnusableKey(key, found)
        unsigned = write_unsigned("check", b"{}", key, {"kid": key.kid, "typ": "check"})
        token = self.kms.when_known(lambda: sign_token(unsigned, Kms(self.kms.aws).sign))
        jwt.PyJWS().decode(token, jwt.PyJWK(key.jwk), algorithms=[key.alg])
