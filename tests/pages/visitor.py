"""A person in front of the browser: what they see, press and type, and what they must never see."""

from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page, Request, Response

# Chromium says so of each page of an error, and of a field that was focused before its page was there.
UNREMARKABLE = (
    "Failed to load resource: the server responded with a status of 4",
    "Autofocus processing was blocked because a document already has a focused element.",
)


@dataclass
class Visitor:
    """A visitor. site: the URL of the pages' server. requests, complaints: what the browser did and said so far."""

    page: Page
    site: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._note_request)
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def follow(self, link: str) -> int:
        """Follow the link of a mail; return the status. Only its path and query count: the issuer is the tests'."""
        return self._status(self.page.goto(self.site + link.partition(".com/")[2]))

    def press(self, button: str) -> int:
        """Press a button by its name; return the status of the page that follows."""
        with self.page.expect_navigation() as navigation:
            self.page.get_by_role("button", name=button, exact=True).click()
        return self._status(navigation.value)

    def press_key(self, key: str) -> int:
        """Press a key that leads to another page; return its status."""
        with self.page.expect_navigation() as navigation:
            self.page.keyboard.press(key)
        return self._status(navigation.value)

    def go_back(self) -> int:
        """Go back in the history; return the status."""
        return self._status(self.page.go_back())

    @property
    def heading(self) -> str:
        """The one heading of the page."""
        return self.page.get_by_role("heading", level=1).inner_text()

    @property
    def text(self) -> str:
        """The text that is seen."""
        return self.page.inner_text("body")

    @property
    def focused(self) -> str:
        """The name of the field or the text of the button that has the focus; "" for neither."""
        name = "document.activeElement"
        return str(self.page.evaluate(f"{name} === document.body ? '' : {name}.name || {name}.innerText"))

    def is_cut(self) -> bool:
        """Return whether something is wider than the screen."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))

    def contrast(self, selector: str) -> float:
        """Return the contrast of an element's text with what is behind it. Source: WCAG 2.2, 1.4.3."""
        return float(self.page.locator(selector).first.evaluate(_CONTRAST))

    def require_quiet(self) -> None:
        """Assert that the browser loaded nothing from elsewhere, and had nothing to say against the pages."""
        assert [url for url in self.requests if not url.startswith(self.site)] == []
        assert self.complaints == []

    def _note_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _note_message(self, message: ConsoleMessage) -> None:
        if not message.text.startswith(UNREMARKABLE):
            self.complaints.append(message.text)

    def _status(self, response: Response | None) -> int:
        assert response
        return response.status


_CONTRAST = """element => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  let behind = element;
  while (rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const light = text => {
    const linear = c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const [r, g, b] = rgb(text).slice(0, 3).map(n => linear(n / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const both = [light(getComputedStyle(element).color), light(getComputedStyle(behind).backgroundColor)];
  return (Math.max(...both) + .05) / (Math.min(...both) + .05);
}"""
