"""Draw the picture of growth: a panel for each kind, with the CPU of each request over the size."""

from collections.abc import Sequence
from itertools import groupby
from math import log10

from tests.bench.growth import Point

WIDTH, HEIGHT, GAP, TOP = 220, 200, 60, 50
COLOURS = {
    "login": "#b3541e",
    "refresh": "#1f6f8b",
    "page of people": "#7a3e9d",
    "people of a role": "#2e7d32",
    "one person": "#8d6e00",
    "change of a person": "#ad1457",
}


def draw(points: Sequence[Point]) -> str:
    """Return the picture as SVG: medians as lines, quartiles as bars."""
    highest = max(point.cpu_ms.high for point in points)
    kinds = [(kind, list(group)) for kind, group in groupby(points, lambda point: point.kind)]
    panels = "\n".join(
        f'<g transform="translate({GAP + at * (WIDTH + GAP)} {TOP})">\n{_panel(kind, group, highest)}\n</g>'
        for at, (kind, group) in enumerate(kinds)
    )
    width, height = GAP + len(kinds) * (WIDTH + GAP), TOP + HEIGHT + GAP
    title = "CPU of a request in ms, passwords hashed at cost 4: median and quartiles"
    box = f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>\n<!-- made by python -m tests.bench --docs: do not edit -->\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n{_text(GAP, 24, title, "start")}\n{panels}\n</svg>\n'
    )


def _panel(kind: str, points: Sequence[Point], highest: float) -> str:
    largest = log10(max(point.size for point in points))
    lines = [f'<path d="M0 0V{HEIGHT}H{WIDTH}" fill="none" stroke="#888"/>']
    lines += [_text(-8, _y(ms, highest) + 4, f"{ms:g}", "end") for ms in (0, highest // 2, highest // 1)]
    for request, group in groupby(points, lambda point: point.request):
        marks = [(WIDTH * log10(point.size) / largest, point) for point in group]
        lines += _line(request, marks, highest)
    sizes = {point.size: WIDTH * log10(point.size) / largest for point in points}
    lines += [_text(x, HEIGHT + 18, f"{size:,}", "middle") for size, x in sizes.items()]
    return "\n".join([*lines, _text(WIDTH / 2, HEIGHT + 40, kind, "middle")])


def _line(request: str, marks: Sequence[tuple[float, Point]], highest: float) -> list[str]:
    colour = COLOURS[request]
    places = " ".join(f"{x:.1f},{_y(point.cpu_ms.median, highest):.1f}" for x, point in marks)
    quartiles = [(x, _y(point.cpu_ms.low, highest), _y(point.cpu_ms.high, highest)) for x, point in marks]
    bars = [f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}"/>' for x, low, high in quartiles]
    name = _text(WIDTH / 2, min(low for _, _, low in quartiles) - 6, request, "middle", colour)
    return [f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>', *bars, name]


def _y(ms: float, highest: float) -> float:
    return HEIGHT * (1 - ms / highest)


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
