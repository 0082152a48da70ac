"""The names that a rule may use, with their Python: members of user and context, methods, and its own variables."""

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from chalicelib.http.viewer import NAMES as GEOIP_NAMES
from infra.move.rules import javascript, methods


class Kind(Enum):
    """The kind of a value, as far as it is known. OBJECT: a list or an object. THERE: an object that has no copy."""

    BOOL = auto()
    TEXT = auto()
    NUMBER = auto()
    DATE = auto()
    OBJECT = auto()
    THERE = auto()
    ANY = auto()


Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """The Python of an expression, which can stand as an argument. path: of the member that it stands for."""

    python: str
    kind: Kind = Kind.ANY
    path: Path = ()


@dataclass(frozen=True, slots=True)
class TenantNames:
    """The names that rules may compare with. connections: Auth0's name of each realm.

    has_own_ids, has_own_names: each client has the client_id and the name that it had at Auth0. has_own_connections:
    the names of all connections are known.
    """

    connections: Mapping[str, str] = field(default_factory=dict)
    has_own_ids: bool = True
    has_own_names: bool = True
    has_own_connections: bool = True

    def why_not(self, path: Path) -> str:
        """Return why a rule may not read a member of the context, or ""."""
        if path == ("context", "clientID") and not self.has_own_ids:
            return "clients have new ids here: give theirs with --client-ids"
        if path == ("context", "clientName") and not self.has_own_names:
            return "the names of some clients are not known, or are changed"
        if path == ("context", "connection") and not self.has_own_connections:
            return "the names of some connections are not known"
        return ""


METADATA = (("user", "app_metadata"), ("user", "user_metadata"))
TOKENS = {("context", "accessToken"): "context.access_token", ("context", "idToken"): "context.id_token"}
MULTIFACTOR = ("context", "multifactor")
REDIRECT = ("context", "redirect")
SCOPE = ("context", "accessToken", "scope")
GEOIP = ("context", "request", "geoip")
CONTAINERS = {
    ("user",),
    ("context",),
    ("context", "authentication"),
    ("context", "authorization"),
    ("context", "request"),
    GEOIP,
    ("context", "stats"),
    *TOKENS,
}
MEMBERS = {
    ("user", "user_id"): Code("user.user_id", Kind.TEXT),
    ("user", "email_verified"): Code("user.email_verified", Kind.BOOL),
    ("user", "blocked"): Code("user.blocked", Kind.BOOL),
    ("user", "logins_count"): Code("user.logins_count", Kind.NUMBER),
    ("user", "app_metadata"): Code("metadata(user, 'app_metadata')"),
    ("user", "user_metadata"): Code("metadata(user, 'user_metadata')"),
    ("context", "clientID"): Code("context.client_id", Kind.TEXT),
    ("context", "clientName"): Code("context.client_name", Kind.TEXT),
    ("context", "clientMetadata"): Code("context.client_metadata", Kind.OBJECT),
    ("context", "connection"): Code("CONNECTIONS.get(context.connection, context.connection)", Kind.TEXT),
    ("context", "connectionStrategy"): Code("context.connection_strategy", Kind.TEXT),
    ("context", "protocol"): Code("context.protocol", Kind.TEXT),
    ("context", "stats", "loginsCount"): Code("context.stats.logins_count", Kind.NUMBER),
    ("context", "authentication", "methods"): Code("context.authentication.methods", Kind.OBJECT),
    ("context", "authorization", "roles"): Code("context.authorization.roles", Kind.OBJECT),
    ("context", "request", "ip"): Code("context.request.ip", Kind.TEXT),
    ("context", "request", "userAgent"): Code("context.request.user_agent", Kind.TEXT),
    ("context", "request", "hostname"): Code("context.request.hostname", Kind.TEXT),
    ("context", "request", "query"): Code("context.request.query", Kind.OBJECT),
    ("context", "request", "body"): Code("context.request.body", Kind.OBJECT),
    SCOPE: Code("context.access_token.scope", Kind.OBJECT),
    ("configuration",): Code("context.configuration", Kind.OBJECT),
}
# A member that no proxy sends is not here; one that it did not send this time stops the rule.
MEMBERS |= {(*GEOIP, name): Code(f"context.request.geoip[{name!r}]") for name in GEOIP_NAMES}
# Members of the user that are another thing here than at Auth0.
OTHERWISE = ("identities", "multifactor", "multifactor_last_modified", "clientID", "global_client_id", "globalClientID")
TIMES = ("created_at", "updated_at", "last_password_reset", "last_login")

# What lists, texts and numbers have by these names are functions: no rule reads one as a value.
FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        "anchor at big blink bold charAt charCodeAt codePointAt concat copyWithin endsWith entries every fill filter "
        "find findIndex findLast findLastIndex fixed flat flatMap fontcolor fontsize forEach includes indexOf "
        "isWellFormed italics join keys lastIndexOf link localeCompare map match matchAll normalize padEnd padStart "
        "pop push reduce reduceRight repeat replace replaceAll reverse search shift slice small some sort splice split "
        "startsWith strike sub substr substring sup toExponential toFixed toLocaleLowerCase toLocaleUpperCase "
        "toLowerCase toPrecision toReversed toSorted toSpliced toUpperCase toWellFormed trim trimEnd trimLeft "
        "trimRight trimStart unshift values with",
    )
)
# By method: its Python, the kind of its result, and how it takes its argument.
METHODS = {
    "includes": ("includes", Kind.BOOL, "value"),
    "indexOf": ("index_of", Kind.NUMBER, "value"),
    "startsWith": ("starts_with", Kind.BOOL, "value"),
    "endsWith": ("ends_with", Kind.BOOL, "value"),
    "toLowerCase": ("lower", Kind.TEXT, ""),
    "toUpperCase": ("upper", Kind.TEXT, ""),
    "trim": ("trim", Kind.TEXT, ""),
    "split": ("split", Kind.OBJECT, "text"),
    "join": ("join", Kind.TEXT, "text"),
    "concat": ("concat", Kind.ANY, "value"),
    "some": ("some", Kind.BOOL, "function"),
    "every": ("every", Kind.BOOL, "function"),
    "filter": ("keep", Kind.OBJECT, "function"),
    "map": ("change_each", Kind.OBJECT, "function"),
    "find": ("find", Kind.ANY, "function"),
}
DATE_PARTS = ("FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds")
DATE_METHODS = {f"get{utc}{name}": name for name in DATE_PARTS for utc in ("", "UTC")} | {"getTime": "Time"}

HELPERS = {
    module.__name__.rpartition(".")[2]: [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    for module in (javascript, methods)
}
HELPERS["javascript"] = [*(name for name in HELPERS["javascript"] if name[0] != "_"), "UNDEFINED"]
# No variable and no rule is called so.
RESERVED = {*keyword.kwlist, *dir(builtins), *(name for names in HELPERS.values() for name in names)}
RESERVED |= {"user", "context", "CONNECTIONS", "Any"}


@dataclass(slots=True, eq=False, repr=False)
class Scope:
    """The variables that can be read at a place of a rule, by block. given: all Python names that the rule uses."""

    blocks: list[dict[str, Code]] = field(default_factory=lambda: [{}])
    given: set[str] = field(default_factory=set)

    def find(self, name: str) -> Code | None:
        """Return a variable, or None if there is none of this name."""
        return next((block[name] for block in reversed(self.blocks) if name in block), None)

    def new_name(self, name: str) -> str:
        """Return an unused name in Python's style."""
        python = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_") or "it"
        while python in RESERVED or python in self.given or not python.isidentifier():
            python += "_"
        self.given.add(python)
        return python
