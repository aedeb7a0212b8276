"""/v1/conversations, and responses that are part of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.responses import ask
from tests.support.service import service_of

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

PATH = "/v1/conversations"
HI = {"role": "user", "content": "Hi"}
CREATED = 1_700_000_000


def conversation(**metadata: str) -> dict[str, Any]:
    return {
        "id": "conv_2",
        "object": "conversation",
        "created_at": CREATED,
        "metadata": metadata,
    }


def user(id_: str, text: str = "Hi") -> dict[str, Any]:
    return {
        "type": "message",
        "id": id_,
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": text}],
    }


def listing(*items: dict[str, Any]) -> dict[str, Any]:
    return {
        "object": "list",
        "data": list(items),
        "first_id": items[0]["id"],
        "last_id": items[-1]["id"],
        "has_more": False,
    }


async def test_a_conversation_is_made_and_had_again(service: Service) -> None:
    made = await service.ask({"metadata": {"topic": "tea"}}, PATH)
    kept = await service.ask(path=f"{PATH}/conv_2")

    assert (made.status, made.json) == (200, conversation(topic="tea"))
    assert kept.json == made.json


async def test_a_conversation_needs_nothing(service: Service) -> None:
    json = {"content-type": "application/json"}

    assert (await service.ask({}, PATH)).json == conversation()
    assert (await service.ask(None, PATH, json, method="POST")).status == 200
    nulls = await service.ask({"items": None, "metadata": None}, PATH)
    assert nulls.json["metadata"] == {}


async def test_its_metadata_is_replaced(service: Service) -> None:
    await service.ask({"metadata": {"topic": "tea"}, "items": [HI]}, PATH)

    changed = await service.ask({"metadata": {"mood": "good"}}, f"{PATH}/conv_3")
    emptied = await service.ask({"metadata": None}, f"{PATH}/conv_3")
    items = await service.ask(path=f"{PATH}/conv_3/items")

    assert changed.json == conversation(mood="good") | {"id": "conv_3"}
    assert emptied.json["metadata"] == {}
    assert items.json == listing(user("msg_2"))


async def test_a_deleted_conversation_is_gone(service: Service) -> None:
    await service.ask({}, PATH)

    gone = await service.ask(path=f"{PATH}/conv_2", method="DELETE")
    missing = await service.ask(path=f"{PATH}/conv_2")

    assert gone.json == {"id": "conv_2", "object": "conversation.deleted", "deleted": True}
    assert (missing.status, missing.json["error"]["message"]) == (
        404,
        "Conversation with id 'conv_2' not found.",
    )


async def test_items_are_added_listed_and_taken_out(service: Service) -> None:
    await service.ask({}, PATH)
    path = f"{PATH}/conv_2/items"

    added = await service.ask({"items": [HI, HI | {"content": "Ho"}]}, path)
    listed = await service.ask(path=f"{path}?order=asc")
    paged = await service.ask(path=f"{path}?limit=1")
    one = await service.ask(path=f"{path}/msg_4")
    left = await service.ask(path=f"{path}/msg_4", method="DELETE")
    missing = await service.ask(path=f"{path}/msg_4")
    again = await service.ask(path=f"{path}/msg_4", method="DELETE")

    assert added.json == listed.json == listing(user("msg_4"), user("msg_5", "Ho"))
    assert paged.json == listing(user("msg_5", "Ho")) | {"has_more": True}
    assert one.json == user("msg_4")
    assert left.json == conversation()
    assert (missing.status, again.status) == (404, 404)
    assert (await service.ask(path=path)).json == listing(user("msg_5", "Ho"))


async def test_a_response_is_part_of_a_conversation(service: Service, llm: FakeLLM) -> None:
    await service.ask({"items": [HI]}, PATH)

    first = await ask(service, input="One?", conversation="conv_3")
    await ask(service, input="Two?", conversation={"id": "conv_3"}, store=False)

    assert first.json["conversation"] == {"id": "conv_3"}
    said = [turn.text for turn in llm.requests[1].messages]
    assert said == ["Hi", "One?", "Hello", "Two?"]
    items = await service.ask(path=f"{PATH}/conv_3/items?order=asc")
    texts = [item["content"][0]["text"] for item in items.json["data"]]
    assert texts == [*said, "Hello"]
    assert first.json["output"][0] in items.json["data"]


async def test_one_in_the_background_is_part_of_it_once_it_is_made(service: Service) -> None:
    await service.ask({}, PATH)

    await ask(service, conversation="conv_2", background=True, stream=True)

    items = await service.ask(path=f"{PATH}/conv_2/items?order=asc")
    assert [item["role"] for item in items.json["data"]] == ["user", "assistant"]


async def test_a_conversation_that_is_not_there_is_not_found(service: Service) -> None:
    answers = [
        await ask(service, conversation="conv_0"),
        await service.ask({"metadata": {}}, f"{PATH}/conv_0"),
        await service.ask({"items": [HI]}, f"{PATH}/conv_0/items"),
        await service.ask(path=f"{PATH}/conv_0/items"),
        await service.ask(path=f"{PATH}/conv_0/items/msg_1"),
        await service.ask(path=f"{PATH}/conv_0", method="DELETE"),
    ]

    assert [answer.status for answer in answers] == [404] * 6


@pytest.mark.parametrize(
    ("body", "path", "param"),
    [
        pytest.param({"items": [HI] * 21}, PATH, "items", id="too many items"),
        pytest.param({"items": [{"type": "nonesuch"}]}, PATH, "items[0].type", id="no item"),
        pytest.param({"items": [{"id": "msg_0"}]}, PATH, None, id="an item that is not there"),
        pytest.param({"metadata": {"a": 1}}, PATH, "metadata", id="metadata of numbers"),
        pytest.param({"name": "x"}, PATH, "name", id="an unknown field"),
        pytest.param({}, f"{PATH}/conv_0", "metadata", id="a change of nothing"),
        pytest.param({}, f"{PATH}/conv_0/items", "items", id="no items"),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    service: Service, body: dict[str, Any], path: str, param: str | None
) -> None:
    answer = await service.ask(body, path)

    if param is None:
        assert answer.status == 404
    else:
        assert (answer.status, answer.json["error"]["param"]) == (400, param)


async def test_items_of_tools_that_are_not_run_are_left_out(service: Service) -> None:
    answer = await service.ask({"items": [HI, {"type": "web_search_call", "id": "ws_1"}]}, PATH)

    assert answer.headers["x-ignored-parameters"] == "items[1]"


async def test_two_keys_never_see_each_others_conversations(llm: FakeLLM) -> None:
    one, two = ({"authorization": f"Bearer {key}"} for key in ("key-one", "key-two"))
    async with service_of(llm, api_key="key-one,key-two") as service:
        made = (await service.ask({}, PATH, one)).json["id"]

        assert (await service.ask(path=f"{PATH}/{made}", headers=two)).status == 404
        assert (await service.ask(path=f"{PATH}/{made}", headers=one)).status == 200
