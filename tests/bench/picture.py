"""The throughput of a run of the benchmark as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

_GROUPS = {
    "chat whole c=32": "Whole answers a second, 32 connections",
    "chat streamed c=32": "Streams of 64 tokens a second, 32 connections",
}
_NAMES = {
    "floor": "bare ASGI function, aiohttp",
    "service": "this service",
    "LiteLLM": "LiteLLM proxy",
}
_LABEL_X = 190
_BAR_X = 200
_BAR_WIDTH = 330
_BAR_HEIGHT = 20
_STEP = 28
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.t{font-weight:600}"
    "rect{fill:#8c959f}.service{fill:#0969da}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#6e7681}.service{fill:#2f81f7}}"
)


def picture(results: Mapping[str, Any]) -> str:
    """Return an SVG document with a bar for each server that was measured."""
    rows: list[str] = []
    y = 0
    for group, title in _GROUPS.items():
        measured = {
            name: found[group]["per_s"] for name, found in results.items() if group in found
        }
        most = max(measured.values())
        y += 26
        rows.append(f'<text class="t" x="8" y="{y}">{title}</text>')
        y += 10
        for name, per_s in measured.items():
            width = max(1.0, per_s / most * _BAR_WIDTH)
            middle = y + _BAR_HEIGHT - 5
            label, kind = (
                escape(_NAMES.get(name, name)),
                "service" if name == "service" else "other",
            )
            at = f'y="{y}" height="{_BAR_HEIGHT}" x="{_BAR_X}" width="{width:.1f}"'
            rows += [
                f'<text x="{_LABEL_X}" y="{middle}" text-anchor="end">{label}</text>',
                f'<rect class="{kind}" {at} rx="3"/>',
                f'<text x="{_BAR_X + width + 8:.1f}" y="{middle}">{per_s:,.0f}</text>',
            ]
            y += _STEP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 {y + 4}" width="600">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *rows, "</svg>", ""])
