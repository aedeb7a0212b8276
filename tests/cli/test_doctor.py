from __future__ import annotations

import asyncio
import json
import resource
import socket
from typing import TYPE_CHECKING, Any

import pytest

from entrypoints.cli import checks
from entrypoints.cli.checks import State
from entrypoints.settings import Settings
from tests.support import fake_ollama_answers as answers
from tests.support.command import local_chat
from tests.support.fake_ollama import FakeOllama

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

MODEL = "smollm2:135m"


@pytest.fixture
async def ollama() -> AsyncGenerator[FakeOllama]:
    async with FakeOllama() as server:
        yield server


async def found(folder: Path, **settings: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return the exit code, and what was found by check."""
    done = await local_chat("doctor", "--json", folder=folder, **{"PORT": "0", **settings})
    report = json.loads(done.out)
    assert report["ok"] is (done.code == 0)
    return done.code, {finding["check"]: finding for finding in report["checks"]}


async def test_all_is_well(ollama: FakeOllama, tmp_path: Path) -> None:
    code, report = await found(tmp_path, OLLAMA_URL=ollama.url, DEFAULT_MODEL=MODEL)

    assert code == 0
    assert {finding["state"] for finding in report.values()} == {"ok"}
    assert report["Models"]["found"] == f"Ollama at {ollama.url}, version {answers.VERSION}"
    assert report["Default model"]["found"] == f"{MODEL}, at most 8,192 tokens of context"
    assert not (tmp_path / "data").exists()


async def test_a_model_that_is_not_there_is_told_with_what_fetches_it(
    ollama: FakeOllama, tmp_path: Path
) -> None:
    ollama.always("/api/tags", answers.answered({"models": []}))

    code, report = await found(tmp_path, OLLAMA_URL=ollama.url)

    assert code == 1
    assert report["Default model"]["state"] == "broken"
    assert report["Default model"]["mend"] == (
        "local-chat pull llama3.2, or set DEFAULT_MODEL to one that `local-chat models` lists"
    )


async def test_all_that_is_broken_is_told_at_once(tmp_path: Path) -> None:
    code, report = await found(
        tmp_path,
        OLLAMA_URL="127.0.0.1:1",
        HOST="192.0.2.1",
        ALLOW_NO_AUTH="true",
        RESPONSE_STORE="redis://127.0.0.1:1",
    )

    assert code == 1
    broken = {name for name, finding in report.items() if finding["state"] == "broken"}
    assert broken == {"Models", "Address", "Responses"}
    assert all(report[name]["mend"] for name in broken)


async def test_settings_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    code, report = await found(tmp_path, PORT="seventy")

    assert code == 1
    assert report["Settings"]["found"].startswith("PORT: ")


async def test_an_address_of_ipv6_is_told_as_in_a_url(tmp_path: Path) -> None:
    _, report = await found(tmp_path, LLM_BACKEND="scripted", HOST="::1", PORT="0")

    assert report["Address"]["found"].startswith("[::1]:0 is ")


async def test_the_embedded_engine_is_enough_where_it_is_wanted(tmp_path: Path) -> None:
    code, report = await found(tmp_path, LLM_BACKEND="embedded", RESPONSE_STORE="memory")

    assert code == 0
    assert report["Models"]["state"] == "ok"
    assert report["Default model"]["found"] == f"{MODEL}, at most 4,096 tokens of context"


async def test_an_engine_that_does_not_answer_is_told(tmp_path: Path) -> None:
    code, report = await found(
        tmp_path, LLM_BACKEND="openai", UPSTREAM_URL="http://127.0.0.1:1/v1", DEFAULT_MODEL="a"
    )

    assert code == 1
    assert "UPSTREAM_URL" in report["Models"]["mend"]


async def test_an_engine_that_answers_is_well(ollama: FakeOllama, tmp_path: Path) -> None:
    ollama.strict = False
    listed = {"object": "list", "data": [{"id": "a", "object": "model", "created": 1}]}
    ollama.always("/v1/models", answers.answered(listed))

    code, report = await found(
        tmp_path, LLM_BACKEND="openai", UPSTREAM_URL=f"{ollama.url}/v1", DEFAULT_MODEL="a"
    )

    assert code == 0
    assert report["Models"]["state"] == report["Default model"]["state"] == "ok"


async def test_written_answers_are_noted(tmp_path: Path) -> None:
    code, report = await found(tmp_path, LLM_BACKEND="scripted")

    assert code == 0
    assert report["Models"]["state"] == "note"


async def test_a_store_that_is_no_store_of_ours_is_told(ollama: FakeOllama, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Buy milk." * 100, encoding="utf-8")

    code, report = await found(
        tmp_path,
        OLLAMA_URL=ollama.url,
        DEFAULT_MODEL=MODEL,
        RESPONSE_STORE="sqlite:///notes.txt",
    )

    assert code == 1
    assert report["Responses"]["state"] == "broken"


async def test_it_reads_in_80_columns(ollama: FakeOllama, tmp_path: Path) -> None:
    done = await local_chat(
        "doctor", folder=tmp_path, OLLAMA_URL=ollama.url, DEFAULT_MODEL="llama3.2", PORT="0"
    )

    assert done.code == 1
    assert done.errors == ""
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert "broken  Default model  llama3.2 is not there" in done.out
    assert "Mend it: local-chat pull llama3.2" in done.out


def test_a_port_that_another_program_has_is_broken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        finding = checks.address(Settings(port=other.getsockname()[1]))

    assert finding.state is State.BROKEN
    assert "another program" in finding.found


async def test_a_port_that_this_service_has_is_well(ollama: FakeOllama) -> None:
    ollama.strict = False
    ollama.always("/healthz", answers.answered({"status": "ok"}))
    port = int(ollama.url.rpartition(":")[2])

    finding = await asyncio.to_thread(checks.address, Settings(port=port))

    assert finding.state is State.OK
    assert "the service runs" in finding.found


@pytest.mark.parametrize(
    ("bypass", "state"), [("", State.NOTE), ("localhost,127.0.0.1", State.OK), ("*", State.OK)]
)
def test_a_proxy_for_this_machine_is_noted_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, bypass: str, state: State
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy:8080")
    monkeypatch.setenv("no_proxy", bypass)

    finding = checks.proxies()

    assert finding.state is state
    assert "HTTP_PROXY" in finding.found
    assert "secret" not in finding.found


def test_too_few_open_files_are_noted_and_not_those_that_the_service_takes_by_itself() -> None:
    soft, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, limit), limit))
    try:
        within = checks.open_files(Settings(max_queue=300))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, limit))

    assert within.state is State.OK
    assert checks.open_files(Settings(max_queue=1)).state is State.OK
    assert checks.open_files(Settings(max_queue=limit)).state is State.NOTE


def test_a_disk_without_the_room_that_is_promised_is_noted(tmp_path: Path) -> None:
    store = f"sqlite://{tmp_path}/x/y.sqlite3"
    few = Settings(response_store=store, response_store_bytes=1)
    many = Settings(response_store=store, response_store_bytes=2**60)

    assert checks.disk(few).state is State.OK
    assert checks.disk(many).state is State.NOTE


async def test_without_a_default_a_model_that_is_there_will_do(
    ollama: FakeOllama, tmp_path: Path
) -> None:
    code, report = await found(tmp_path, OLLAMA_URL=ollama.url)

    assert code == 0
    assert report["Default model"]["found"].startswith("thinker:latest")
