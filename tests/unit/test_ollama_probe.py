from __future__ import annotations

import asyncio

import pytest

from adapters.ollama import probe
from entrypoints.container import decide
from entrypoints.settings import load
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import answered, failed, plain
from tests.support.fake_ollama_http import Ending, Framing, Reply


async def test_an_ollama_is_found() -> None:
    async with FakeOllama() as server:
        assert await asyncio.to_thread(probe.answers, server.url)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(failed(500, "version"), id="failure"),
        pytest.param(plain("hello"), id="another service"),
        pytest.param(answered({}), id="no version"),
        pytest.param(Reply((b"SSH-2.0-x\r\n",), framing=Framing.RAW, ending=Ending.CUT), id="SSH"),
        pytest.param(Reply(ending=Ending.CUT), id="nothing"),
        pytest.param(Reply(ending=Ending.HANG), id="silence"),
    ],
)
async def test_anything_else_is_none(reply: Reply) -> None:
    async with FakeOllama() as server:
        server.script("/api/version", reply)

        assert not await asyncio.to_thread(probe.answers, server.url)


async def test_where_nobody_listens_there_is_none() -> None:
    async with FakeOllama() as server:
        await server.stop()

        assert not await asyncio.to_thread(probe.answers, server.url)


def tags(*names: str) -> Reply:
    return answered({"models": [{"name": name, "model": name} for name in names]})


def show(*capabilities: str) -> Reply:
    return answered({"capabilities": capabilities})


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        pytest.param({"/api/tags": [tags("a:1b", "llama3.2:latest")]}, "llama3.2", id="usual"),
        pytest.param(
            {
                "/api/tags": [answered({"models": [{"name": "b:1b"}]})],
                "/api/show": [show("completion")],
            },
            "b:1b",
            id="one of an old server",
        ),
        pytest.param({"/api/tags": [tags()]}, "llama3.2", id="no models"),
        pytest.param({"/api/tags": [answered({"models": None})]}, "llama3.2", id="null"),
        pytest.param({"/api/tags": [plain("hello")]}, "llama3.2", id="another service"),
        pytest.param({"/api/tags": [failed(500, "tags")]}, "llama3.2", id="failure"),
        pytest.param(
            {
                "/api/tags": [tags("b:1b", "c:1b", "d:1b")],
                "/api/show": [show("embedding"), show("tools", "completion")],
            },
            "c:1b",
            id="newest that chats",
        ),
        pytest.param(
            {"/api/tags": [tags("b:1b", "c:1b")], "/api/show": [plain("?"), answered({})]},
            "c:1b",
            id="one of a server that does not tell",
        ),
        pytest.param(
            {"/api/tags": [tags("b:1b")], "/api/show": [show("embedding")]},
            "llama3.2",
            id="none chats",
        ),
    ],
)
async def test_the_default_is_the_usual_model_or_one_that_is_there(
    replies: dict[str, list[Reply]], expected: str
) -> None:
    async with FakeOllama() as server:
        for path, scripted in replies.items():
            server.script(path, *scripted)
        settings = load({"OLLAMA_URL": server.url})

        assert (await asyncio.to_thread(decide, settings)).default_model == expected


async def test_a_long_list_is_not_asked_to_its_end() -> None:
    async with FakeOllama() as server:
        server.script("/api/tags", tags(*map(str, range(100))))
        server.script("/api/show", *[show("embedding")] * 100)

        await asyncio.to_thread(decide, load({"OLLAMA_URL": server.url}))

        assert len(server.asked("/api/show")) == 16


async def test_the_default_is_looked_for_on_every_server() -> None:
    async with FakeOllama() as one, FakeOllama() as two:
        one.script("/api/tags", tags("b:1b"))
        two.script("/api/tags", tags("llama3.2"))
        settings = load({"OLLAMA_URL": f"{one.url},{two.url}"})

        assert (await asyncio.to_thread(decide, settings)).default_model == "llama3.2"
        assert one.asked("/api/show") == []


async def test_the_default_is_looked_for_behind_a_path() -> None:
    async with FakeOllama(strict=False) as server:
        server.script("/ollama/api/tags", tags("b:1b"))
        server.script("/ollama/api/show", show("completion"))
        settings = load({"OLLAMA_URL": f"{server.url}/ollama"})

        assert (await asyncio.to_thread(decide, settings)).default_model == "b:1b"


async def test_the_default_is_looked_for_in_tls() -> None:
    asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set_result(await reader.read(2))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = load({"OLLAMA_URL": f"https://127.0.0.1:{port}"})
    async with server:
        await asyncio.to_thread(decide, settings)

    # A handshake, of TLS 1.0 or later.
    assert await asked == b"\x16\x03"


async def test_a_default_that_is_set_or_an_alias_stays() -> None:
    async with FakeOllama() as server:
        given = {"OLLAMA_URL": server.url, "DEFAULT_MODEL": "nope"}
        aliased = {"OLLAMA_URL": server.url, "MODEL_ALIASES": "llama3.2=viewer"}

        assert (await asyncio.to_thread(decide, load(given))).default_model == "nope"
        assert (await asyncio.to_thread(decide, load(aliased))).default_model == "llama3.2"
