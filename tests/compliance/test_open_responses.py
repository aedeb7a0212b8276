"""Every case on a real socket, against a scripted model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from domain.chat import FinishReason
from domain.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.messages import Role
from domain.models import Capability
from domain.sampling import TEXT
from tests.compliance.events import check_event
from tests.compliance.schema import check_response
from tests.compliance.suite import PATH, Suite
from tests.compliance.table import CASES, SUITE
from tests.support.fake_llm import USAGE, FakeLLM, details
from tests.support.responses import response
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from domain.chat import ChatRequest
    from tests.support.fake_llm import FakeStream

KEY = "correct-horse"
MODEL = "all-round"


class Model(FakeLLM):
    """Sees, thinks, and calls a tool where there is one and someone asks."""

    def __init__(self) -> None:
        can = (Capability.TOOLS, Capability.THINKING, Capability.VISION)
        super().__init__(models={MODEL: details(MODEL, *can)})

    async def stream(self, request: ChatRequest) -> FakeStream:
        if request.output is not TEXT:
            # A call that must be made is asked for in a form of its own.
            calls = '{"tool_calls":[{"name":"get_weather","arguments":{"location":"here"}}]}'
            self.play([TextDelta(calls), Finished(FinishReason.STOP, USAGE)])
        elif request.tools and request.messages[-1].role is Role.USER:
            call = ToolCallDelta(0, f"call_{len(self.requests)}", request.tools[0].name, "")
            arguments = ToolCallDelta(0, None, None, '{"location":"San Francisco"}')
            self.play([call], [arguments, Finished(FinishReason.TOOL_CALLS, USAGE)])
        else:
            end = Finished(FinishReason.STOP, USAGE)
            self.play([ReasoningDelta("Hm.")], [TextDelta("Hel")], [TextDelta("lo"), end])
        return await super().stream(request)


@pytest.fixture
async def suite() -> AsyncGenerator[Suite]:
    async with service_of(Model(), api_key=KEY) as service, asyncio.timeout(30):
        yield Suite(service.port, MODEL, KEY)


@pytest.mark.parametrize("case", CASES)
async def test_case(suite: Suite, case: str) -> None:
    await CASES[case](suite)


async def test_all_cases_at_once(suite: Suite) -> None:
    await asyncio.gather(*(case(suite) for case in CASES.values()))


async def test_a_file_is_refused_by_name(suite: Suite) -> None:
    file = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,"}
    status, body = await suite.post(
        PATH, model=MODEL, input=[{"type": "message", "role": "user", "content": [file]}]
    )

    assert (status, body["error"]["param"]) == (400, "input[0].content[0].type")


def test_the_suite_is_whole() -> None:
    assert len(SUITE) == 17


@pytest.mark.parametrize("name", sorted(set(response()) - {"user"}))
def test_the_schema_misses_every_field(name: str) -> None:
    whole = response()
    check_response(whole)
    del whole[name]

    with pytest.raises(msgspec.ValidationError):
        check_response(whole)


@pytest.mark.parametrize(
    "wrong",
    [
        {"presence_penalty": None},
        {"service_tier": None},
        {"truncation": None},
        {"created_at": 1.5},
        {"status": "done"},
        {"tools": [{"type": "function", "name": "a"}]},
        {"output": [{"type": "custom_tool_call", "id": "a"}]},
        {"text": {"format": {"type": "text"}, "verbosity": None}},
        {"reasoning": {"effort": None}},
        {"usage": {"input_tokens": 1}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_the_schema_knows_what_is_wrong(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        check_response(response() | wrong)


def test_an_event_that_nobody_knows_is_none() -> None:
    with pytest.raises(msgspec.ValidationError):
        check_event({"type": "response.news", "sequence_number": 0})
