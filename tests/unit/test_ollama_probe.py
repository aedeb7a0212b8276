from __future__ import annotations

import asyncio

import pytest

from adapters.ollama import probe
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
