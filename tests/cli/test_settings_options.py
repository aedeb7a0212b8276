from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from entrypoints.cli.commands import app
from entrypoints.cli.options import settings
from entrypoints.settings import Settings
from tests.support.command import local_chat

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take the surroundings' settings away."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.__struct_fields__:
        monkeypatch.delenv(name.upper(), raising=False)


def test_an_option_comes_before_the_environment_and_that_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=1\nMAX_QUEUE=1\nNUM_CTX=1\n", encoding="utf-8")
    monkeypatch.setenv("PORT", "2")
    monkeypatch.setenv("MAX_QUEUE", "2")

    read = settings({"port": "3", "max_queue": None})

    assert (read.port, read.max_queue, read.num_ctx) == (3, 2, 1)
    assert read.max_concurrency == Settings().max_concurrency


def test_every_setting_is_an_option_with_a_word_of_help() -> None:
    told = CliRunner().invoke(app, ["serve", "--help"], terminal_width=100).output

    for name in Settings.__struct_fields__:
        assert re.search(rf"^  --{name.replace('_', '-')} ", told, re.MULTILINE), name
    assert "Where the service listens:" in told
    assert "true: listen beyond this machine without a key" in told


async def test_all_problems_are_told_at_once_under_the_names_that_were_used(
    tmp_path: Path,
) -> None:
    done = await local_chat(
        *("serve", "--port", "seventy", "--response-store=ftp://a"), folder=tmp_path, NUM_CTX="0"
    )

    assert done.code == 2
    assert done.out == ""
    assert [line.partition(":")[0] for line in done.errors.splitlines()] == [
        "These settings cannot be used",
        "  --port",
        "  NUM_CTX",
        "  --response-store",
    ]


async def test_a_switch_may_stand_alone(tmp_path: Path) -> None:
    done = await local_chat(
        *("serve", "--host", "192.0.2.1", "--allow-no-auth", "--port", "x"), folder=tmp_path
    )

    assert done.code == 2
    assert "--port" in done.errors
    assert "--host" not in done.errors


async def test_an_address_that_is_taken_is_code_3(tmp_path: Path) -> None:
    done = await local_chat(
        *("serve", "--host", "192.0.2.1", "--allow-no-auth", "--response-store", "none"),
        folder=tmp_path,
        LLM_BACKEND="ollama",
    )

    assert done.code == 3
