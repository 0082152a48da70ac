"""Change a user's profile, for the tools: texts, verified flags, metadata and identifiers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.accounts.sign_up import TEXT_LIMITS, is_one_line
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.identifiers import canonical, is_acceptable, is_new_name, is_phone_number, is_text, trim
from chalicelib.model.clock import Clock, in_words
from chalicelib.model.redaction import mask_email
from chalicelib.model.storage import Write
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.outgoing import OutgoingMail, Tell
from chalicelib.store.people.profile_changes import change_writes
from chalicelib.store.people.user_records import IdentifierTaken, NoSuchUser, UserRecords

IDENTIFIERS = ("username", "email")
TEXTS = (*IDENTIFIERS, *TEXT_LIMITS)
# Each with the text that it tells of: a new text is not verified.
FLAGS = {"email_verified": "email", "phone_verified": "phone_number"}
METADATA = ("user_metadata", "app_metadata")
# Of each metadata, as JSON in UTF-8.
MAX_METADATA_BYTES = 65_536
# Letters beyond ASCII are stored escaped, up to three times as long. DynamoDB takes 400 KB for the whole profile.
MAX_STORED_BYTES = 190_000
EMAIL_CHANGED = "email-changed"
# How often a change is tried if other requests change the same fields meanwhile.
TRIES = 8


class UnfitProfile(Exception):
    """The profile would not be one of the realm; the message says why."""


@dataclass(slots=True, eq=False, repr=False)
class Profiles:
    """Changes profiles of one realm. tell: queues emails."""

    records: UserRecords
    realm: Realm
    clock: Clock
    tell: Tell

    def change(self, user_id: str, changes: Mapping[str, Any]) -> User:
        """Change a user's profile, and return the user then. changes: as of change_profile.

        Identifiers move in the same transaction, and a changed email is told there too.
        Raises UnfitProfile, IdentifierTaken, NoSuchUser.
        """
        for _ in range(TRIES):
            before = self.records.users.read(user_id)
            if before is None:
                raise NoSuchUser(user_id)
            after = change_profile(before, changes)
            require_identifiers(after, self.realm)
            self._require_free(before, after)
            writes = change_writes(self.records.table, before, after, self.clock.now_s())
            try:
                self.records.dynamo.commit((*writes, *self._notices(before, after)))
            except ConditionFailed:
                continue
            return after
        raise TemporarilyUnavailable(reason="transact_write_items: the profile kept changing")

    def _require_free(self, before: User, after: User) -> None:
        for kind in IDENTIFIERS:
            name = getattr(after, kind)
            if name and canonical(name) != canonical(getattr(before, kind)):
                holder = self.records.users.locate(name, IDENTIFIERS)
                if holder not in (None, before.user_id):
                    raise IdentifierTaken

    def _notices(self, before: User, after: User) -> tuple[Write, ...]:
        """Return the writes that tell of a changed email: the old address, if it was verified, and the new one."""
        if not before.email or canonical(before.email) == canonical(after.email):
            return ()
        values = {"time": in_words(self.clock.now_s()), "email": mask_email(after.email) if after.email else "none"}
        told = (before.email if before.email_verified else "", after.email)
        mails = (OutgoingMail(EMAIL_CHANGED, self.realm.name, to, before.user_id, values) for to in told if to)
        return tuple(write for mail in mails for write in self.tell(mail))


def change_profile(user: User, changes: Mapping[str, Any]) -> User:
    """Return the user with these changes: None removes a text. A new email or phone number is not verified.

    changes: by the names of TEXTS, FLAGS and METADATA. Metadata are merged at the first level; a member that is None
    is removed, and None in place of metadata removes all. Raises UnfitProfile.
    """
    texts = {name: _text(name, changes[name]) for name in TEXTS if name in changes}
    unverified = {flag: False for flag, text in FLAGS.items() if text in texts and _differs(texts[text], user, text)}
    flags = {flag: changes[flag] for flag in FLAGS if flag in changes}
    metadata = {name: _merge(name, getattr(user, name), changes[name]) for name in METADATA if name in changes}
    # Any: fields of several types.
    values: dict[str, Any] = {**texts, **unverified, **flags, **metadata}
    return replace(user, **values)


def require_identifiers(user: User, realm: Realm) -> None:
    """Raise UnfitProfile unless a user has an identifier of the realm, and fit ones alone."""
    names = {kind: getattr(user, kind) for kind in IDENTIFIERS}
    if not any(names[kind] for kind in realm.identifiers):
        raise UnfitProfile(f"In realm {realm.name} a person needs: {' or '.join(realm.identifiers)}.")
    if "@" in user.username or (user.email and "@" not in user.email):
        raise UnfitProfile("A username holds no @, an email holds one.")
    if not all(is_acceptable(name) for name in names.values() if name):
        raise UnfitProfile("A name has at most 320 characters, no control characters, and not blanks alone.")
    if not all(is_new_name(name) for name in names.values() if name):
        raise UnfitProfile("A name holds no characters that show as nothing, such as U+200B: take them out.")


def _text(name: str, value: str | None) -> str:
    text = trim(value or "")
    limit = TEXT_LIMITS.get(name)
    if limit and (len(text) > limit or not is_text(text) or not is_one_line(text)):
        raise UnfitProfile(f"{name} has at most {limit} characters, none of them a control character.")
    if name == "picture" and text and not text.startswith("https://"):
        raise UnfitProfile("picture is an https URL.")
    if name == "phone_number" and text and not is_phone_number(text):
        raise UnfitProfile("phone_number is in E.164 form, such as +14155550100.")
    return text


def _differs(text: str, user: User, name: str) -> bool:
    return canonical(text) != canonical(getattr(user, name))


def _merge(name: str, before: dict[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    merged = {} if changes is None else {**before, **changes}
    after = {key: value for key, value in merged.items() if value is not None}
    try:
        excess = excess_of(after)
    except ValueError:
        # Python reads 1e400 as infinity, which no JSON has.
        raise UnfitProfile(f"{name} has a number that is too large.") from None
    if excess:
        raise UnfitProfile(f"{name} would have {excess}.")
    return after


def excess_of(metadata: dict[str, Any]) -> str:
    """Return of what metadata have too much to be stored, "" if they fit. Raises ValueError for a number JSON lacks."""
    stored = json.dumps(metadata, allow_nan=False)
    if len(stored) <= MAX_METADATA_BYTES:
        # UTF-8 is never longer than what is escaped.
        return ""
    if len(json.dumps(metadata, ensure_ascii=False).encode(errors="surrogatepass")) > MAX_METADATA_BYTES:
        return f"more than {MAX_METADATA_BYTES // 1024} KiB"
    return "more letters beyond ASCII than can be stored" if len(stored) > MAX_STORED_BYTES else ""
