"""The simple shape, and who gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.events import ReasoningDelta, TextDelta
from domain.messages import Message, Role
from tests.support.responses import PATH, STOP, TOOL, ask
from tests.support.service import service_of

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service


async def test_the_simple_shape_has_two_keys(service: Service, llm: FakeLLM) -> None:
    body = {"model": "llama3", "input": "Hi", "instructions": "Be brief.", "temperature": 0}

    answer = await service.ask(body, PATH)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == b'{"model":"llama3","output":{"role":"assistant","content":"Hello"}}'
    assert llm.requests[0].messages == (
        Message(Role.SYSTEM, "Be brief."),
        Message(Role.USER, "Hi"),
    )
    assert llm.requests[0].sampling.temperature == 0


async def test_the_simple_shape_has_the_same_defaults(service: Service, llm: FakeLLM) -> None:
    answer = await service.ask({"input": "Hi"}, PATH)

    assert answer.json["model"] == "smollm2:135m"
    assert llm.requests[0].sampling.temperature == 0.7


async def test_the_simple_shape_leaves_thoughts_out(service: Service, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm."), TextDelta("Hello"), STOP])

    answer = await service.ask({"input": "Hi"}, PATH)

    assert answer.json["output"]["content"] == "Hello"


async def test_the_simple_shape_keeps_nothing(service: Service) -> None:
    answer = await ask(service, {"x-responses-shape": "simple"}, store=True)

    assert list(answer.json) == ["model", "output"]
    assert (await service.ask(path=f"{PATH}/resp_2")).status == 404


async def test_the_simple_shape_streams(service: Service) -> None:
    answer = await ask(service, {"x-responses-shape": "simple"}, stream=True)

    assert answer.body == (
        b'data: {"model":"smollm2:135m","output":{"role":"assistant","content":"Hel"}}\n\n'
        b'data: {"model":"smollm2:135m","output":{"role":"assistant","content":"lo"}}\n\n'
        b"data: [DONE]\n\n"
    )


async def test_tools_do_not_go_with_the_simple_shape(service: Service) -> None:
    answer = await ask(service, {"x-responses-shape": "simple"}, model="tools-model", tools=[TOOL])

    assert answer.status == 400
    assert answer.json["error"]["param"] == "tools"
    assert "x-responses-shape: openai" in answer.json["error"]["message"]


async def test_the_setting_decides_the_shape(llm: FakeLLM) -> None:
    async with service_of(llm, responses_shape="openai") as service:
        answer = await service.ask({"input": "Hi"}, PATH)

    assert answer.json["object"] == "response"
