"""What the README and the pages of docs/ show works as it is."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tomllib
from typing import TYPE_CHECKING, NamedTuple

import pytest
import pytest_asyncio
import yaml  # type: ignore[import-untyped]  # it has no types of its own

from domain import key_lines
from entrypoints.settings import Settings, load
from tests.support.command import ROOT, environment
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

GUARD_S = 60
ADDRESS = "localhost:8000"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SETTING = re.compile(r"\b([A-Z][A-Z_]+)=(\S+)")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Commands that a test cannot run, and why; their settings are looked at all the same.
NOT_RUN = {
    "pip install": "needs a package registry",
    "just run": "serves until it is stopped",
    "just test": "is these tests",
    "local-chat pull": "needs Ollama",
}
SHOWN_ONLY = {
    "console": "what a terminal showed, with an Ollama",
    "ini": "needs systemd",
    "text": "files and what the service says",
}
# Stand where `local-chat` and `just` are, without installing anything.
LAUNCHERS = {
    "local-chat": 'exec "$SNIPPET_PYTHON" -m entrypoints.cli "$@"',
    "just": 'exec "$SNIPPET_PYTHON" -m entrypoints.cli "$@"',
    "python": 'exec "$SNIPPET_PYTHON" "$@"',
}
# What an image begins with, which is all that a scripted model looks at.
PICTURE = b"\x89PNG\r\n\x1a\n"


class Snippet(NamedTuple):
    """A fenced block of a page."""

    page: Path
    language: str
    text: str


def snippets(*languages: str) -> list[Snippet]:
    """Return the blocks in these languages, in order."""
    return [
        Snippet(page, language, text)
        for page in PAGES
        for language, text in BLOCK.findall(page.read_text(encoding="utf-8"))
        if language in languages
    ]


def names(found: list[Snippet]) -> list[str]:
    """Return a name for each in the report of tests."""
    return [f"{each.page.stem}-{number}" for number, each in enumerate(found)]


def reason(snippet: Snippet) -> str | None:
    """Return why it is not run."""
    return next((why for words, why in NOT_RUN.items() if words in snippet.text), None)


SHELL = snippets("sh")
RUN = [each for each in SHELL if reason(each) is None]
PROGRAMS = snippets("python")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[int]:
    """Give the port of a service that answers by the script of docs/testing.md."""
    (script,) = snippets("toml")
    path = tmp_path_factory.mktemp("script") / "script.toml"
    path.write_text(script.text, encoding="utf-8")
    aliases = "llama3.2=scripted-echo,gemma3:4b=scripted-echo"
    given = {"default_model": "scripted-echo", "model_aliases": aliases}
    async with service_of("", llm_backend="scripted", script_file=str(path), **given) as service:
        yield service.port


@pytest.fixture
def terminal(port: int, tmp_path: Path) -> Mapping[str, str]:
    """Give the environment of a shell that finds the commands, and the service."""
    for folder in (tmp_path, tmp_path / ".venv" / "bin", tmp_path / "data"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, line in LAUNCHERS.items():
            file = folder / name
            file.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
            file.chmod(0o700)
    (tmp_path / "cat.png").write_bytes(PICTURE)
    return {
        **environment(OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1"),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PORT": str(port),
        "SNIPPET_PYTHON": sys.executable,
    }


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("snippet", RUN, ids=names(RUN))
async def test_a_command_does_what_the_page_says(
    snippet: Snippet, port: int, tmp_path: Path, terminal: Mapping[str, str]
) -> None:
    text = snippet.text.replace(ADDRESS, f"127.0.0.1:{port}")
    text = re.sub(r"\bcurl ", "curl -sS --fail-with-body ", text)
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", text,
        cwd=tmp_path, env=terminal, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(GUARD_S):
        said, complained = await process.communicate(b"Hello.\n")

    assert process.returncode == 0, complained.decode()
    assert said.strip()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("snippet", PROGRAMS, ids=names(PROGRAMS))
async def test_a_program_runs(snippet: Snippet, port: int) -> None:
    text = snippet.text.replace(ADDRESS, f"127.0.0.1:{port}")
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", text)
    async with asyncio.timeout(GUARD_S):
        done = await process.wait()

    assert done == 0


def test_each_setting_in_a_command_can_be_used(tmp_path: Path) -> None:
    for snippet in (each for each in SHELL if "just run" in each.text):
        for line in snippet.text.splitlines():
            given = dict(SETTING.findall(line.partition("just run")[0]))
            for name, value in given.items():
                if name.endswith(("_FILE", "_PATH")):
                    (tmp_path / value).write_bytes(b"GGUF" if name.endswith("_PATH") else b"")
                    given[name] = str(tmp_path / value)

            settings = load(given)

            assert all(getattr(settings, name.lower()) for name in given)


def test_every_block_is_run_or_has_a_reason() -> None:
    known = {"sh", "python", "json", "yaml", "toml", *SHOWN_ONLY}
    everything = [
        (page.name, language)
        for page in PAGES
        for language, _ in BLOCK.findall(page.read_text(encoding="utf-8"))
    ]

    assert [each for each in everything if each[1] not in known] == []
    assert [why for why in NOT_RUN if all(why not in each.text for each in SHELL)] == []


def test_data_can_be_read() -> None:
    for snippet in snippets("json"):
        assert json.loads(snippet.text)
    for snippet in snippets("yaml"):
        assert list(yaml.safe_load_all(snippet.text))
    for snippet in snippets("toml"):
        assert tomllib.loads(snippet.text)


def test_the_file_of_keys_can_be_used() -> None:
    shown = [each.text for each in snippets("text") if each.page.stem == "keys"]

    assert shown
    for text in shown:
        assert len(key_lines.parse(text).keys) == 3


def test_every_link_leads_somewhere() -> None:
    gone = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert gone == []


def test_the_readme_leads_to_every_page() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    missing = [page.name for page in PAGES[1:] if f"](docs/{page.name})" not in text]

    assert missing == []


def test_every_setting_is_in_the_readmes_table() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    table = text[text.index("| setting |") :].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    shown: list[str] = []
    for row in rows:
        first, *others = re.findall(r"`([A-Z_]+)`", row)
        head = first[: first.index("_")] if "_" in first else first
        shown += [first, *(f"{head}{name}" if name[0] == "_" else name for name in others)]

    assert sorted(shown) == sorted(name.upper() for name in Settings.__struct_fields__)
