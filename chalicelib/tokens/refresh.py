"""Refresh tokens: opaque, and rotated so that a client whose answer was lost can go on (docs/adr/0011)."""

import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from chalicelib.errors import InvalidGrant, TemporarilyUnavailable, Unauthorized, is_refusal
from chalicelib.model.account import Account
from chalicelib.model.clock import Clock
from chalicelib.model.directory import Directory
from chalicelib.model.family import FamilyKey, RefreshFamily
from chalicelib.model.login import Access, Login
from chalicelib.model.storage import Write
from chalicelib.model.tenant import Client, RefreshTokenPolicy
from chalicelib.model.user import Credentials
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.families import FamilyStore
from chalicelib.store.people.items import family_counter
from chalicelib.store.revocations import RevocationStore
from chalicelib.tokens.refresh_format import (
    SECRET_BYTES,
    VERSION_BEFORE,
    Checksum,
    RefreshToken,
    decode,
    encode,
    hash_secret,
    make_successor,
    plain_checksum,
)

UNKNOWN = "Unknown or invalid refresh token."
MAX_FAMILIES = 200
# How long a client may retry after an answer that is known not to have reached it.
RETRY_S = 86_400


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A refresh token that a client presents, with its current family and user. It is not checked yet.

    is_ours: whether this server surely made the token. Before checksums were keyed, others could make one too.
    """

    family: RefreshFamily
    user: Credentials
    secret: bytes = field(repr=False)
    is_ours: bool = True

    @property
    def is_current(self) -> bool:
        """Whether this is the family's one live token."""
        return hmac.compare_digest(hash_secret(self.secret), self.family.current_hash)

    @property
    def is_predecessor(self) -> bool:
        """Whether this is the token before the live one."""
        return hmac.compare_digest(hash_secret(self.secret), self.family.previous_hash)


@dataclass(frozen=True, slots=True)
class NewFamily:
    """A refresh family of a user and a client that is not stored yet.

    token: its first token. write: stores it. counter: the name of the number in the user's credentials that counts it.
    """

    user: Credentials
    client: Client
    family: RefreshFamily
    token: str = field(repr=False)
    write: Write = field(repr=False)
    counter: str


