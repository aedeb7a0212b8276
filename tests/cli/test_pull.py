from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.support import fake_ollama_answers as answers
from tests.support.command import local_chat
from tests.support.fake_ollama import FakeOllama
from tests.support.terminal import CTRL_C, terminal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

MODEL = "smollm2:135m"


@pytest.fixture
async def ollama() -> AsyncGenerator[FakeOllama]:
    async with FakeOllama() as server:
        yield server


async def test_steps_are_lines_where_no_terminal_is(ollama: FakeOllama, tmp_path: Path) -> None:
    done = await local_chat("pull", MODEL, folder=tmp_path, OLLAMA_URL=ollama.url)

    assert (done.code, done.errors) == (0, "")
    assert done.out.splitlines() == [
        "pulling manifest",
        f"pulling {'a' * 12}",
        f"pulling {'b' * 12}",
        "verifying sha256 digest",
        "writing manifest",
        "success",
        f"{MODEL} is at {ollama.url}",
    ]


async def test_a_terminal_gets_a_bar_with_speed_and_time(
    ollama: FakeOllama, tmp_path: Path
) -> None:
    half = {"status": "pulling a", "digest": "a", "total": 2_000_000, "completed": 1_000_000}
    gate = asyncio.Event()
    rest = answers.encoded({"status": "success"}) + b"\n"
    ollama.script("/api/pull", answers.streamed(answers.encoded(half) + b"\n", gate, rest))

    async with terminal("pull", MODEL, folder=tmp_path, OLLAMA_URL=ollama.url) as shown:
        await shown.shows("fetching", "1.0/2.0 MB")
        gate.set()
        await shown.shows(f"{MODEL} is at {ollama.url}")
        assert await shown.ended() == 0


async def test_the_default_model_is_fetched_and_an_alias_is_what_it_stands_for(
    ollama: FakeOllama, tmp_path: Path
) -> None:
    settings = {"OLLAMA_URL": ollama.url, "MODEL_ALIASES": f"gpt-4o={MODEL}"}

    await local_chat("pull", folder=tmp_path, **settings, DEFAULT_MODEL="thinker")
    await local_chat("pull", "gpt-4o", folder=tmp_path, **settings)

    assert [it.json["model"] for it in ollama.asked("/api/pull")] == ["thinker", MODEL]


async def test_json_is_an_object_for_each_progress(ollama: FakeOllama, tmp_path: Path) -> None:
    done = await local_chat("pull", MODEL, "--json", folder=tmp_path, OLLAMA_URL=ollama.url)

    told = [json.loads(line) for line in done.out.splitlines()]
    assert told[2] == {
        "step": f"pulling {'a' * 12}",
        "part": f"sha256:{'a' * 64}",
        "total_bytes": 2_000_000,
        "completed_bytes": 2_000_000,
    }
    assert told[-1]["step"] == "success"


async def test_a_model_that_is_nowhere_is_code_1(ollama: FakeOllama, tmp_path: Path) -> None:
    done = await local_chat("pull", "nope", folder=tmp_path, OLLAMA_URL=ollama.url)

    assert done.code == 1
    assert "There is no model 'nope'" in done.errors
    assert "is at" not in done.out


async def test_an_ollama_that_is_not_there_is_told_with_its_address(tmp_path: Path) -> None:
    done = await local_chat("pull", MODEL, folder=tmp_path, OLLAMA_URL="127.0.0.1:1")

    assert done.code == 1
    assert done.errors == (
        "Error: Ollama at http://127.0.0.1:1 cannot be reached: start it (ollama serve), "
        "or set OLLAMA_URL to where it is.\n"
    )


async def test_ctrl_c_stops_the_fetching(ollama: FakeOllama, tmp_path: Path) -> None:
    ollama.script(
        "/api/pull", answers.streamed(b'{"status":"pulling manifest"}\n', asyncio.Event())
    )

    async with terminal("pull", MODEL, folder=tmp_path, OLLAMA_URL=ollama.url) as shown:
        await shown.shows("pulling manifest")
        shown.types(CTRL_C)
        await shown.shows("the same command goes on from here")
        assert await shown.ended() == 130
    await ollama.hung_up()


async def test_each_of_several_servers_gets_the_model(ollama: FakeOllama, tmp_path: Path) -> None:
    async with FakeOllama() as other:
        urls = f"{ollama.url},{other.url}"
        done = await local_chat("pull", MODEL, folder=tmp_path, OLLAMA_URL=urls)

        assert [line for line in done.out.splitlines() if line.startswith(MODEL)] == [
            f"{MODEL} is at {ollama.url}",
            f"{MODEL} is at {other.url}",
        ]


async def test_where_models_are_not_ollamas_none_is_fetched(tmp_path: Path) -> None:
    done = await local_chat("pull", MODEL, folder=tmp_path, LLM_BACKEND="scripted")

    assert done.code == 2
    assert "LLM_BACKEND is scripted" in done.errors
