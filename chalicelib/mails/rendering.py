"""Make emails of templates. A package of the team may replace each template by a file of the same name.

Source: Python's string.Template: $name is a value, and $$ a dollar sign.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib import import_module
from importlib.resources import files
from string import Template

from chalicelib.mails.kinds import MAIL_KINDS, MailKind

OURS = "chalicelib.mails.templates"
SUBJECT = "Subject: "
# The HTML around the content of each email.
FRAME = MailKind("frame", frozenset({"subject", "content"}), frozenset({"content"}))
TEXT, HTML = ".txt", ".html"
FILES = (*(f"{name}{suffix}" for name in MAIL_KINDS for suffix in (TEXT, HTML)), f"{FRAME.name}{HTML}")
MEND = "Mend it, or take the package out of MAIL_TEMPLATES."


class BadMailTemplates(Exception):
    """The listed packages are at fault. The message lists every fault, with its file and the remedy."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One email, ready to be sent."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of all emails, by file name."""

    sources: Mapping[str, str]

    def render(self, kind: MailKind, values: Mapping[str, str]) -> Mail:
        """Return the email of a kind. values: as kind.allowed names them; none of them can break a line or the HTML."""
        plain = {name: " ".join(value.split()) for name, value in values.items()}
        escaped = {name: escape(value) for name, value in plain.items()}
        head, _, text = Template(self.sources[f"{kind.name}{TEXT}"]).substitute(plain).partition("\n")
        subject = head.removeprefix(SUBJECT)
        content = Template(self.sources[f"{kind.name}{HTML}"]).substitute(escaped)
        framed = escaped | {"subject": escape(subject), "content": content}
        return Mail(subject, text.strip() + "\n", Template(self.sources[f"{FRAME.name}{HTML}"]).substitute(framed))


def load(packages: Iterable[str]) -> Templates:
    """Return the templates: of each file that of the first package that has it, else the one that ships.

    Raises BadMailTemplates with all faults at once.
    """
    names, sources, faults = tuple(packages), _files_of(OURS), []
    for package in reversed(names):
        try:
            own = _files_of(package)
        except (Exception, SystemExit) as failure:
            # A package that fails while it is imported is a fault, whatever it raises.
            said = f"{type(failure).__name__}: {failure}"
            faults.append(f"{package}: cannot be read ({said}). {MEND}")
            continue
        faults += [f"{package}: {fault}" for fault in _faults(own)]
        sources = sources | own
    if faults:
        raise BadMailTemplates("\n".join(dict.fromkeys(faults)))
    return Templates(sources)


# A process reads the files once.
load_once = cache(load)


def _files_of(package: str) -> dict[str, str]:
    """Return the templates in a package, by file name."""
    import_module(package)
    found = [file for file in files(package).iterdir() if file.name.endswith((TEXT, HTML))]
    return {file.name: file.read_text("utf-8") for file in found}


def _faults(own: Mapping[str, str]) -> Iterator[str]:
    if not own:
        yield f"has no template, so it has no effect. {MEND}"
    for name, source in own.items():
        if name not in FILES:
            yield f"{name} is no template of Gatehouse, which has: {', '.join(FILES)}. Rename it."
        else:
            yield from (f"{name}: {fault}" for fault in _faults_of(name, source))
    for kind in MAIL_KINDS:
        both = {f"{kind}{TEXT}", f"{kind}{HTML}"}
        if len(both & set(own)) == 1:
            yield f"has {', '.join(both & set(own))} and not {', '.join(both - set(own))}. Replace both, or none."


def _faults_of(name: str, source: str) -> Iterator[str]:
    stem, _, suffix = name.rpartition(".")
    kind, template = MAIL_KINDS.get(stem, FRAME), Template(source)
    if f".{suffix}" == TEXT and not source.startswith(SUBJECT):
        yield f"begins with no subject. Let its first line be {SUBJECT}and the words."
    try:
        template.substitute(dict.fromkeys(template.get_identifiers(), ""))
    except ValueError as failure:
        yield f"has a $ that begins no name ({failure}). Write $$ for a dollar sign."
        return
    named = set(template.get_identifiers())
    for unknown in sorted(named - kind.allowed):
        yield f"names the value ${unknown}, which it does not get. It gets: {_listed(kind.allowed)}."
    if kind.needed and not named & kind.needed:
        yield f"names none of {_listed(kind.needed)}, so it is of no use. Name one."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names))
