"""What turns on a WebSocket know of each other, and of what is kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from domain.errors import UpstreamProtocolError
from domain.events import TextDelta
from domain.messages import Message, Role
from tests.support.response_streams import faults
from tests.support.responses import PATH, ask
from tests.support.sockets import connected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service
    from tests.support.sockets import Socket


@pytest.fixture
async def socket(service: Service) -> AsyncGenerator[Socket]:
    async with asyncio.timeout(10), connected(service) as opened:
        yield opened


async def test_a_stored_response_can_be_had_over_http(socket: Socket, service: Service) -> None:
    made = await socket.answer()

    assert (await service.ask(path=f"{PATH}/{made['id']}")).json == made
    followed = await ask(service, previous_response_id=made["id"])
    assert followed.status == 200


async def test_a_turn_goes_on_from_a_response_over_http(socket: Socket, service: Service) -> None:
    made = (await ask(service)).json

    assert (await socket.answer(previous_response_id=made["id"]))["status"] == "completed"


async def test_a_response_that_is_not_stored_is_gone_on_from(
    socket: Socket, llm: FakeLLM, service: Service
) -> None:
    first = await socket.answer(store=False)
    second = await socket.answer(store=False, previous_response_id=first["id"])

    third = await socket.answer(input="And?", previous_response_id=second["id"])

    said = (Message(Role.USER, "Hi"), Message(Role.ASSISTANT, "Hello"))
    assert llm.requests[2].messages == (*said, *said, Message(Role.USER, "And?"))
    assert third["previous_response_id"] == second["id"]
    assert (await service.ask(path=f"{PATH}/{first['id']}")).status == 404
    elsewhere = await ask(service, previous_response_id=first["id"])
    assert elsewhere.json["error"]["code"] == "previous_response_not_found"


async def test_its_items_can_be_named(socket: Socket, llm: FakeLLM) -> None:
    kept = await socket.answer()
    made = await socket.answer(store=False)

    await socket.answer(input=[{"id": made["output"][0]["id"]}, {"id": kept["output"][0]["id"]}])

    assert llm.requests[2].messages == (Message(Role.ASSISTANT, "Hello"),) * 2


async def test_it_is_gone_with_the_connection(socket: Socket, service: Service) -> None:
    made = await socket.answer(store=False)

    async with connected(service) as other:
        error = await other.refusal(previous_response_id=made["id"])

    assert error["code"] == "previous_response_not_found"


@pytest.mark.parametrize("late", [False, True], ids=["before", "in the middle"])
async def test_a_turn_that_fails_makes_what_it_followed_forgotten(
    socket: Socket, llm: FakeLLM, *, late: bool
) -> None:
    made = await socket.answer(store=False)
    error = UpstreamProtocolError("It broke.")
    llm.play(*([[TextDelta("Hel")], error] if late else [error]))

    await socket.turn(previous_response_id=made["id"])

    refused = await socket.refusal(previous_response_id=made["id"])
    assert refused["code"] == "previous_response_not_found"


async def test_what_is_stored_outlives_a_turn_that_fails(socket: Socket, llm: FakeLLM) -> None:
    made = await socket.answer()
    llm.play(UpstreamProtocolError("It broke."))

    await socket.turn(previous_response_id=made["id"])

    assert (await socket.answer(previous_response_id=made["id"]))["status"] == "completed"


@pytest.mark.parametrize("store", [False, True])
async def test_a_warm_up_is_gone_on_from(socket: Socket, llm: FakeLLM, *, store: bool) -> None:
    events = await socket.turn(generate=False, store=store)
    ready = events[-1]["response"]

    assert faults(events) == []
    assert (ready["status"], ready["output"]) == ("completed", [])
    assert llm.requests == []
    await socket.answer(input="And?", previous_response_id=ready["id"])
    assert llm.requests[0].messages == (Message(Role.USER, "Hi"), Message(Role.USER, "And?"))


async def test_a_warm_up_needs_no_input(socket: Socket) -> None:
    ready = await socket.answer(input=None, generate=False, store=False)

    assert (await socket.answer(previous_response_id=ready["id"]))["status"] == "completed"


async def test_a_warm_up_follows_what_there_is(socket: Socket) -> None:
    refused = await socket.refusal(generate=False, previous_response_id="resp_0")

    assert refused["code"] == "previous_response_not_found"
