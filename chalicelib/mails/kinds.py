"""Which emails there are, and which values the templates of each may name."""

from dataclasses import dataclass

# The values that every template may name.
COMMON = frozenset({"tenant"})


@dataclass(frozen=True, slots=True)
class MailKind:
    """One kind of email. name: of its template files.

    values: the names of its own values. needed: those of which each template must name one, or the email is of no use.
    is_notice: whether it is a security notice, which the tenant may switch off and only a verified address gets.
    """

    name: str
    values: frozenset[str]
    needed: frozenset[str] = frozenset()
    is_notice: bool = False

    @property
    def allowed(self) -> frozenset[str]:
        """The names of all values that its templates may name."""
        return COMMON | self.values


TICKET = frozenset({"link", "code", "link_hours", "code_minutes"})
WAYS = frozenset({"link", "code"})
LINK = frozenset({"link"})


def _notice(name: str, *values: str) -> MailKind:
    return MailKind(name, frozenset({"time", *values}), is_notice=True)


# By name.
MAIL_KINDS = {
    kind.name: kind
    for kind in (
        MailKind("verify-email", TICKET, WAYS),
        MailKind("sign-up-attempt", frozenset()),
        MailKind("username-taken", frozenset({"username"})),
        MailKind("reset-password", TICKET, WAYS),
        MailKind("blocked", LINK | {"link_hours"}, LINK),
        _notice("password-changed"),
        _notice("email-changed", "email"),
        _notice("factor-added", "factor"),
        _notice("factor-removed", "factor"),
        _notice("recovery-code-used"),
        _notice("wrong-codes", "count"),
    )
}
