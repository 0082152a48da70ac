"""The templates of emails: what each may name, what a package of the team replaces, and what is refused."""

import sys
from pathlib import Path

import pytest

from chalicelib.mails.kinds import MAIL_KINDS
from chalicelib.mails.rendering import BadMailTemplates, load

EVIL = '<b>"x"</b>\r\nBcc: everybody@example.com'


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """An empty importable package, with a name of its own."""
    folder = tmp_path / f"mails_{abs(hash(request.node.nodeid))}"
    folder.mkdir()
    (folder / "__init__.py").write_text("", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return folder


def faults_of(package: Path, files: dict[str, str]) -> list[str]:
    """Write templates, and return the package's faults without its name."""
    for name, source in files.items():
        (package / name).write_text(source, "utf-8")
    with pytest.raises(BadMailTemplates) as refused:
        load([package.name])
    return [line.removeprefix(f"{package.name}: ") for line in str(refused.value).splitlines()]


@pytest.mark.parametrize("name", MAIL_KINDS)
def test_templates_that_ship_render_with_their_values_alone(name: str) -> None:
    kind = MAIL_KINDS[name]
    mail = load(()).render(kind, {value: f"<{value}>" for value in kind.allowed})

    assert "<tenant>" in mail.subject
    assert all(f"<{value}>" in mail.text and f"&lt;{value}&gt;" in mail.html for value in kind.values)
    assert not any(f"<{value}>" in mail.html for value in kind.values)
    assert "$" not in mail.subject + mail.text + mail.html


@pytest.mark.parametrize("name", MAIL_KINDS)
def test_value_breaks_neither_the_subject_nor_the_html(name: str) -> None:
    kind = MAIL_KINDS[name]
    mail = load(()).render(kind, dict.fromkeys(kind.allowed, EVIL))

    assert "\n" not in mail.subject + "".join(mail.subject.split("\r"))
    assert not any(line.startswith("Bcc:") for line in mail.text.splitlines())
    assert "<b>" not in mail.html
    assert '"x"' not in mail.html


def test_html_loads_nothing_and_runs_nothing() -> None:
    html = "".join(source for name, source in load(()).sources.items() if name.endswith(".html"))

    assert not any(word in html for word in ("<script", "<img", "<link", "src=", "url(", "@import", "http"))


def test_file_of_a_package_replaces_ours_and_the_first_package_decides(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package / "frame.html").write_text("<p>Acme</p>$content", "utf-8")
    for suffix in ("txt", "html"):
        (package / f"sign-up-attempt.{suffix}").write_text("Subject: Hello from $tenant\nHi.", "utf-8")
    other = package.parent / f"{package.name}_other"
    other.mkdir()
    (other / "__init__.py").write_text("", "utf-8")
    (other / "frame.html").write_text("Other $content", "utf-8")
    mail = load([package.name, other.name]).render(MAIL_KINDS["sign-up-attempt"], {"tenant": "A & B"})

    assert (mail.subject, mail.text) == ("Hello from A & B", "Hi.\n")
    assert mail.html == "<p>Acme</p>Subject: Hello from A &amp; B\nHi."


def test_value_that_a_mail_does_not_get_is_named_with_those_that_it_gets(package: Path) -> None:
    html, text = "$lnik", "Subject: x\n$link $tenant"
    assert faults_of(package, {"blocked.txt": text, "blocked.html": html}) == [
        "blocked.html: names the value $lnik, which it does not get. It gets: $link, $link_hours, $tenant.",
        "blocked.html: names none of $link, so it is of no use. Name one.",
    ]


def test_dollar_that_begins_no_name_is_refused_with_its_place(package: Path) -> None:
    (fault,) = faults_of(package, {"frame.html": "$content\ncosts 5$"})

    assert fault == (
        "frame.html: has a $ that begins no name (Invalid placeholder in string: line 2, col 8). "
        "Write $$ for a dollar sign."
    )


def test_half_of_a_mail_is_refused(package: Path) -> None:
    assert faults_of(package, {"sign-up-attempt.txt": "Subject: x"}) == [
        "has sign-up-attempt.txt and not sign-up-attempt.html. Replace both, or none."
    ]


def test_text_without_a_subject_is_refused(package: Path) -> None:
    assert faults_of(package, {"sign-up-attempt.txt": "Hello", "sign-up-attempt.html": "Hello"}) == [
        "sign-up-attempt.txt: begins with no subject. Let its first line be Subject: and the words."
    ]


def test_file_that_no_mail_has_is_refused(package: Path) -> None:
    (fault,) = faults_of(package, {"sign-up-atempt.txt": "Subject: x"})

    assert fault.startswith("sign-up-atempt.txt is no template of Gatehouse, which has: verify-email.txt, ")


def test_package_without_templates_is_refused(package: Path) -> None:
    (fault,) = faults_of(package, {})

    assert fault.startswith("has no template, so it has no effect.")


def test_package_that_cannot_be_imported_is_refused_beside_the_faults_of_others(package: Path) -> None:
    (package / "frame.html").write_text("x", "utf-8")
    with pytest.raises(BadMailTemplates) as refused:
        load(["no_such_package", package.name])

    assert len(str(refused.value).splitlines()) == 2
    assert "no_such_package: cannot be read (ModuleNotFoundError" in str(refused.value)


def test_file_that_is_no_utf8_is_refused(package: Path) -> None:
    (package / "frame.html").write_bytes(b"\xff")
    with pytest.raises(BadMailTemplates, match="cannot be read"):
        load([package.name])
