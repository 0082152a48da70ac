"""Check the packages whose files replace templates of emails. They are listed and deployed as rule packages are."""

from pathlib import Path

from chalicelib.mails.rendering import BadMailTemplates, Templates, load
from chalicelib.settings import MAIL_TEMPLATES, mail_templates
from infra.rules.packages import make_importable, read_as_deployed
from infra.stage.chalice_config import PROJECT, stage_environment


def load_mail_templates(given: str, project: Path = PROJECT) -> Templates:
    """Return the templates that emails have with these packages, from this environment. Raises BadMailTemplates.

    given: the packages, between commas or blanks.
    """
    make_importable(project)
    return load(mail_templates({MAIL_TEMPLATES: given}))


def require_deployable_mails(stage: str, project: Path = PROJECT) -> None:
    """Raise BadMailTemplates with all faults of a stage's packages, read as the deployed function reads them."""
    packages = mail_templates(stage_environment(stage, project))
    read = read_as_deployed("mails", packages, project) if packages else None
    if read and read.returncode:
        raise BadMailTemplates(read.stderr.strip())
