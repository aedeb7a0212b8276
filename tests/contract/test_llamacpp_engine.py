"""The embedded engine with the bundled model: one thread, two slots of 1024 tokens."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import TYPE_CHECKING

import pytest

from adapters.llamacpp.llm import LlamaCppLLM
from adapters.system import RandomIds
from domain.accumulate import Accumulator
from domain.chat import ChatRequest, ChatResult, EngineOptions, FinishReason
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    ServiceError,
)
from domain.events import Finished
from domain.messages import Message, Role
from domain.models import Capability
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, Sampling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from application.ports.llm import ChatStream, LLMPort
    from domain.events import ChatEvent

MODEL = "smollm2:135m"
GUARD_S = 60

# Hundreds of tokens that the model cannot end before: longer than any test looks on.
ENDLESS = JSONSchemaFormat(
    "numbers", {"type": "array", "items": {"type": "integer"}, "minItems": 500}
)


@pytest.fixture(scope="module")
def llm() -> Iterator[LlamaCppLLM]:
    llm = LlamaCppLLM(RandomIds(), threads=1, parallel=2, context_length=1000)
    yield llm
    asyncio.run(llm.aclose())


@pytest.fixture
def port(llm: LlamaCppLLM) -> LLMPort:
    return llm


def ask(text: str = "What is the capital of France?", **sampling: object) -> ChatRequest:
    wanted = Sampling(**({"temperature": 0.0, "max_tokens": 24} | sampling))  # type: ignore[arg-type]  # the names are checked by the call itself
    return ChatRequest(MODEL, (Message(Role.USER, text),), wanted)


def endless() -> ChatRequest:
    return ChatRequest(MODEL, (Message(Role.USER, "Count."),), Sampling(0.0), ENDLESS)


async def whole(stream: ChatStream) -> ChatResult:
    accumulator = Accumulator()
    async with asyncio.timeout(GUARD_S):
        async for batch in stream:
            assert batch
            assert accumulator.result is None
            accumulator.feed(batch)
        await stream.aclose()
    assert accumulator.result is not None
    return accumulator.result


async def answer(port: LLMPort, request: ChatRequest) -> ChatResult:
    return await whole(await port.stream(request))


async def begun(port: LLMPort) -> ChatStream:
    stream = await port.stream(endless())
    await step(stream)
    return stream


async def step(stream: ChatStream) -> ChatEvent:
    async with asyncio.timeout(GUARD_S):
        return (await anext(stream))[-1]


async def drain(stream: ChatStream) -> list[ChatEvent]:
    async with asyncio.timeout(GUARD_S):
        return [event async for batch in stream for event in batch]


async def close(*streams: ChatStream) -> None:
    async with asyncio.timeout(GUARD_S):
        for stream in streams:
            await stream.aclose()


async def refusal(port: LLMPort, request: ChatRequest) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await answer(port, request)
    return caught.value


async def test_a_question_is_answered(port: LLMPort) -> None:
    result = await answer(port, ask())

    assert "Paris" in result.content
    assert result.usage.prompt_tokens > result.usage.completion_tokens > 0


async def test_an_answer_arrives_in_more_than_one_batch(port: LLMPort) -> None:
    stream = await port.stream(ask())

    batches = [batch async for batch in stream]

    assert len(batches) > 1
    assert isinstance(batches[-1][-1], Finished)
    await stream.aclose()


async def test_a_prompt_asked_twice_is_cached(port: LLMPort) -> None:
    request = ask("Say hello.", max_tokens=1)

    await answer(port, request)
    again = await answer(port, request)

    assert 0 < again.usage.cached_tokens < again.usage.prompt_tokens


CITY = JSONSchemaFormat(
    "city",
    {
        "$defs": {"size": {"enum": ["small", "large"]}},
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "size": {"$ref": "#/$defs/size"},
            "river": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        },
        "required": ["name", "size", "river"],
        "additionalProperties": False,
    },
)


@pytest.mark.parametrize(
    ("text", "temperature"),
    [
        pytest.param("Describe Paris.", 0.0, id="plain"),
        pytest.param("Describe Paris.", 1.5, id="hot"),
        pytest.param("Write a poem about Rome, no JSON please.", 0.0, id="against its will"),
        pytest.param('Reply with ```json\n{"name": "Oslo"}\n```', 0.0, id="fenced"),
    ],
)
async def test_a_schema_is_obeyed(port: LLMPort, text: str, temperature: float) -> None:
    sampling = Sampling(temperature=temperature, seed=1, max_tokens=200)
    request = ChatRequest(MODEL, (Message(Role.USER, text),), sampling, CITY)

    city = json.loads((await answer(port, request)).content)

    assert list(city) == ["name", "size", "river"]
    assert city["size"] in {"small", "large"}
    assert city["river"] in {True, False, None}


async def test_all_references_into_a_schema_are_understood(port: LLMPort) -> None:
    within = {"type": "array", "items": {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/a~1b"}]}}
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/a~1b"}, "b": within},
        "required": ["a", "b"],
        "$defs": {"a/b": {"const": "x"}},
    }
    sampling = Sampling(temperature=0.0, max_tokens=40)
    request = ChatRequest(MODEL, ask().messages, sampling, JSONSchemaFormat("x", schema))

    result = await answer(port, request)

    assert "".join(result.content.split()).startswith('{"a":"x"')


async def test_any_object_is_json_as_far_as_it_goes(port: LLMPort) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=8)
    request = ChatRequest(MODEL, ask().messages, sampling, JSONObjectFormat())

    result = await answer(port, request)

    assert result.content.startswith("{")


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        pytest.param({"type": "wibble"}, "unrecognized type wibble", id="type"),
        pytest.param({"$ref": "#/$defs/gone"}, "cannot resolve $ref", id="reference"),
        pytest.param({"enum": []}, "enum must be", id="enum"),
        pytest.param({"type": "string", "pattern": "^(a$"}, "unbalanced", id="pattern"),
    ],
)
async def test_a_schema_that_cannot_be_obeyed_is_refused(
    port: LLMPort, schema: dict[str, object], reason: str
) -> None:
    request = ChatRequest(MODEL, ask().messages, output=JSONSchemaFormat("x", schema))

    error = await refusal(port, request)

    assert isinstance(error, InvalidRequestError)
    assert (error.code, error.param) == ("invalid_json_schema", "response_format")
    assert reason in error.message


@pytest.mark.parametrize("top", [0, 2])
async def test_log_probabilities_spell_the_answer(port: LLMPort, top: int) -> None:
    request = ChatRequest(MODEL, ask().messages, ask().sampling, top_logprobs=top)

    result = await answer(port, request)

    spelt = b"".join(token.utf8 or b"" for token in result.logprobs)
    assert spelt.decode() == result.content
    assert {len(token.top) for token in result.logprobs} == {top}
    assert all(token.logprob <= 0 for token in result.logprobs)


async def test_a_stop_text_ends_the_answer_and_is_left_out(port: LLMPort) -> None:
    result = await answer(port, ask(stop=("Paris",)))

    assert result.finish_reason is FinishReason.STOP
    assert "Paris" not in result.content
    assert result.content


async def test_the_token_limit_ends_the_answer(port: LLMPort) -> None:
    result = await answer(port, ask(max_tokens=3))

    assert result.finish_reason is FinishReason.LENGTH
    assert result.usage.completion_tokens == 3


async def test_a_prompt_over_the_context_is_refused_with_both_counts(port: LLMPort) -> None:
    error = await refusal(port, ask("hi " * 1500))

    assert isinstance(error, InvalidRequestError)
    assert (error.code, error.param) == ("context_length_exceeded", "messages")
    assert error.message.startswith("This model's maximum context length is 1024 tokens. ")
    assert "messages resulted in 1510 tokens." in error.message


async def test_a_prompt_far_over_the_context_is_not_even_counted(port: LLMPort) -> None:
    error = await refusal(port, ask("hi " * 5_000_000))

    assert isinstance(error, InvalidRequestError)
    assert error.code == "context_length_exceeded"
    assert "messages resulted in at least 234375 tokens." in error.message


async def test_parameters_reach_the_engine(port: LLMPort) -> None:
    request = ChatRequest(MODEL, ask().messages, engine=EngineOptions({"num_predict": 2}))

    assert (await answer(port, request)).usage.completion_tokens == 2


async def test_an_unknown_model_is_not_found(port: LLMPort) -> None:
    with pytest.raises(NotFoundError) as streaming:
        await port.stream(ChatRequest("llama3", ask().messages))
    with pytest.raises(NotFoundError) as showing:
        await port.show_model("smollm2")

    assert (streaming.value.code, streaming.value.param) == ("model_not_found", "model")
    assert MODEL in streaming.value.message
    assert showing.value.code == "model_not_found"


async def test_the_catalogue_tells_the_true_context(port: LLMPort) -> None:
    [summary] = await port.list_models()
    details = await port.show_model(MODEL)

    assert summary.name == MODEL
    assert summary.created > 0
    assert details.capabilities == frozenset({Capability.COMPLETION, Capability.EMBEDDING})
    assert details.emulate_tools
    assert details.context_length == 1024


async def test_two_answers_are_generated_at_a_time(port: LLMPort) -> None:
    long = await begun(port)

    short = await answer(port, ask(max_tokens=8))

    assert short.content
    assert not isinstance(await step(long), Finished)
    await close(long)


async def test_closing_early_frees_the_engine(port: LLMPort) -> None:
    for _ in range(3):
        await close(await begun(port))

    assert (await answer(port, ask(max_tokens=2))).content


async def test_closing_while_the_prompt_is_read_frees_the_engine(port: LLMPort) -> None:
    for _ in range(3):
        await close(await port.stream(ask("lorem " * 400)))

    assert (await answer(port, ask(max_tokens=2))).content


async def test_a_closed_stream_has_nothing_more(port: LLMPort) -> None:
    stream = await begun(port)

    await close(stream, stream)

    with pytest.raises(StopAsyncIteration):
        await step(stream)


async def test_a_finished_stream_has_nothing_more(port: LLMPort) -> None:
    stream = await port.stream(ask(max_tokens=1))
    await whole(stream)

    with pytest.raises(StopAsyncIteration):
        await step(stream)


async def test_closing_ends_a_reader_that_waits(port: LLMPort) -> None:
    stream = await begun(port)
    reading = asyncio.create_task(drain(stream))
    await answer(port, ask(max_tokens=2))

    await close(stream)

    assert not any(isinstance(event, Finished) for event in await reading)


async def test_a_cancelled_reader_leaves_a_stream_that_can_be_closed(port: LLMPort) -> None:
    stream = await begun(port)
    reading = asyncio.create_task(drain(stream))
    await answer(port, ask(max_tokens=2))

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await close(stream)

    assert (await answer(port, ask(max_tokens=2))).content


async def test_a_request_closed_in_line_does_not_wait_for_room(port: LLMPort) -> None:
    running = [await begun(port), await begun(port)]
    waiting = await port.stream(ask())

    await close(waiting)

    assert not isinstance(await step(running[0]), Finished)
    await close(*running)


async def test_a_request_in_line_is_answered_once_there_is_room(port: LLMPort) -> None:
    running = [await begun(port), await begun(port)]
    waiting = await port.stream(ask(max_tokens=2))

    await close(*running)

    assert (await whole(waiting)).content


async def test_the_engine_answers_a_check_while_all_slots_are_taken(port: LLMPort) -> None:
    running = [await begun(port), await begun(port)]

    await port.check()

    assert not isinstance(await step(running[1]), Finished)
    await close(*running)


def test_a_stream_whose_loop_ended_frees_the_engine(port: LLMPort) -> None:
    for _ in range(3):
        asyncio.run(begun(port))

    assert asyncio.run(answer(port, ask(max_tokens=2))).content


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/v1/models", id="models"),
        pytest.param("GET", "/props", id="props"),
        pytest.param("GET", "/slots", id="slots"),
        pytest.param("POST", "/completion", id="completion"),
        pytest.param("POST", "/v1/chat/completions", id="chat"),
        pytest.param("POST", "/tokenize", id="tokenize"),
    ],
)
@pytest.mark.parametrize("key", ["", "Bearer ", "Bearer guess"], ids=["none", "empty", "wrong"])
async def test_the_engines_own_listener_is_closed(
    llm: LlamaCppLLM, method: str, path: str, key: str
) -> None:
    await llm.start()
    address = (llm.listening_address or "").removeprefix("http://")
    connection = http.client.HTTPConnection(address)

    headers = {"Authorization": key} if key else {}
    connection.request(method, path, b'{"prompt": "x"}', headers)
    status = connection.getresponse().status
    connection.close()

    assert address.startswith("127.0.0.1:")
    assert status == 401
