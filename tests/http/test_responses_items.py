"""GET /v1/responses/{id}/input_items, and what a context costs and comes down to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domain.events import ReasoningDelta, TextDelta
from domain.messages import Role
from domain.tools import ToolChoice
from tests.support.responses import CALL, CALLED, GIF, PATH, STOP, TOOL, ask, message, response

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

COUNT = f"{PATH}/input_tokens"
COMPACT = f"{PATH}/compact"


def user(text: str, id_: str) -> dict[str, Any]:
    return {
        "type": "message",
        "id": id_,
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": text}],
    }


async def chain(service: Service) -> str:
    """Make three responses that follow each other; return the id of the last."""
    first = await ask(service, input="one")
    second = await ask(service, input="two", previous_response_id=first.json["id"])
    third = await ask(service, input="three", previous_response_id=second.json["id"])
    return str(third.json["id"])


async def listed(service: Service, response_id: str, query: str = "") -> Any:
    answer = await service.ask(path=f"{PATH}/{response_id}/input_items?{query}")
    assert answer.status == 200
    return answer.json


async def test_the_input_is_a_list_of_items(service: Service) -> None:
    await ask(service)

    assert await listed(service, "resp_2") == {
        "object": "list",
        "data": [user("Hi", "msg_3")],
        "first_id": "msg_3",
        "last_id": "msg_3",
        "has_more": False,
    }


async def test_what_a_response_follows_is_input_too(service: Service) -> None:
    last = await chain(service)

    oldest = await listed(service, last, "order=asc")
    newest = await listed(service, last)

    texts = [item["content"][0]["text"] for item in oldest["data"]]
    assert texts == ["one", "Hello", "two", "Hello", "three"]
    assert newest["data"] == oldest["data"][::-1]
    assert (newest["first_id"], newest["last_id"]) == (oldest["last_id"], oldest["first_id"])


async def test_a_list_comes_in_pages(service: Service) -> None:
    last = await chain(service)
    ids = [item["id"] for item in (await listed(service, last, "order=asc"))["data"]]

    first = await listed(service, last, "order=asc&limit=2")
    second = await listed(service, last, f"order=asc&limit=2&after={first['last_id']}")
    third = await listed(service, last, f"order=asc&limit=2&after={second['last_id']}")
    between = await listed(service, last, f"order=asc&after={ids[0]}&before={ids[3]}")
    nothing = await listed(service, last, f"order=asc&after={ids[-1]}")

    pages = [first, second, third]
    assert [[item["id"] for item in page["data"]] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert [item["id"] for item in between["data"]] == ids[1:3]
    assert nothing == {
        "object": "list",
        "data": [],
        "first_id": "",
        "last_id": "",
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("query", "param"),
    [
        pytest.param("limit=0", "limit", id="no items"),
        pytest.param("limit=101", "limit", id="too many"),
        pytest.param("limit=x", "limit", id="no number"),
        pytest.param(f"limit={'1' * 5000}", "limit", id="a number that Python does not read"),
        pytest.param("order=up", "order", id="no order"),
        pytest.param("after=msg_0", "after", id="after nothing"),
        pytest.param("before=msg_0", "before", id="before nothing"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(service: Service, query: str, param: str) -> None:
    await ask(service)

    answer = await service.ask(path=f"{PATH}/resp_2/input_items?{query}")

    error = answer.json["error"]
    assert (answer.status, error["param"], error["code"]) == (400, param, "invalid_value")


async def test_every_kind_of_item_is_shown(service: Service) -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    given: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "input_image", "image_url": GIF}]},
        {"type": "reasoning", "id": "rs_9", "summary": [{"type": "summary_text", "text": "Hm."}]},
        call,
        {"type": "function_call_output", "call_id": "c", "output": "sunny"},
    ]
    await ask(service, model="viewer", input=given)

    shown = (await listed(service, "resp_2", "order=asc&include[]=reasoning.encrypted_content"))[
        "data"
    ]

    done = {"status": "completed"}
    image = {"type": "input_image", "image_url": GIF, "detail": "auto", "file_id": None}
    assert shown == [
        {"id": "msg_3", "type": "message", "role": "user", "content": [image], **done},
        given[1] | done | {"encrypted_content": "dDE6SG0u"},
        call | done | {"id": "fc_4"},
        given[3] | done | {"id": "fco_5"},
    ]


async def test_the_input_stays_where_what_it_follows_is_gone(service: Service) -> None:
    last = await chain(service)
    await service.ask(path=f"{PATH}/resp_2", method="DELETE")

    items = await listed(service, last)

    assert [item["content"][0]["text"] for item in items["data"]] == ["three"]


async def test_the_input_of_nothing_is_not_found(service: Service) -> None:
    answer = await service.ask(path=f"{PATH}/resp_0/input_items")

    assert answer.status == 404


async def test_tokens_are_counted_by_the_model_server(service: Service, llm: FakeLLM) -> None:
    await ask(service)

    answer = await service.ask(
        {
            "input": "And?",
            "previous_response_id": "resp_2",
            "instructions": "Be brief.",
            "tools": [TOOL],
            "model": "tools-model",
            "personality": "friendly",
            "text": {"format": {"type": "json_object"}},
            "tool_choice": "required",
        },
        COUNT,
    )

    assert (answer.status, answer.json) == (
        200,
        {"object": "response.input_tokens", "input_tokens": 7},
    )
    assert answer.headers["x-ignored-parameters"] == "personality"
    request = llm.requests[1]
    assert request.sampling.max_tokens == 1
    assert [turn.text for turn in request.messages][-3:] == ["Hi", "Hello", "And?"]
    assert llm.streams[1].closed.is_set()
    assert (await service.ask(path=f"{PATH}/resp_5")).status == 404


async def test_there_must_be_something_to_count(service: Service) -> None:
    answer = await service.ask({}, COUNT)

    assert (answer.status, answer.json["error"]["param"]) == (400, "input")


async def test_a_context_becomes_one_item(service: Service, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm."), TextDelta("They said hi."), STOP])
    given = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]

    answer = await service.ask(
        {"model": "llama3", "input": given, "prompt_cache_key": "k"}, COMPACT
    )

    item = {"type": "compaction", "id": "cmp_5", "encrypted_content": "czE6VGhleSBzYWlkIGhpLg=="}
    assert answer.json == {
        "id": "resp_2",
        "object": "response.compaction",
        "created_at": 1_700_000_000,
        "output": [item],
        "usage": response()["usage"],
    }
    request = llm.requests[0]
    assert [turn.text for turn in request.messages][:2] == ["Hi", "Hello"]
    assert request.messages[-1].role is Role.USER
    assert request.messages[-1].text.startswith("Sum up this conversation")
    assert request.tool_choice is ToolChoice.NONE
    assert request.sampling.max_tokens == 2048

    more = await ask(service, input=[item, {"role": "user", "content": "And?"}])

    assert more.json["output"] == [message(id_=more.json["output"][0]["id"])]
    assert "They said hi." in llm.requests[1].messages[0].text


async def test_a_chain_can_be_made_short(service: Service, llm: FakeLLM) -> None:
    llm.play([CALL, CALLED])
    await ask(service, model="tools-model", tools=[TOOL])

    answer = await service.ask({"model": "llama3", "previous_response_id": "resp_2"}, COMPACT)

    assert answer.status == 200


async def test_a_summary_of_nothing_is_none(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta(" "), STOP])

    answer = await service.ask({"model": "llama3", "input": "Hi"}, COMPACT)

    assert (answer.status, answer.json["error"]["code"]) == (502, "invalid_output")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param({"input": "Hi"}, "model", id="without a model"),
        pytest.param({"model": "llama3"}, "input", id="without a context"),
        pytest.param({"model": "llama3", "input": []}, "input", id="of nothing"),
        pytest.param({"model": "nonesuch", "input": "Hi"}, "model", id="no such model"),
    ],
)
async def test_what_cannot_be_made_short_is_refused(
    service: Service, body: dict[str, Any], param: str
) -> None:
    answer = await service.ask(body, COMPACT)

    assert answer.status == (404 if body.get("model") == "nonesuch" else 400)
    assert answer.json["error"]["param"] == param
