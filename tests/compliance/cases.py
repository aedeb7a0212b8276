"""The cases over HTTP, named by their ids.

What they send and check is in section 11.2 of our reference of the wire format.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, Any

from tests.compliance.events import ArgumentsDelta, ArgumentsDone, ItemAdded, ItemDone
from tests.compliance.schema import Compaction, FunctionCall, check_compact, check_message
from tests.compliance.suite import PATH, answered, last, says

if TYPE_CHECKING:
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


def red_square() -> str:
    """Return a PNG image of 32 by 32 points as a data URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        size, check = len(data), zlib.crc32(kind + data)
        return struct.pack(">I", size) + kind + data + struct.pack(">I", check)

    rows = (b"\0" + b"\xff\0\0" * 32) * 32
    head = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunks).decode()


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
