"""Tell which items of a stage are one person's: by their keys, or by what their documents name."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.identifiers import canonical, digest
from chalicelib.model.account import Account
from chalicelib.model.enrolment import EMAIL, SMS, Enrolment
from chalicelib.model.storage import Item
from chalicelib.model.user import User
from chalicelib.protection.codes import tried_person
from chalicelib.protection.destinations import allowance_of
from chalicelib.protection.mails import mailed_person
from chalicelib.store.notices import BLOCKS, WRONG_CODES
from infra.stage.attacks import UNKNOWN

Mac = Callable[[str, bytes], bytes]
# What begins the keys of an account's items in the attempts table.
OF_ACCOUNT = ("account#", "mfa#", "sign-up#", f"{BLOCKS}#told#", f"{WRONG_CODES}#told#")
QUEUES = (f"{BLOCKS}#queue#", f"{WRONG_CODES}#queue#")
OF_USER = ("user#", "cred#", "mfa#")
# A text that is not a part of a longer one.
_BOUNDED = r"(?<![\w.+@|-]){}(?![\w@|-]|\.\w)"


@dataclass(frozen=True, slots=True)
class Traces:
    """The signs of a person's items.

    names: identifiers in canonical form. accounts: the keys of the account, and of names that nobody has. keys: whole
    partition keys. ids: of second factors and of pending logins; it grows as logins are found. texts: what nothing may
    hold in the end.
    """

    realm: str
    user_id: str
    names: frozenset[str] = field(repr=False)
    accounts: frozenset[str] = field(repr=False)
    keys: frozenset[str] = field(repr=False)
    texts: frozenset[str] = field(repr=False)
    ids: set[str] = field(repr=False)

    @classmethod
    def of(cls, realm: str, user_id: str, user: User | None, enrolment: Enrolment, mac: Mac) -> "Traces":
        """Return the traces of a person. user: None if there is none; then user_id may be an identifier too."""
        named = (user.username, user.email) if user else (user_id,)
        emails, phones = _addresses(user, enrolment)
        typed = {*filter(None, named), *emails, *phones}
        accounts = {Account(realm, user_id), *(Account(realm, UNKNOWN + digest(name, mac)) for name in typed)}
        mailed = {*emails, *(name for name in named if "@" in name)}
        hashed = {owner(realm, email, mac) for email in mailed for owner in (mailed_person, tried_person)}
        hashed |= {allowance_of(EMAIL, email, mac).owner for email in mailed}
        hashed |= {allowance_of(SMS, phone, mac).owner for phone in phones}
        keys = {prefix + account.key for prefix in OF_ACCOUNT for account in accounts}
        return cls(
            realm,
            user_id,
            frozenset(canonical(name) for name in named if name),
            frozenset(account.key for account in accounts),
            frozenset(keys | hashed),
            frozenset(text.casefold() for text in {user_id, *mailed, *phones}),
            {one.authenticator_id for one in enrolment.authenticators},
        )

    def are_in(self, item: Item) -> bool:
        """Return whether an item of the sessions or attempts is the person's.

        The id of a pending login is noted, as the login's challenge has no other sign.
        """
        pk, account = str(item["pk"]), str(item.get("sk", "")).partition("#")[2]
        if pk in self.keys or (pk.startswith(QUEUES) and account in self.accounts):
            return True
        kind, _, own_id = pk.partition("#")
        parts = list(_parts(item))
        if kind == "oob":
            return own_id in self.ids or any(part.get("authenticator_id") in self.ids for part in parts)
        if not any(map(self._names_them, parts)):
            return False
        if kind == "mfa":
            self.ids.add(own_id)
        return True

    def are_in_record(self, item: Item) -> bool:
        """Return whether an item of the realm's users table is the person's."""
        kind, _, rest = str(item["pk"]).partition("#")
        return (item.get("user_id") if kind == "login" else rest) == self.user_id and f"{kind}#" in (*OF_USER, "login#")

    def mentioned_in(self, item: Item) -> bool:
        """Return whether the user_id, the email or a phone number stands anywhere in an item."""
        found = " ".join(_texts(item)).casefold()
        return any(text in found and re.search(_BOUNDED.format(re.escape(text)), found) for text in self.texts)

    def _names_them(self, part: Mapping[str, Any]) -> bool:
        if part.get("account") in self.accounts:
            return True
        if part.get("realm", self.realm) != self.realm:
            return False
        named = (part.get("email"), part.get("to"))
        return part.get("user_id") == self.user_id or any(
            isinstance(name, str) and canonical(name) in self.names for name in named if name
        )


def _addresses(user: User | None, enrolment: Enrolment) -> tuple[set[str], set[str]]:
    """Return the emails and the phone numbers of a person, and of their second factors."""
    factors = [(one.kind, one.address) for one in enrolment.authenticators]
    own = [(EMAIL, user.email), (SMS, user.phone_number)] if user else []
    found = [(kind, address) for kind, address in (*own, *factors) if address]
    return {address for kind, address in found if kind == EMAIL}, {address for kind, address in found if kind == SMS}


def _parts(item: Item) -> Iterator[Mapping[str, Any]]:
    """Yield an item and the objects in its document, outermost first."""
    yield item
    document = json.loads(item["document"]) if str(item.get("document", "")).startswith("{") else None
    if isinstance(document, dict):
        yield document
        yield from (value for value in document.values() if isinstance(value, dict))


def _texts(value: object) -> Iterator[str]:
    """Yield all texts of a value, those of JSON in a text too."""
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            try:
                yield from _texts(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, Mapping):
        yield from (text for pair in value.items() for one in pair for text in _texts(one))
    elif isinstance(value, (list, tuple, frozenset)):
        yield from (text for one in value for text in _texts(one))
