"""How a WebSocket ends: by its client, by bounds, and with the server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import pytest

from domain.events import TextDelta
from tests.support.response_streams import faults
from tests.support.service import service_of
from tests.support.sockets import connected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

LIMIT_S = 10


@pytest.fixture(autouse=True)
async def limit() -> AsyncGenerator[None]:
    async with asyncio.timeout(LIMIT_S):
        yield


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_client_that_leaves_stops_the_model(
    service: Service, llm: FakeLLM, how: Literal["close", "abort"]
) -> None:
    llm.gate = asyncio.Event()
    async with connected(service) as socket:
        await socket.create()
        await socket.read()
        if how == "close":
            await socket.connection.close()
        else:
            socket.connection.transport.abort()

        await llm.streams[0].closed.wait()


async def test_a_client_that_leaves_before_the_first_token_stops_it_too(
    service: Service, llm: FakeLLM
) -> None:
    llm.play([TextDelta("Hel")], asyncio.Event())
    llm.play(asyncio.Event())
    async with connected(service) as socket:
        await socket.create()
        await llm.asked.wait()

    async with asyncio.timeout(5):
        await llm.streams[0].closed.wait()
    async with connected(service) as socket:
        await socket.create()


async def test_turns_that_wait_end_with_their_client(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    async with connected(service) as socket:
        await socket.create()
        await socket.create()
        await socket.read()

    await llm.streams[0].closed.wait()
    async with connected(service) as other:
        llm.gate = None
        await other.turn()
    assert len(llm.requests) == 2


async def test_an_idle_socket_is_closed(llm: FakeLLM) -> None:
    async with (
        service_of(llm, websocket_idle_timeout_s=0.05) as service,
        connected(service) as socket,
    ):
        (event,) = await socket.read_turn()
        code = await socket.closed()

    assert (event["error"]["code"], code) == ("websocket_idle_timeout", 1001)


async def test_a_turn_is_not_idle(llm: FakeLLM) -> None:
    held = asyncio.Event()
    llm.play([TextDelta("Hel")], held, *llm.script)
    async with (
        service_of(llm, websocket_idle_timeout_s=0.05) as service,
        connected(service) as first,
        connected(service) as second,
    ):
        await first.create()
        await first.read()
        # Time has passed: the other one, idle from the same moment on, was closed.
        assert (await second.read())["error"]["code"] == "websocket_idle_timeout"
        held.set()
        events = await first.read_turn()

    assert events[-1]["type"] == "response.completed"


@pytest.mark.parametrize("extra", [1, 100_000, 20_000_000])
async def test_an_event_over_the_limit_is_refused_in_shape(llm: FakeLLM, extra: int) -> None:
    async with (
        service_of(llm, max_body_bytes=10_000) as service,
        connected(service) as socket,
    ):
        await socket.create(input="a" * 5_000)
        assert (await socket.read_turn())[-1]["type"] == "response.completed"
        sending = asyncio.create_task(socket.send("a" * (10_000 + extra)))
        event = await socket.read()
        code = await socket.closed()
        await asyncio.gather(sending, return_exceptions=True)

    assert (event["type"], event["status"], code) == ("error", 413, 1009)
    assert event["error"]["code"] == "request_too_large"


async def test_fragments_are_counted_together(llm: FakeLLM) -> None:
    async def pieces() -> AsyncGenerator[str]:
        for _ in range(30):
            yield "a" * 1_000

    async with (
        service_of(llm, max_body_bytes=10_000) as service,
        connected(service) as socket,
    ):
        sending = asyncio.create_task(socket.connection.send(pieces()))
        event = await socket.read()
        code = await socket.closed()
        await asyncio.gather(sending, return_exceptions=True)

    assert (event["status"], code) == (413, 1009)


@pytest.mark.parametrize(
    ("number", "size"), [pytest.param(40, 1, id="many"), pytest.param(4, 5_000, id="large")]
)
async def test_so_many_events_may_wait_and_no_more(llm: FakeLLM, number: int, size: int) -> None:
    llm.gate = asyncio.Event()
    async with service_of(llm, max_body_bytes=10_000) as service, connected(service) as socket:
        for _ in range(number):
            await socket.create(input="a" * size)
        events = await socket.read_turn()
        code = await socket.closed()

    assert (events[-1]["status"], code) == (429, 1008)
    assert events[-1]["error"]["code"] == "too_many_events"
    assert all(stream.closed.is_set() for stream in llm.streams)


async def test_a_draining_service_closes_idle_sockets(service: Service) -> None:
    async with connected(service) as socket:
        await socket.turn()
        service.drain.begin()
        event = await socket.read()
        code = await socket.closed()

    assert (event["type"], event["status"], code) == ("error", 503, 1012)
    assert event["error"]["code"] == "server_shutting_down"


async def test_a_turn_under_way_may_finish(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    async with connected(service) as socket:
        await socket.create()
        await socket.create()
        first = await socket.read()
        service.drain.begin()
        llm.gate.set()
        events = [first, *await socket.read_turn()]
        end = await socket.read()
        code = await socket.closed()

    assert faults(events) == []
    assert events[-1]["type"] == "response.completed"
    assert (end["error"]["code"], code) == ("server_shutting_down", 1012)
    assert len(llm.requests) == 1


async def test_a_turn_that_is_cut_has_failed(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    async with connected(service) as socket:
        await socket.create()
        first = await socket.read()
        service.drain.begin()
        service.drain.cut()
        events = [first, *await socket.read_turn()]
        end = await socket.read()
        code = await socket.closed()

    assert faults(events) == []
    assert events[-1]["type"] == "response.failed"
    assert (end["error"]["code"], code) == ("server_shutting_down", 1012)
    assert llm.streams[0].closed.is_set()


async def test_a_turn_that_is_cut_before_its_first_token(service: Service, llm: FakeLLM) -> None:
    llm.play(asyncio.Event())
    async with connected(service) as socket:
        await socket.create()
        await llm.asked.wait()
        service.drain.begin()
        service.drain.cut()
        codes = [(await socket.read())["error"]["code"] for _ in range(2)]

        assert codes == ["server_shutting_down"] * 2
        assert await socket.closed() == 1012


PING, PONG, MORE = 0x89, 0x8A, 0x00


@pytest.mark.parametrize("opcode", [PING, PONG, MORE], ids=["pings", "pongs", "empty fragments"])
async def test_a_flood_of_frames_that_bring_nothing_ends_the_connection(
    service: Service, opcode: int
) -> None:
    async with connected(service, ping_interval=None) as socket:
        if opcode == MORE:
            # The begin of a text that never ends.
            socket.connection.transport.write(bytes([0x01, 0x81]) + bytes(4) + b"{")
        frame = bytes([opcode, 0x80]) + bytes(4)
        socket.connection.transport.write(frame * 40_000)

        assert await socket.closed() == 1008


async def test_a_few_of_them_do_not(service: Service) -> None:
    async with connected(service) as socket:
        pongs = [await socket.connection.ping() for _ in range(500)]
        await asyncio.gather(*pongs)

        assert (await socket.answer())["status"] == "completed"


async def test_text_that_is_none_ends_the_connection_and_is_no_fault_of_ours(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(service) as socket:
        await socket.connection.send(b"\xff", text=True)

        assert await socket.closed() == 1007
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_frame_that_breaks_the_protocol_ends_the_connection(service: Service) -> None:
    async with connected(service) as socket:
        # What a client sends must be masked.
        socket.connection.transport.write(b"\x81\x01a")

        assert await socket.closed() == 1002
