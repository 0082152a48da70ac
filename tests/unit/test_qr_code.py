"""QR codes in a terminal: dark on light whatever its own colours are."""

import io

import segno
from rich.console import Console

from infra.cli.output.qr_code import draw_qr_code

URI = "otpauth://totp/Demo:carol%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Demo"
NARROW = 20


def printed(terminal: Console) -> list[str]:
    assert isinstance(terminal.file, io.StringIO)
    terminal.print(draw_qr_code(URI), soft_wrap=True)
    return terminal.file.getvalue().splitlines()


def plain() -> list[str]:
    """Return segno's drawing, whose blocks are the light modules."""
    drawing = io.StringIO()
    segno.make_qr(URI).terminal(drawing, compact=True)
    return drawing.getvalue().splitlines()


def test_light_modules_are_white_and_dark_ones_black_where_there_are_colours() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", no_color=False, width=NARROW)
    white_on_black = "\x1b[38;2;255;255;255;48;2;0;0;0m"

    assert printed(terminal) == [f"{white_on_black}{row}\x1b[0m" for row in plain()]


def test_what_is_no_terminal_gets_no_escape_codes() -> None:
    assert printed(Console(file=io.StringIO(), force_terminal=False, width=NARROW)) == plain()
