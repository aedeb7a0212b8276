"""/v1/responses over a WebSocket: turn after turn, and what each knows of the others."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from dependency_injector import providers

from domain.chat import FinishReason
from domain.errors import NotFoundError, UpstreamProtocolError
from domain.events import Finished, TextDelta
from entrypoints.container import Container
from entrypoints.http.app import create_app
from entrypoints.http.drain import Drain
from entrypoints.settings import Settings
from tests.support.fake_llm import USAGE
from tests.support.response_streams import faults
from tests.support.responses import CALL, CALLED, PATH, TOOL, message, response
from tests.support.service import MODEL
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


async def test_a_turn_is_the_events_of_a_stream(socket: Socket, llm: FakeLLM) -> None:
    llm.play([TextDelta("Let me see."), CALL, CALLED])

    events = await socket.turn(model="tools-model", tools=[TOOL])

    assert faults(events) == []
    assert events[-1]["type"] == "response.completed"
    assert [item["type"] for item in events[-1]["response"]["output"]] == [
        "message",
        "function_call",
    ]


async def test_the_response_is_as_over_http(socket: Socket) -> None:
    assert await socket.answer() == response(message())


async def test_turns_come_one_after_the_other(socket: Socket, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    for number in range(3):
        await socket.create(metadata={"n": str(number)})
    await llm.asked.wait()
    llm.gate.set()

    turns = [await socket.read_turn() for _ in range(3)]

    assert [faults(turn) for turn in turns] == [[], [], []]
    assert [turn[-1]["response"]["metadata"]["n"] for turn in turns] == ["0", "1", "2"]


async def test_the_events_of_a_lane_bear_its_name(socket: Socket) -> None:
    named = await socket.turn(stream_id="agent_1")
    refused = await socket.turn(stream_id="agent_2", previous_response_id="resp_0")
    plain = await socket.turn()

    assert {event["stream_id"] for event in named} == {"agent_1"}
    assert refused[0]["stream_id"] == "agent_2"
    assert not any("stream_id" in event for event in plain)


async def test_fields_that_say_what_is_so_anyhow_are_taken(socket: Socket) -> None:
    answer = await socket.answer(
        stream=True,
        stream_options={"include_obfuscation": False},
        background=False,
        client_metadata={"a": "b"},
    )

    assert answer["status"] == "completed"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        pytest.param({"stream": False}, "unsupported_parameter", "stream", id="not streamed"),
        pytest.param({"background": True}, "unsupported_parameter", "background", id="background"),
        pytest.param({"type": "response.steer"}, "invalid_value", "type", id="another event"),
        pytest.param({"type": None}, "invalid_type", "type", id="no event"),
        pytest.param({"speed": 1}, "unknown_parameter", "speed", id="unknown field"),
        pytest.param({"stream_id": "a b"}, "invalid_value", "stream_id", id="lane's name"),
        pytest.param({"temperature": 3}, "decimal_above_max_value", "temperature", id="range"),
        pytest.param({"input": None}, "missing_required_parameter", "input", id="no input"),
        pytest.param({"input": []}, "empty_array", "input", id="empty input"),
        pytest.param({"model": "nobody"}, "model_not_found", "model", id="no such model"),
        pytest.param(
            {"previous_response_id": "resp_0"},
            "previous_response_not_found",
            "previous_response_id",
            id="no such response",
        ),
        pytest.param(
            {"input": [{"type": "function_call_output", "call_id": "c", "output": ""}]},
            "invalid_request_error",
            "input",
            id="an error without a code",
        ),
    ],
)
async def test_a_refused_turn_leaves_the_socket_open(
    socket: Socket, body: dict[str, Any], code: str, param: str
) -> None:
    (event,) = await socket.turn(**body)

    assert event["type"] == "error"
    assert event["status"] == (404 if code == "model_not_found" else 400)
    assert event["error"]["type"] == "invalid_request_error"
    assert (event["error"]["code"], event["error"]["param"]) == (code, param)
    assert (await socket.answer())["status"] == "completed"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param("{", "invalid_json", id="cut"),
        pytest.param("", "invalid_json", id="empty"),
        pytest.param("[]", "invalid_type", id="not an object"),
        pytest.param('{"prompt":' + "[" * 100_000, "invalid_json", id="deep"),
        pytest.param("{}", "missing_required_parameter", id="no type"),
        pytest.param(b'{"type":"response.create","input":"Hi"}', "invalid_frame", id="binary"),
    ],
)
async def test_a_frame_that_is_no_event_leaves_the_socket_open(
    socket: Socket, frame: str | bytes, code: str
) -> None:
    await socket.send(frame)

    event = await socket.read()

    assert (event["type"], event["status"], event["error"]["code"]) == ("error", 400, code)
    assert (await socket.answer())["status"] == "completed"


async def test_a_failure_before_the_first_event_is_an_error(socket: Socket, llm: FakeLLM) -> None:
    llm.play(UpstreamProtocolError("It broke."))

    (event,) = await socket.turn()

    assert event == {
        "type": "error",
        "status": 502,
        "error": {
            "message": "It broke.",
            "type": "server_error",
            "param": None,
            "code": "server_error",
        },
    }
    assert (await socket.answer())["status"] == "completed"


async def test_a_failure_after_it_is_a_failed_response(socket: Socket, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel")], UpstreamProtocolError("It broke."))

    events = await socket.turn()

    assert faults(events) == []
    assert events[-1]["response"]["error"]["message"] == "It broke."
    assert (await socket.answer())["status"] == "completed"


async def test_a_bug_is_an_error_that_tells_nothing(socket: Socket, llm: FakeLLM) -> None:
    llm.play(ValueError("secret"))

    (event,) = await socket.turn()

    assert (event["status"], event["error"]["code"]) == (500, "internal_error")
    assert "secret" not in event["error"]["message"]


async def test_a_field_that_another_endpoint_names_otherwise(socket: Socket, llm: FakeLLM) -> None:
    llm.play(NotFoundError("No.", param="messages"))

    assert (await socket.refusal())["param"] == "input"


async def test_a_cut_answer_is_incomplete(socket: Socket, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel"), Finished(FinishReason.LENGTH, USAGE)])

    events = await socket.turn(max_output_tokens=16)

    assert events[-1]["type"] == "response.incomplete"


class Nobody:
    """A server whose client opened a WebSocket, sent events, and was never heard of again."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.waiting = asyncio.Event()
        self._messages: list[Any] = [
            {"type": "websocket.connect"},
            *({"type": "websocket.receive", "text": json.dumps(event)} for event in events),
        ]

    async def receive(self) -> Any:
        if self._messages:
            return self._messages.pop(0)
        self.waiting.set()
        return await asyncio.Event().wait()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            raise OSError


async def serve(nobody: Nobody, llm: FakeLLM, drain: Drain) -> None:
    settings = Settings(llm_backend="ollama", default_model=MODEL, response_store="memory")
    container = Container(settings=settings)
    container.override_providers(backend=providers.Object(llm))
    headers = [(b"host", b"localhost")]
    scope: Any = {"type": "websocket", "path": PATH, "headers": headers, "subprotocols": []}
    await create_app(container, drain)(scope, nobody.receive, nobody.send)


async def test_a_send_that_reaches_nobody_ends_the_turn(llm: FakeLLM) -> None:
    async with asyncio.timeout(10):
        await serve(Nobody({"type": "response.create", "input": "Hi"}), llm, Drain())

    assert llm.streams[0].closed.is_set()


async def test_a_farewell_that_reaches_nobody_ends_the_connection(llm: FakeLLM) -> None:
    drain, nobody = Drain(), Nobody()
    async with asyncio.timeout(10):
        serving = asyncio.create_task(serve(nobody, llm, drain))
        await nobody.waiting.wait()
        drain.begin()

        await serving