@dataclass(slots=True, eq=False, repr=False)
class RefreshTokens:
    """Begins, checks and renews families. directory_named: a realm's, None for an unknown one.

    checksum: keyed in the server. The operator's tools get no tokens, so theirs has no key.
    """

    dynamo: Dynamo
    families: FamilyStore
    revocations: RevocationStore
    clock: Clock
    directory_named: Callable[[str], Directory | None]
    checksum: Checksum = field(default=plain_checksum, repr=False)

    def begin(self, login: Login, user: Credentials, access: Access, client: Client) -> NewFamily:
        """Return the family that begins with a login, to be stored together with it."""
        now, secret, policy = self.clock.now_s(), secrets.token_bytes(SECRET_BYTES), client.refresh_token
        family = RefreshFamily(
            key=FamilyKey(login.realm, user.user_id, self._new_id()),
            client_id=client.client_id,
            audience=access.audience,
            scopes=access.scopes,
            auth_time=login.auth_time or now,
            amr=login.amr,
            families_version=user.families_epoch,
            current_hash=hash_secret(secret),
            created_at=now,
            created_ip=login.source_ip,
            ends_at=_first_end(login, now + policy.token_lifetime_s if policy.token_lifetime_s else 0),
            last_used_at=now,
            last_used_ip=login.source_ip,
        )
        return NewFamily(
            user=user,
            client=client,
            family=family,
            token=self._encode(family, secret),
            write=self.families.begin_write(family, family.ends_unused_at(policy)),
            counter=family_counter(client.client_id),
        )

    def make_room(self, new: NewFamily) -> None:
        """End the families that are over, and the oldest ones if the user has MAX_FAMILIES at the client.

        The counter in the user's credentials counts beginnings. Only if it is full are the families read, and it is
        corrected afterwards.
        """
        user, client, realm = new.user, new.client, new.family.key.realm
        if user.family_counts.get(new.counter, 0) < MAX_FAMILIES:
            return
        families = self.families.of_user(Account(realm, user.user_id), client.client_id)
        live = [one for one in families if not one.has_ended(user, client.refresh_token, self.clock.now_s())]
        kept = live[max(0, len(live) - MAX_FAMILIES + 1) :]
        for one in families:
            if one not in kept:
                self.families.end(one)
        directory = self.directory_named(realm)
        if directory:
            directory.correct_count(user, new.counter, len(kept))

    @contextmanager
    def end_on_failure(self, new: NewFamily) -> Iterator[None]:
        """End a new family if the block fails without a refusal: its token did not reach the client."""
        try:
            yield
        except Exception as failure:
            if not is_refusal(failure):
                self._take_back(new)
            raise

    def end(self, new: NewFamily) -> None:
        """End a new family whose login was not written."""
        with suppress(TemporarilyUnavailable):
            self.families.end(new.family)

    def find(self, token: str, client: Client, has_profile: bool = False) -> PresentedToken | None:
        """Return a client's token with its family and user, in one call; None if it is no token of the client.

        has_profile: whether the user must have the profile.
        """
        decoded = decode(token)
        if decoded is None:
            return None
        key, is_of_before = decoded.key, decoded.version == VERSION_BEFORE
        directory = self.directory_named(key.realm) if key.realm in client.realms else None
        is_ours = directory is not None and hmac.compare_digest(encode(decoded, self.checksum), token)
        # A token from before checksums were keyed has one without a key; a damaged token has neither.
        if directory is None or not (is_ours or (is_of_before and token == encode(decoded))):
            return None
        family, user, count = self.dynamo.read_all(
            self.families.read_of(key, client.client_id),
            directory.read_of(key.user_id) if has_profile else directory.credentials_of(key.user_id),
            self.revocations.read_of(key.realm, client.client_id),
        )
        if family is None and is_of_before:
            family = self.families.find_before(key, client.client_id)
        user = user or (directory.find(key.user_id) if family else None)
        # The holder of a token can change the key in it, so the stored family must have the same key and client.
        if family is None or user is None or (family.key, family.client_id) != (key, client.client_id):
            return None
        return PresentedToken(family, replace(user, revocations=count), decoded.secret, is_ours)

    def require_usable(self, found: PresentedToken, client: Client) -> None:
        """Raise InvalidGrant or Unauthorized unless the token may be used.

        A token that was superseded too long ago ends its family: two parties hold it (RFC 9700 4.14.2). A forged token
        with the key of a family, but none of its secrets, does not end it.
        """
        if not self._may_be_used(found):
            if not found.is_ours:
                raise InvalidGrant(UNKNOWN, reason="not the live token, and its checksum has no key")
            self.families.end(found.family)
            raise InvalidGrant(UNKNOWN, reason="a superseded refresh token was used again", event="ferrt")
        if found.user.blocked:
            raise Unauthorized("user is blocked")
        if found.family.has_ended(found.user, client.refresh_token, self.clock.now_s()):
            raise InvalidGrant(UNKNOWN, reason="the family has ended")

    def renew(self, presented: PresentedToken, client: Client, source_ip: str) -> str | None:
        """Use a token up and return its successor; None if the client does not rotate and keeps its token.

        One write, and none for a predecessor. Raises InvalidGrant if the family ended meanwhile.
        """
        family, policy = presented.family, client.refresh_token
        if not presented.is_current:
            return self._encode(family, make_successor(presented.secret, family.nonce))
        after = self._use(presented, policy, source_ip)
        try:
            other = self.families.replace(family, after, after.ends_unused_at(policy))
        except ConditionFailed:
            raise InvalidGrant(UNKNOWN, reason="the family ended meanwhile") from None
        # The stored nonce is this request's own if botocore sent the write again after its answer was lost.
        if other is None or (policy.is_rotating and other.nonce == after.nonce):
            next_secret = make_successor(presented.secret, after.nonce)
            return self._encode(family, next_secret) if policy.is_rotating else None
        # Another request was faster with the same token. There is one successor, and this client gets it too. If the
        # successor was used as well by now, this request came in time and was slow, which is no reuse.
        raced = replace(presented, family=other)
        if not self._may_be_used(raced):
            raise InvalidGrant(UNKNOWN, reason="another request used the token, and its successor too")
        return self.renew(raced, client, source_ip)

    def let_retry(self, presented: PresentedToken, client: Client) -> None:
        """Let a client use its used-up token again, whatever the leeway, as its answer is known to be lost."""
        with suppress(TemporarilyUnavailable, ConditionFailed):
            now = self.find(self._encode(presented.family, presented.secret), client)
            if now and now.is_predecessor and presented.is_current:
                until = replace(now.family, previous_until_ms=self.clock.now_ms() + 1000 * RETRY_S)
                self.families.replace(now.family, until, until.ends_unused_at(client.refresh_token))

    def _may_be_used(self, found: PresentedToken) -> bool:
        """Whether this is the live token, or the one before it within its leeway."""
        return found.is_current or (found.is_predecessor and self.clock.now_ms() < found.family.previous_until_ms)

    def _use(self, presented: PresentedToken, policy: RefreshTokenPolicy, source_ip: str) -> RefreshFamily:
        now, family = self.clock.now_s(), presented.family
        # An end that was set stays. A family without one gets it as soon as the client's policy has a lifetime.
        ends_at = family.ends_at or (now + policy.token_lifetime_s if policy.token_lifetime_s else 0)
        used = replace(family, last_used_at=now, last_used_ip=source_ip, ends_at=ends_at)
        if not policy.is_rotating:
            return used
        nonce = secrets.token_hex(SECRET_BYTES)
        return replace(
            used,
            current_hash=hash_secret(make_successor(presented.secret, nonce)),
            previous_hash=family.current_hash,
            previous_until_ms=self.clock.now_ms() + 1000 * policy.leeway_s if policy.leeway_s else 0,
            nonce=nonce,
        )

    def _take_back(self, new: NewFamily) -> None:
        """End a family whose first token did not reach the client, if it was stored at all."""
        with suppress(TemporarilyUnavailable):
            found = self.find(new.token, new.client)
            if found:
                self.families.end(found.family)

    def _encode(self, family: RefreshFamily, secret: bytes) -> str:
        return encode(RefreshToken(family.key, secret), self.checksum)

    def _new_id(self) -> str:
        # The IDs of a client's families sort by age, and so do the items.
        return f"{self.clock.now_ms():012x}{secrets.token_hex(10)}"


def _first_end(login: Login, ends_at: int) -> int:
    """Return when a new family ends: no later than the family that it continues after a second factor at refresh."""
    ends = (login.original.ends_at if login.original else 0, ends_at)
    return min((end for end in ends if end), default=0)
