"""QR codes in a terminal."""

import io

import segno
from rich.text import Text

# The drawing's blocks are the light modules. On a light terminal they would turn dark, and some scanners read no
# inverted code.
WHITE_ON_BLACK = "#ffffff on #000000"


def draw_qr_code(uri: str) -> Text:
    """Return the QR code of a URI, two module rows a line, to print with soft_wrap."""
    drawing = io.StringIO()
    segno.make_qr(uri).terminal(drawing, compact=True)
    return Text(drawing.getvalue().rstrip("\n"), WHITE_ON_BLACK)
