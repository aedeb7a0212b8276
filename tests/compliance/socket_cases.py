"""The cases over a WebSocket, named by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.compliance.schema import check_compact
from tests.compliance.suite import PATH, answered, last, says

if TYPE_CHECKING:
    from tests.compliance.suite import Suite

NOT_FOUND = "previous_response_not_found"


async def websocket_response(suite: Suite) -> None:
    async with suite.socket() as socket:
        events = await socket.create(input=[says("user", "Count from 1 to 3.")])

    answered(last(events))


async def websocket_sequential_responses(suite: Suite) -> None:
    async with suite.socket() as socket:
        for word in ("one", "two"):
            asked = [says("user", f"Say {word}.")]
            answered(last(await socket.create(store=False, input=asked)))


async def websocket_continuation(suite: Suite) -> None:
    async with suite.socket() as socket:
        first = last(await socket.create(store=False, input=[says("user", "I am Alice.")]))
        events = await socket.create(
            store=False, previous_response_id=first.id, input=[says("user", "Who am I?")]
        )

    assert answered(last(events)).previous_response_id == first.id


async def websocket_reconnect_store_false_recovery(suite: Suite) -> None:
    asked = [says("user", "I am Alice.")]
    async with suite.socket() as socket:
        first = last(await socket.create(store=False, input=asked))
    async with suite.socket() as socket:
        refusal = await socket.refused(store=False, previous_response_id=first.id, input=asked)
        events = await socket.create(store=False, input=asked)

    assert refusal.error.code == NOT_FOUND
    answered(last(events))


async def websocket_previous_response_not_found(suite: Suite) -> None:
    async with suite.socket() as socket:
        refusal = await socket.refused(
            store=False, previous_response_id="resp_unknown", input=[says("user", "Hello?")]
        )

    assert refusal.error.code == NOT_FOUND


async def websocket_failed_continuation_evicts_cache(suite: Suite) -> None:
    output = {"type": "function_call_output", "call_id": "call_missing", "output": "{}"}
    async with suite.socket() as socket:
        first = last(await socket.create(store=False, input=[says("user", "I am Alice.")]))
        failed = await socket.refused(store=False, previous_response_id=first.id, input=[output])
        refusal = await socket.refused(
            store=False, previous_response_id=first.id, input=[says("user", "Who am I?")]
        )

    assert failed.error.code != NOT_FOUND
    assert refusal.error.code == NOT_FOUND


async def websocket_compact_new_chain(suite: Suite) -> None:
    turns = [
        says("user", [{"type": "input_text", "text": "My name is Alice."}]),
        says("assistant", [{"type": "output_text", "text": "Hello Alice!"}]),
    ]
    status, compact = await suite.post(f"{PATH}/compact", model=suite.model, input=turns)
    assert status == 200, compact
    check_compact(compact)
    asked = says("user", [{"type": "input_text", "text": "What is my name?"}])
    async with suite.socket() as socket:
        events = await socket.create(store=False, input=[*compact["output"], asked], tools=[])

    answered(last(events))


async def websocket_generate_false(suite: Suite) -> None:
    async with suite.socket() as socket:
        events = await socket.create(
            store=False, generate=False, input=[says("user", "I am Alice.")]
        )
        ready = last(events)
        events = await socket.create(
            store=False, previous_response_id=ready.id, input=[says("user", "Who am I?")]
        )

    assert ready.id
    assert ready.output == []
    answered(last(events))
