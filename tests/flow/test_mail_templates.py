"""A team's own templates of emails, from the setting to the mail."""

from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.mails.rendering import BadMailTemplates
from chalicelib.settings import Settings
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.flow.test_block_notice import block, run_schedule
from tests.support.fixed import BCRYPT_COST, EMAIL_FROM, ISSUER
from tests.support.http import Http
from tests.support.mfa import mails_to
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage


@pytest.fixture(scope="module")
def stage(stage: Stage, demo: TenantFile) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no blocks of others."""
    return provision_stage("templates", demo)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team's package, with a mail of its own."""
    folder = tmp_path / "mails_of_acme"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "blocked.txt").write_text("Subject: Acme\n$link", "utf-8")
    (folder / "blocked.html").write_text("<p>$link</p>", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def mailing(http: Http, stage: Stage, externals: wiring.Externals, *packages: str) -> Http:
    """Let the application's emails have these packages' templates."""
    settings = Settings(stage.name, ISSUER, BCRYPT_COST, email_from=EMAIL_FROM, mail_templates=packages)
    services = wiring.build(settings, stage.aws, externals)
    http.services = lambda: services
    return http


def test_mail_is_made_of_the_teams_templates(
    http: Http, stage: Stage, externals: wiring.Externals, people: PeopleMaker, own: Path
) -> None:
    user = people.make()
    mailing(http, stage, externals, own.name)
    block(http, user.username)
    run_schedule(http)
    (mail,) = mails_to(user.email)

    assert mail.subject == "Acme"
    assert mail.text.startswith("https://login.example.com/u/unblock?ticket=")
    assert f"<p>{mail.text.strip()}</p>" in mail.html


def test_run_with_a_bad_template_takes_no_mail_and_the_next_one_sends_it(
    http: Http, stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    user = people.make()
    mailing(http, stage, externals, "no_such_mails")
    block(http, user.username)
    with pytest.raises(BadMailTemplates):
        run_schedule(http)
    assert mails_to(user.email) == []
    mailing(http, stage, externals)
    run_schedule(http)

    assert len(mails_to(user.email)) == 1
