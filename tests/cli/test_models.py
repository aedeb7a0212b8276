from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.command import local_chat
from tests.support.fake_llm import FakeLLM
from tests.support.fake_ollama import FakeOllama
from tests.support.service import service_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Running


async def test_the_table_names_each_model(tmp_path: Path) -> None:
    async with FakeOllama() as ollama, service_of(ollama.url, model_aliases="x=viewer") as service:
        done = await local_chat("models", "--url", f"127.0.0.1:{service.port}", folder=tmp_path)

    assert done.code == 0
    head, _, *rows = [line.split() for line in done.out.splitlines() if line.strip()]
    assert head == ["name", "size", "quantisation", "context", "loaded"]
    assert ["x", "=", "viewer"] in [row[:3] for row in rows]
    assert any(row[0] == "smollm2:135m" and "4,096" in row for row in rows)


async def test_a_narrow_terminal_shows_whole_names(running: Running, tmp_path: Path) -> None:
    done = await local_chat("models", folder=tmp_path, **running.variables, COLUMNS="40")

    head, _, *rows = [line.split() for line in done.out.splitlines() if line.strip()]
    assert head == ["name", "context", "loaded"]
    assert {row[0] for row in rows} >= running.llm.models.keys()
    assert "…" not in done.out


async def test_json_is_what_the_service_serves(running: Running, tmp_path: Path) -> None:
    done = await local_chat("models", "--json", folder=tmp_path, **running.variables)

    shown = {model["id"] for model in json.loads(done.out)["data"]}
    assert shown == {*running.llm.models, "gpt-4o"}


async def test_where_there_are_none_it_says_how_to_get_one(tmp_path: Path) -> None:
    async with service_of(FakeLLM(models={})) as service:
        done = await local_chat("models", "--url", f"127.0.0.1:{service.port}", folder=tmp_path)

    assert (done.code, done.out) == (0, "")
    assert "local-chat pull" in done.errors
