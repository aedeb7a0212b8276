"""Keys change while the service runs; on a real socket, and with the service as a process."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import raw_http
from tests.support.fake_ollama import FakeOllama
from tests.support.keys import MARK, bearer, key_of, line, write
from tests.support.process import started
from tests.support.responses import OPENAI, PATH
from tests.support.service import ASK, CHAT, MODEL, service_of
from tests.support.sockets import connected

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service


async def statuses(service: Service, *names: str) -> list[int]:
    return [(await service.ask(path="/v1/models", headers=bearer(name))).status for name in names]


async def test_a_changed_file_is_seen_within_a_second(llm: FakeLLM, tmp_path: Path) -> None:
    path = write(tmp_path, line("old"), line("kept"))
    async with service_of(llm, api_key="fixed", api_key_file=str(path)) as service:
        assert await statuses(service, "old", "kept", "new") == [200, 200, 401]
        write(tmp_path, line("kept"), line("new"))
        # The file is looked at once a second at most.
        assert await statuses(service, "old", "new") == [200, 401]
        service.clock.now += 1
        assert await statuses(service, "old", "kept", "new") == [401, 200, 200]
        fixed = await service.ask(ASK, headers={"x-api-key": "fixed"})

    assert fixed.status == 200


async def test_a_file_gone_bad_changes_nothing_until_it_is_mended(
    llm: FakeLLM, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, line("old"))
    async with service_of(llm, api_key_file=str(path)) as service:
        write(tmp_path, line("new"), f"# x\n{MARK}\n{key_of('bad')} name={MARK}/{MARK}\n")
        service.clock.now += 1
        assert await statuses(service, "old", "new") == [200, 401]
        path.unlink()
        service.clock.now += 1
        assert await statuses(service, "old") == [200]
        write(tmp_path, line("new"))
        service.clock.now += 1
        assert await statuses(service, "old", "new") == [401, 200]
    told = capsys.readouterr().out

    assert "line 3: a key has 16 characters or more" in told
    assert "line 4: a name is" in told
    assert "it cannot be read" in told
    assert MARK not in told


async def test_an_empty_file_lets_nobody_in(llm: FakeLLM, tmp_path: Path) -> None:
    path = write(tmp_path, "# nobody so far\n")
    async with service_of(llm, api_key_file=str(path)) as service:
        refused = [await service.ask(ASK), await service.ask(ASK, headers=bearer("a"))]

    assert [answer.status for answer in refused] == [401, 401]
    assert llm.requests == []


async def test_a_websocket_does_not_outlive_its_key(llm: FakeLLM, tmp_path: Path) -> None:
    path = write(tmp_path, line("old"), line("other"))
    async with (
        service_of(llm, api_key_file=str(path)) as service,
        asyncio.timeout(10),
        connected(service, bearer("old")) as socket,
    ):
        before = await socket.answer()
        write(tmp_path, line("other"))
        # Whether or not anyone else asks meanwhile.
        service.clock.now += 1
        refused = await socket.refusal()

    assert before["status"] == "completed"
    assert refused["code"] == "invalid_api_key"


async def test_a_websocket_has_the_limits_of_now(llm: FakeLLM, tmp_path: Path) -> None:
    path = write(tmp_path, line("a"))
    async with (
        service_of(llm, api_key_file=str(path)) as service,
        asyncio.timeout(10),
        connected(service, bearer("a")) as socket,
    ):
        await socket.answer()
        write(tmp_path, line("a", "models=llama3"))
        service.clock.now += 1
        refused = await socket.refusal()
        write(tmp_path, line("a"))
        service.clock.now += 1
        again = await socket.answer()

    assert (refused["code"], again["status"]) == ("model_not_found", "completed")


async def test_whoever_rotates_a_named_key_keeps_what_was_made_with_it(
    llm: FakeLLM, tmp_path: Path
) -> None:
    path = write(tmp_path, f"{key_of('first')} name=alice\n", line("bob"))
    async with service_of(llm, api_key_file=str(path)) as service:
        made = await service.ask({"input": "Hi"}, PATH, bearer("first") | OPENAI)
        where = f"{PATH}/{made.json['id']}"
        others = await service.ask(path=where, headers=bearer("bob"))
        write(tmp_path, f"{key_of('second')} name=alice\n", line("bob"))
        service.clock.now += 1
        mine = await service.ask(path=where, headers=bearer("second"))
        old = await service.ask(path=where, headers=bearer("first"))

    assert (mine.status, others.status, old.status) == (200, 404, 401)
    assert mine.json["id"] == made.json["id"]


@pytest.mark.parametrize("after", [key_of("a"), line("a").partition(" ")[0]])
async def test_a_key_without_a_name_keeps_its_things_wherever_it_is_written(
    llm: FakeLLM, tmp_path: Path, after: str
) -> None:
    store = f"sqlite:///{tmp_path / 'responses.sqlite3'}"
    async with service_of(llm, api_key=key_of("a"), response_store=store) as service:
        made = await service.ask({"input": "Hi"}, PATH, bearer("a") | OPENAI)
    path = write(tmp_path, after, "\n", line("b"))
    async with service_of(llm, api_key_file=str(path), response_store=store) as service:
        mine = await service.ask(path=f"{PATH}/{made.json['id']}", headers=bearer("a"))
        others = await service.ask(path=f"{PATH}/{made.json['id']}", headers=bearer("b"))

    assert (mine.status, others.status) == (200, 404)


async def test_two_keys_never_see_each_others_things(llm: FakeLLM, tmp_path: Path) -> None:
    path = write(tmp_path, line("one"), line("two"), f"{key_of('three')}\n")
    async with service_of(llm, api_key="fixed", api_key_file=str(path)) as service:
        made = await service.ask({"input": "Hi"}, PATH, bearer("one") | OPENAI)
        begun = await service.ask({}, "/v1/conversations", bearer("one"))
        response, conversation = made.json["id"], begun.json["id"]
        refused = [
            await service.ask(body, where, headers | OPENAI, method=method)
            for headers in (bearer("two"), bearer("three"), {"x-api-key": "fixed"})
            for where, body, method in (
                (f"{PATH}/{response}", None, "GET"),
                (f"{PATH}/{response}", None, "DELETE"),
                (f"{PATH}/{response}/input_items", None, "GET"),
                (f"/v1/conversations/{conversation}", None, "GET"),
                (f"/v1/conversations/{conversation}/items", None, "GET"),
                (PATH, {"input": "Hi", "previous_response_id": response}, "POST"),
                (PATH, {"input": "Hi", "conversation": conversation}, "POST"),
            )
        ]
        mine = await service.ask(path=f"{PATH}/{response}", headers=bearer("one"))

    assert [answer.status for answer in refused] == [404, 404, 404, 404, 404, 400, 404] * 3
    assert mine.status == 200


@pytest.mark.parametrize("form", ["json", "console"])
async def test_sighup_changes_the_keys_of_a_service_that_runs(tmp_path: Path, form: str) -> None:
    settings = {"DEFAULT_MODEL": MODEL, "LOG_LEVEL": "debug", "LOG_FORMAT": form}
    path = write(tmp_path, line("old", "requests_per_minute=2"), line("kept", "models=x"))

    async def ask(port: int, name: str, **more: Any) -> int:
        head, _ = await raw_http.fetch(port, CHAT, ASK | more, bearer(name))
        return head.status

    async with (
        FakeOllama() as server,
        started(tmp_path, OLLAMA_URL=server.url, API_KEY_FILE="keys", **settings) as process,
    ):
        port = await process.port()
        before = [await ask(port, name) for name in ("old", "old", "old", "kept", "new")]
        write(tmp_path, line("kept"), line("new"), f"{key_of('plain')}\n")
        process.stop(signal.SIGHUP)
        await process.said(b"keys_loaded", 2)
        after = [await ask(port, name, stream=True) for name in ("old", "kept", "new", "plain")]
        write(tmp_path, f"{key_of('bad')} {MARK}={MARK}\n")
        os.utime(path)
        process.stop(signal.SIGHUP)
        await process.said(b"key_file_unusable")
        last = [await ask(port, name) for name in ("new", "bad")]
        path.chmod(0o644)
        process.stop(signal.SIGHUP)
        await process.said(b"key_file_open_to_others")
        process.stop(signal.SIGTERM)
        code = await process.ended()

    assert (before, after, last) == ([200, 200, 429, 403, 401], [401, 200, 200, 200], [200, 401])
    assert code == 0
    assert b"line 1: after the key come" in process.output
    assert b"request_answered" in process.output
    assert MARK.encode() not in process.output


async def test_a_bad_file_is_a_problem_among_others_at_the_start(tmp_path: Path) -> None:
    write(tmp_path, f"{MARK}\n", line("a"), f"{key_of('b')} concurrency={MARK}\n")
    async with started(tmp_path, API_KEY_FILE="keys", MAX_QUEUE="many") as process:
        code = await process.ended()

    assert code == 2
    output = process.output.decode()
    assert "  API_KEY_FILE, line 1: a key has 16 characters or more" in output
    assert "  API_KEY_FILE, line 3: concurrency is a whole number" in output
    assert "  MAX_QUEUE: " in output
    assert MARK not in output
