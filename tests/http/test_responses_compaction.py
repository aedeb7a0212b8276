"""An input that ends in `compaction_trigger`: the answer stands for the whole context."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import FinishReason
from domain.events import Finished, TextDelta, TextRun
from domain.messages import Role
from domain.sampling import TEXT
from tests.support.fake_llm import HELLO, USAGE
from tests.support.responses import STOP, TOOL, ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.events import ChatEvent
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Answer, Service

HI = {"role": "user", "content": "Hi"}
TRIGGER = {"type": "compaction_trigger"}
SUMMARY: Sequence[ChatEvent] = [TextDelta("They said hi."), STOP]
SEALED = "czE6VGhleSBzYWlkIGhpLg=="


def texts(llm: FakeLLM) -> list[str]:
    return [turn.text for turn in llm.requests[-1].messages]


def events(answer: Answer) -> list[dict[str, Any]]:
    lines = answer.body.decode().split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


async def test_the_output_is_one_compaction(service: Service, llm: FakeLLM) -> None:
    llm.play(SUMMARY)

    answer = await ask(
        service,
        model="tools-model",
        input=[HI, TRIGGER],
        tools=[TOOL],
        tool_choice="required",
        text={"format": {"type": "json_object"}},
        max_output_tokens=16,
    )

    (item,) = answer.json["output"]
    assert (answer.json["status"], item["type"]) == ("completed", "compaction")
    assert item["encrypted_content"] == SEALED
    assert "x-ignored-parameters" not in answer.headers
    asked = llm.requests[0]
    assert asked.messages[0].text == "Hi"
    assert asked.messages[-1].role is Role.USER
    assert asked.messages[-1].text.startswith("Sum up this conversation")
    assert (asked.tools, asked.output, asked.sampling.max_tokens) == ((), TEXT, 2048)


async def test_a_stream_tells_of_it(service: Service, llm: FakeLLM) -> None:
    llm.play([TextRun(["They ", "said "])], [TextDelta("hi."), STOP])

    answer = await ask(service, input=[HI, TRIGGER], stream=True)

    told = events(answer)
    assert [event["type"] for event in told] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ]
    assert told[3]["item"]["encrypted_content"] == SEALED
    assert told[4]["response"]["output"] == [told[3]["item"]]


async def test_what_follows_goes_on_from_the_summary(service: Service, llm: FakeLLM) -> None:
    first = await ask(service, input="A long story.")
    llm.play(SUMMARY)
    short = await ask(service, input=[TRIGGER], previous_response_id=first.json["id"])
    told = texts(llm)
    llm.play(*HELLO)

    after = await ask(service, input="And?", previous_response_id=short.json["id"])

    assert told[:2] == ["A long story.", "Hello"]
    assert after.status == 200
    assert [text.splitlines()[-1] for text in texts(llm)] == ["They said hi.", "And?"]


async def test_it_works_in_the_background(service: Service, llm: FakeLLM) -> None:
    llm.play(SUMMARY)

    answer = await ask(service, input=[HI, TRIGGER], background=True, stream=True)

    assert events(answer)[-1]["response"]["output"][0]["encrypted_content"] == SEALED


async def test_a_summary_that_was_cut_is_one(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta("They said"), Finished(FinishReason.LENGTH, USAGE)])

    answer = await ask(service, input=[HI, TRIGGER])

    assert (answer.json["status"], answer.json["incomplete_details"]) == ("completed", None)
    assert len(answer.json["output"]) == 1


async def test_a_stream_without_a_summary_fails(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta(" ")], [TextDelta(" "), STOP])

    answer = await ask(service, input=[HI, TRIGGER], stream=True)

    assert events(answer)[-1]["type"] == "response.failed"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param({"input": [TRIGGER, HI]}, "input[0]", id="not last"),
        pytest.param({"input": [TRIGGER]}, "input", id="of nothing"),
        pytest.param(
            {"input": [HI, TRIGGER], "conversation": "conv_1"}, "input[1]", id="a conversation"
        ),
    ],
)
async def test_one_out_of_place_is_refused(
    service: Service, body: dict[str, Any], param: str
) -> None:
    answer = await ask(service, **body)

    assert (answer.status, answer.json["error"]["param"]) == (400, param)


async def test_it_has_no_place_among_items(service: Service) -> None:
    answer = await service.ask({"items": [TRIGGER]}, "/v1/conversations")

    assert (answer.status, answer.json["error"]["param"]) == (400, "items[0]")
