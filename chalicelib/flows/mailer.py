"""Send emails that are made of templates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.model.tenant import Tenant
from chalicelib.store.aws.messages import Messages

if TYPE_CHECKING:
    from chalicelib.mails.rendering import Templates


# Each of the schedule's runs begins no email later than this: its function has a minute for two of them.
RUN_S = 25


@dataclass(slots=True, eq=False, repr=False)
class Mailer:
    """Sends emails. packages: those whose files replace templates. tenant: returns the stage's."""

    packages: tuple[str, ...]
    tenant: Callable[[], Tenant]
    messages: Messages

    @property
    def has_sender(self) -> bool:
        """Whether the stage can send emails."""
        return bool(self.messages.email_from)

    def send(self, to: str, kind: str, values: Mapping[str, str]) -> None:
        """Send an email of a kind to an address. values: as `mails/kinds.py` names them, but for the tenant's name."""
        from chalicelib.mails.kinds import MAIL_KINDS  # noqa: PLC0415 (no login sends an email)

        mail = self._templates().render(MAIL_KINDS[kind], {**values, "tenant": self.tenant().friendly_name})
        self.messages.send_email(to, mail.subject, mail.text, mail.html)

    def prepare(self) -> None:
        """Read what every email needs: a run that cannot must stop before it takes one. Raises BadMailTemplates."""
        self.tenant()
        self._templates()

    def _templates(self) -> "Templates":
        from chalicelib.mails.rendering import load_once  # noqa: PLC0415 (as above)

        return load_once(self.packages)
