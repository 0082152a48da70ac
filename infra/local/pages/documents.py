"""Show the project's documents and its OpenAPI description, with the URL of the run in their examples.

An installed wheel has neither: there, both are missing. Swagger UI's files come from a package, never from a CDN.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from infra.local.pages.page import Page, PageRequest, render

PROJECT = Path(__file__).parents[3]
PREFIX = "/_local/"
OPENAPI = f"{PREFIX}openapi/"
# The URL that the documents' examples name.
WRITTEN_URL = "http://127.0.0.1:8000"
KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".yaml": "application/yaml; charset=utf-8"}
VIEWER_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".png": "image/png"}
# Swagger UI sets styles on its elements, and draws its icons from data: URLs.
VIEWER_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
START = b"""SwaggerUIBundle({url: "openapi.yaml", dom_id: "#viewer", validatorUrl: null, deepLinking: true})\n"""
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def has_documents() -> bool:
    """Return whether the documents are beside the code."""
    return (PROJECT / "docs" / "README.md").exists()


def has_viewer() -> bool:
    """Return whether the OpenAPI description and its viewer are there."""
    return has_documents() and find_spec("flask_swagger_ui") is not None


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents. url: of the run, with its final slash."""

    url: str

    async def show(self, request: PageRequest) -> Page | None:
        """Return a document of the project, as HTML if it is Markdown; None if there is none at the path."""
        file = _documents().get(request.path.removeprefix(PREFIX)) if request.method == "GET" else None
        if file is None:
            return None
        if file.suffix != ".md":
            return Page(file.read_bytes(), content_type=KINDS[file.suffix])
        text = self._with_url(file.read_text("utf-8"))
        tokens = _MARKDOWN.parse(text)
        _name_headings(tokens)
        # The parser lets no HTML of the text through.
        html = Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704
        return render("document.html", title=file.name, html=html)

    async def show_openapi(self, request: PageRequest) -> Page | None:
        """Return the viewer of the OpenAPI description, one of its files, or the description."""
        name = request.path.removeprefix(OPENAPI)
        if request.method != "GET" or name == request.path or not has_viewer():
            return None
        # The contract lets any origin read the description, so that other viewers can show it.
        headers = {"Content-Security-Policy": VIEWER_POLICY, "Access-Control-Allow-Origin": "*"}
        if name == "":
            return Page(render("openapi.html").body, headers=headers)
        if name == "start.js":
            return Page(START, content_type=VIEWER_KINDS[".js"], headers=headers)
        if name == "openapi.yaml":
            text = self._with_url((PROJECT / "docs" / "use" / name).read_text("utf-8"))
            return Page(text.encode(), content_type=KINDS[".yaml"], headers=headers)
        file = _viewer_files().get(name)
        return Page(file.read_bytes(), content_type=VIEWER_KINDS[file.suffix], headers=headers) if file else None

    def _with_url(self, text: str) -> str:
        return text.replace(WRITTEN_URL, self.url.removesuffix("/"))


def _documents() -> dict[str, Path]:
    """Return the files that may be shown, by their path in the project: nothing else is ever opened."""
    files = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*")]
    return {file.relative_to(PROJECT).as_posix(): file for file in files if file.suffix in (".md", *KINDS)}


def _viewer_files() -> dict[str, Path]:
    spec = find_spec("flask_swagger_ui")
    folder = Path((spec and spec.origin) or "").parent / "dist"
    return {file.name: file for file in folder.iterdir() if file.suffix in VIEWER_KINDS}


def _name_headings(tokens: list[Token]) -> None:
    """Give the headings the anchors that GitHub gives them, as the links between documents name these."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", inline.content).strip().lower()
            opening.attrSet("id", re.sub(r"[^\w\- ]", "", shown).replace(" ", "-"))
