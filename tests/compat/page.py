"""The page docs/compatibility.md; `just compat-docs` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from entrypoints.http.openai.compatibility.tables import TABLES
from entrypoints.http.openai.support import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"


def render() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Compatibility"
    yield ""
    yield "Made by `just compat-docs` from the tables that the tests hold the code against:"
    yield "every field that OpenAI's Python client knows is here. Any other field at the top of a"
    yield "body is refused; inside of objects it is left out, and `x-ignored-parameters` names it."
    yield ""
    for status, meaning in MEANINGS.items():
        yield f"- **{status}**: {meaning}"
    yield ""
    yield "`messages[tool].content` stands for the content of messages of the role `tool`, `[*]`"
    yield "for any kind. What is accepted or refused is so with all that is in it."
    for endpoint, table in TABLES.items():
        yield ""
        yield f"## {endpoint}"
        yield ""
        yield "| field | | |"
        yield "| --- | --- | --- |"
        for path, support in table.items():
            yield f"| `{path}` | {support.status} | {support.note} |"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
