"""QR codes in a terminal."""

import io

import segno
from rich.text import Text

# The drawing's blocks are the light modules. In the colours of a light terminal they would be the dark ones, which not
# every scanner reads.
WHITE_ON_BLACK = "#ffffff on #000000"


def draw_qr_code(uri: str) -> Text:
    """Return the QR code of a URI, two of its rows a line, for a console to print with soft_wrap."""
    drawing = io.StringIO()
    segno.make_qr(uri).terminal(drawing, compact=True)
    return Text(drawing.getvalue().rstrip("\n"), WHITE_ON_BLACK)
