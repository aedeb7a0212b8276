"""The cases, by their ids: those of the suite of 2026-04-24, and those of others beside it.

What they send and check is in section 11.2 of our reference of the wire format.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, Any

from tests.compliance.schema import (
    ArgumentsDelta,
    ArgumentsDone,
    Compaction,
    Completed,
    FunctionCall,
    ItemAdded,
    ItemDone,
    check_compact,
    check_message,
)
from tests.compliance.suite import PATH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.compliance.schema import KnownEvent, ResponseResource
    from tests.compliance.suite import Suite

TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {
                "type": "string",
                "description": "The city and state, e.g. San Francisco, CA",
            }
        },
        "required": ["location"],
    },
}
WEATHER = "What's the weather like in San Francisco?"
NOT_FOUND = "previous_response_not_found"


def says(role: str, content: Any, **more: Any) -> dict[str, Any]:
    """Return a message."""
    return {"type": "message", "role": role, "content": content, **more}


def red_square() -> str:
    """Return a PNG image of 32 by 32 points as a data URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        size, check = len(data), zlib.crc32(kind + data)
        return struct.pack(">I", size) + kind + data + struct.pack(">I", check)

    rows = (b"\0" + b"\xff\0\0" * 32) * 32
    head = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunks).decode()


def answered(response: ResponseResource) -> ResponseResource:
    """Check that a response has output and is complete."""
    assert response.status == "completed", response.status
    assert response.output
    return response


def last(events: Sequence[KnownEvent]) -> ResponseResource:
    """Return the response at the end of a stream that is complete."""
    assert [event.sequence_number for event in events] == list(range(len(events)))
    end = events[-1]
    assert isinstance(end, Completed), end
    return end.response


async def basic_response(suite: Suite) -> None:
    answered(await suite.create(input=[says("user", "Say hello in exactly 3 words.")]))


async def streaming_response(suite: Suite) -> None:
    answered(last(await suite.stream(input=[says("user", "Count from 1 to 5.")])))


async def system_prompt(suite: Suite) -> None:
    system = says("system", "You are a pirate. Always respond in pirate speak.")
    answered(await suite.create(input=[system, says("user", "Say hello.")]))


async def tool_calling(suite: Suite) -> None:
    response = await suite.create(input=[says("user", WEATHER)], tools=[TOOL])

    assert any(isinstance(item, FunctionCall) for item in response.output)


async def tool_calling_streaming(suite: Suite) -> None:
    events = await suite.stream(input=[says("user", WEATHER)], tools=[TOOL])

    last(events)
    for kind in (ItemAdded, ItemDone):
        assert any(isinstance(e, kind) and isinstance(e.item, FunctionCall) for e in events)
    assert any(isinstance(event, ArgumentsDelta) for event in events)
    assert any(isinstance(event, ArgumentsDone) for event in events)


async def image_input(suite: Suite) -> None:
    content = [
        {"type": "input_text", "text": "What do you see in this image? Answer in one sentence."},
        {"type": "input_image", "image_url": red_square()},
    ]
    answered(await suite.create(input=[says("user", content)]))


async def multi_turn(suite: Suite) -> None:
    turns = [
        says("user", "My name is Alice."),
        says("assistant", "Hello Alice! Nice to meet you. How can I help you today?"),
        says("user", "What is my name?"),
    ]
    answered(await suite.create(input=turns))


async def assistant_phase(suite: Suite) -> None:
    turns = [
        says("user", "Think of a number."),
        says("assistant", "I am thinking of one.", phase="commentary"),
        says("assistant", "It is 7.", phase="final_answer"),
        says("user", "Which number was it?"),
    ]
    answered(await suite.create(input=turns))


async def response_output_phase_schema(_suite: Suite) -> None:
    # This one is of the schema alone: nothing is sent.
    part: dict[str, Any] = {"type": "output_text", "text": "Hello", "annotations": []}
    for phase in ("commentary", "final_answer"):
        message = says("assistant", [part], id="msg_1", status="completed", phase=phase)
        assert check_message(message).phase == phase


async def compact_response(suite: Suite) -> None:
    turns = [says("user", "My name is Alice."), says("assistant", "Hello Alice!")]
    status, body = await suite.post(
        f"{PATH}/compact", model=suite.model, prompt_cache_key="suite", input=turns
    )

    assert status == 200, body
    assert any(isinstance(item, Compaction) for item in check_compact(body).output)


async def compact_missing_model(suite: Suite) -> None:
    status, _ = await suite.post(f"{PATH}/compact", input=[says("user", "My name is Alice.")])

    assert status in {400, 422}, status


async def function_call_roundtrip(suite: Suite) -> None:
    choice = {"type": "function", "name": "get_weather"}
    first = await suite.create(input=WEATHER, tools=[TOOL], tool_choice=choice)
    call = next(item for item in first.output if isinstance(item, FunctionCall))
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny, 20 C"}

    answered(await suite.create(input=[output], previous_response_id=first.id))


async def previous_response_id(suite: Suite) -> None:
    # One that has nothing but a model and a text is answered in the simple shape by default.
    first = answered(await suite.create(input="My name is Alice.", stream=False))

    second = await suite.create(input="What is my name?", previous_response_id=first.id)

    assert answered(second).previous_response_id == first.id


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


# Those of the suite of 2026-04-24; then those of other revisions.
SUITE: tuple[Callable[[Suite], Awaitable[None]], ...] = (
    basic_response,
    streaming_response,
    system_prompt,
    tool_calling,
    image_input,
    multi_turn,
    assistant_phase,
    response_output_phase_schema,
    compact_response,
    compact_missing_model,
    websocket_response,
    websocket_sequential_responses,
    websocket_continuation,
    websocket_reconnect_store_false_recovery,
    websocket_previous_response_not_found,
    websocket_failed_continuation_evicts_cache,
    websocket_compact_new_chain,
)
OTHERS: tuple[Callable[[Suite], Awaitable[None]], ...] = (
    tool_calling_streaming,
    function_call_roundtrip,
    previous_response_id,
    websocket_generate_false,
)
CASES = {case.__name__.replace("_", "-"): case for case in (*SUITE, *OTHERS)}
