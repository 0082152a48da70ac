"""Look for codes of six digits in what was logged or stored."""

import re


def codes_in(text: str, *codes: str) -> list[str]:
    """Return those of the codes that stand in a text, in whatever quotation marks, and not within a longer word."""
    return [code for code in codes if re.search(rf"(?<!\w){re.escape(code)}(?!\w)", text)]
