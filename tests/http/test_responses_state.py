"""What is kept, for whom, and how it is gone on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.events import ReasoningDelta
from domain.messages import Message, Role
from domain.tools import ToolCall
from tests.support.responses import CALL, CALLED, OPENAI, PATH, TOOL, ask
from tests.support.service import service_of

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service


async def test_a_response_can_be_had_again(service: Service) -> None:
    made = await ask(service, metadata={"a": "b"})

    kept = await service.ask(path=f"{PATH}/resp_2?include[]=reasoning.encrypted_content")

    assert kept.json == made.json


async def test_a_response_that_is_not_stored_is_gone(service: Service) -> None:
    await ask(service, store=False)

    assert (await service.ask(path=f"{PATH}/resp_2")).status == 404
    answer = await ask(service, previous_response_id="resp_2")
    assert answer.json["error"] == {
        "message": "Previous response with id 'resp_2' not found.",
        "type": "invalid_request_error",
        "param": "previous_response_id",
        "code": "previous_response_not_found",
    }


async def test_a_deleted_response_is_gone(service: Service) -> None:
    await ask(service)

    gone = await service.ask(path=f"{PATH}/resp_2", method="DELETE")

    assert gone.json == {"id": "resp_2", "object": "response", "deleted": True}
    for method in ("GET", "DELETE"):
        answer = await service.ask(path=f"{PATH}/resp_2", method=method)
        assert answer.status == 404
        assert answer.json["error"]["message"] == "Response with id 'resp_2' not found."


async def test_only_background_responses_stream_again(service: Service) -> None:
    await ask(service)

    answer = await service.ask(path=f"{PATH}/resp_2?stream=true&starting_after=2")

    assert (answer.status, answer.json["error"]["param"]) == (400, "stream")


async def test_a_response_goes_on_from_another(service: Service, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm."), CALL, CALLED])
    first = await ask(service, model="tools-model", tools=[TOOL], instructions="Be brief.")
    output = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}

    second = await ask(
        service,
        model="tools-model",
        input=[output],
        previous_response_id=first.json["id"],
        instructions="Be kind.",
    )
    third = await ask(service, model="tools-model", previous_response_id=second.json["id"])

    assert third.json["previous_response_id"] == second.json["id"]
    call = ToolCall("call_1", "get_weather", '{"city":"Rome"}')
    context = (
        Message(Role.USER, "Hi"),
        Message(Role.ASSISTANT, tool_calls=(call,), reasoning="Hm."),
        Message(Role.TOOL, "sunny", tool_call_id="call_1", tool_name="get_weather"),
    )
    assert llm.requests[1].messages == (Message(Role.SYSTEM, "Be kind."), *context)
    assert llm.requests[1].tools == ()
    assert llm.requests[2].messages == (
        *context,
        Message(Role.ASSISTANT, "Hello"),
        Message(Role.USER, "Hi"),
    )


async def test_going_on_needs_no_input(service: Service, llm: FakeLLM) -> None:
    await ask(service)

    answer = await ask(service, input=[], previous_response_id="resp_2")

    assert answer.status == 200
    assert len(llm.requests[1].messages) == 2


async def test_an_item_can_be_named_in_place_of_itself(service: Service, llm: FakeLLM) -> None:
    made = await ask(service)
    item = made.json["output"][0]["id"]

    await ask(
        service,
        input=[
            {"id": item},
            {"type": "item_reference", "id": item},
            {"role": "user", "content": "?"},
        ],
    )

    assert llm.requests[1].messages == (
        Message(Role.ASSISTANT, "Hello"),
        Message(Role.ASSISTANT, "Hello"),
        Message(Role.USER, "?"),
    )


async def test_an_item_that_is_not_there_is_not_found(service: Service) -> None:
    answer = await ask(service, input=[{"type": "item_reference", "id": "msg_0"}])

    assert answer.status == 404
    assert answer.json["error"]["message"] == "Item with id 'msg_0' not found."
    assert answer.json["error"]["param"] == "input"


async def test_two_keys_never_see_each_others_responses(llm: FakeLLM) -> None:
    one, two = ({"authorization": f"Bearer {key}"} | OPENAI for key in ("key-one", "key-two"))
    async with service_of(llm, api_key="key-one,key-two") as service:
        made = await ask(service, one)
        path = f"{PATH}/{made.json['id']}"
        item = made.json["output"][0]["id"]

        assert (await service.ask(path=path, headers=one)).json == made.json
        for method in ("GET", "DELETE"):
            answer = await service.ask(path=path, headers=two, method=method)
            assert answer.status == 404
        chained = await ask(service, two, previous_response_id=made.json["id"])
        assert chained.json["error"]["code"] == "previous_response_not_found"
        assert (await ask(service, two, input=[{"id": item}])).status == 404
        assert (await service.ask(path=path, headers=one)).status == 200
