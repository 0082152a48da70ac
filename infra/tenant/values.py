"""The types of a tenant file's values, each with the message that says what is allowed."""

import re
import unicodedata
from collections.abc import Callable
from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, TypeVar

from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from chalicelib.identifiers import is_new_name, is_phone_number
from chalicelib.legacy.loading import FORM
from chalicelib.model.enrolment import FACTOR_KINDS
from chalicelib.model.tenant import GRANT_TYPES, PASSWORD, PASSWORD_REALM
from chalicelib.passwords.hash import is_foreign_hash
from chalicelib.scopes import OIDC_SCOPES

T = TypeVar("T")

PASSWORD_GRANTS = (PASSWORD, PASSWORD_REALM)
MONTH_S = 2_592_000
YEAR_S = 31_557_600
# The shortest: tokens of the key before live for 30 days, and it has left by then. The longest: NIST's for a key that
# signs (SP 800-57 Part 1, 5.3.6).
MIN_ROTATION_DAYS, MAX_ROTATION_DAYS = 31, 1095
USERNAME_LIMIT = 128
EMAIL_LIMIT = 254

# A YAML list becomes a tuple, so that the loaded file is immutable; other values keep their YAML types.
Listed = Annotated[tuple[T, ...], Strict(False)]

# The names are defined once, in chalicelib; mypy accepts no Literal of a variable.
if TYPE_CHECKING:
    GrantType: TypeAlias = str
    FactorName: TypeAlias = str
else:
    GrantType = Literal[GRANT_TYPES]
    FactorName = Literal[tuple(FACTOR_KINDS)]
AuthMethod = Literal["client_secret_post", "client_secret_basic", "private_key_jwt", "none"]


def _value_error(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("tenant_file", "{sentence}", {"sentence": sentence})


def _rule(is_valid: Callable[[str], object], sentence: str) -> AfterValidator:
    """Return the check of a type of text. sentence: what is allowed; it never quotes the value."""

    def check(value: str) -> str:
        if not is_valid(value):
            raise _value_error(sentence)
        return value

    return AfterValidator(check)


def _refuse_private(_: object) -> None:
    raise _value_error("is a private member of a key: keep public members only, and count this key as disclosed")


def _require_rotation(days: int) -> int:
    if days and not MIN_ROTATION_DAYS <= days <= MAX_ROTATION_DAYS:
        raise _value_error(f"must be 0 or from {MIN_ROTATION_DAYS} to {MAX_ROTATION_DAYS} days")
    return days


def _has_control(text: str) -> bool:
    return any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text)


def is_email(text: str) -> bool:
    """Return whether a text looks like an address that a mail can be sent to."""
    spaced = _has_control(text) or any(char.isspace() for char in text)
    return bool(re.fullmatch("[^@]+@[^@]+", text)) and len(text) <= EMAIL_LIMIT and not spaced


def _is_username(text: str) -> bool:
    return bool(text.strip()) and len(text) <= USERNAME_LIMIT and "@" not in text and not _has_control(text)


def _is_ticket_url(text: str) -> bool:
    """Return whether a text is a URL with one place for a ticket. Plain http is for this machine alone."""
    printable = re.fullmatch("[!-~]+", text) and '"' not in text
    before, _, after = text.partition("{ticket}")
    is_safe = re.match(r"https://[^/?#{}]+[/?#]", before) or re.match(r"http://(localhost|127\.0\.0\.1)[:/]", before)
    return bool(printable and is_safe) and text.count("{ticket}") == 1 and not set("{}") & set(before + after)


def _is_network(text: str) -> bool:
    try:
        return bool(ip_network(text, strict=False))
    except ValueError:
        return False


PLAIN = _rule(lambda text: not _has_control(text), "must hold no control characters: take them out")
VISIBLE = _rule(is_new_name, "must hold no characters that show as nothing, such as U+200B: take them out")

Label = Annotated[str, Field(min_length=1, max_length=100), PLAIN]
RoleName = Annotated[str, Field(min_length=1, max_length=100), PLAIN, VISIBLE]
Text = Annotated[str, Field(min_length=1, max_length=300), PLAIN]
Link = Annotated[str, Field(min_length=1, max_length=2048), PLAIN]
MetadataText = Annotated[str, Field(max_length=255)]

RealmName = Annotated[
    str,
    _rule(
        re.compile("[a-z0-9][a-z0-9-]{0,62}").fullmatch,
        "must be 1 to 63 characters of a-z, 0-9 and `-`, and not start with `-`",
    ),
]
RealmAlias = Annotated[
    str,
    _rule(
        re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,127}").fullmatch,
        "must be 1 to 128 characters of A-Z, a-z, 0-9, `-` and `_`, and start with a letter or a digit",
    ),
]
ClientId = Annotated[
    str, _rule(re.compile("[!-~]{1,256}").fullmatch, "must be 1 to 256 printable ASCII characters without spaces")
]
ApiIdentifier = Annotated[
    str,
    _rule(
        re.compile('[!"$-~]{1,600}').fullmatch,
        "must be 1 to 600 printable ASCII characters without spaces and without `#`, best a URL",
    ),
]
ScopeValue = Annotated[
    str,
    _rule(
        re.compile(r"[!#-\[\]-~]{1,280}").fullmatch,
        'must be 1 to 280 printable ASCII characters without spaces, `"` and `\\` (RFC 6749 3.3)',
    ),
    _rule(
        lambda text: text not in OIDC_SCOPES,
        "is a scope of OpenID Connect, which every client may ask for: give it another name",
    ),
]
TicketUrl = Annotated[
    str,
    Field(min_length=1, max_length=2048),
    _rule(_is_ticket_url, "must be a URL that begins with https:// and holds {ticket} once, after the host's name"),
]
ImportFrom = Annotated[
    str,
    Field(max_length=255),
    _rule(FORM.fullmatch, "must be a function of a package of yours, such as acme_legacy:find_user"),
]
ResultHost = Annotated[
    str,
    _rule(
        re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?").fullmatch,
        "must be a host of a URL in lower case, with a port if it has one, such as app.example.com",
    ),
]
Network = Annotated[str, _rule(_is_network, "must be an IP address or a CIDR block, such as 192.0.2.7 or 192.0.2.0/24")]
Email = Annotated[
    str, _rule(is_email, f"must look like name@example.com, without spaces, at most {EMAIL_LIMIT} characters"), VISIBLE
]
Username = Annotated[
    str,
    _rule(_is_username, f"must be 1 to {USERNAME_LIMIT} characters without `@` and without control characters"),
    VISIBLE,
]
Phone = Annotated[
    str,
    _rule(is_phone_number, 'must be an E.164 number in quotes, such as "+14155550100"'),
]
Country = Annotated[
    str, _rule(SUPPORTED_REGIONS.__contains__, 'must be a country of ISO 3166-1, such as DE; Norway in quotes: "NO"')
]
BcryptHash = Annotated[
    str, _rule(is_foreign_hash, "must be a bcrypt hash ($2a$, $2b$ or $2y$, 60 characters) of cost 04 to 14")
]
# A member of a private key (RFC 7518 6.2.2, 6.3.2, 6.4), which is refused in any form.
PrivateMember = Annotated[None, BeforeValidator(_refuse_private)]
# 0: nothing rotates by itself.
RotationDays = Annotated[int, AfterValidator(_require_rotation)]
