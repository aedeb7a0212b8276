from __future__ import annotations

import asyncio
from typing import Any

import pytest

from entrypoints.http.gathering import GatheringTransport


class Sent(asyncio.Transport):
    """A transport that keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[bytes] = []
        self.ended = ""

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.data.append(bytes(data))

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


@pytest.fixture
async def sent() -> Sent:
    return Sent()


@pytest.fixture
async def transport(sent: Sent) -> GatheringTransport:
    return GatheringTransport(sent, asyncio.get_running_loop())


async def step() -> None:
    await asyncio.sleep(0)


async def test_what_is_written_in_one_step_is_sent_together(
    transport: GatheringTransport, sent: Sent
) -> None:
    transport.write(b"head ")
    transport.write(b"body")
    before = list(sent.data)
    await step()
    transport.write(b"more")
    await step()

    assert before == []
    assert sent.data == [b"head body", b"more"]


async def test_much_is_not_held_back(transport: GatheringTransport, sent: Sent) -> None:
    transport.write(b"head ")
    transport.write(b"x" * 70_000)

    assert sent.data == [b"head " + b"x" * 70_000]
    await step()
    assert len(sent.data) == 1


async def test_what_was_written_goes_out_before_the_end(
    transport: GatheringTransport, sent: Sent
) -> None:
    transport.write(b"bye")
    transport.close()

    assert sent.data == [b"bye"]
    assert sent.ended == "closed"


@pytest.mark.parametrize("gone", ["here", "there"])
async def test_nothing_is_sent_to_who_is_gone(
    transport: GatheringTransport, sent: Sent, gone: str
) -> None:
    transport.write(b"late")
    (transport if gone == "here" else sent).abort()
    await step()

    assert sent.data == []
    assert sent.ended == "aborted"
