"""Engines that speak OpenAI's API: their lists and vectors, and real ones."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from typing import TYPE_CHECKING

import pytest

from adapters.llamacpp import binding, model_file
from adapters.openai_upstream.llm import OpenAILLM
from adapters.system import RandomIds
from adapters.transport.upstream import Upstream
from domain.chat import ChatRequest, FinishReason
from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest, unpack
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    UpstreamError,
    UpstreamProtocolError,
)
from domain.messages import Message, Role
from domain.models import Capability
from domain.sampling import JSONSchemaFormat, Sampling
from tests.support.fake_engine import CHAT, COMPLETIONS, EMBEDDINGS, MODELS
from tests.support.fake_engine_answers import failed
from tests.support.fake_ollama_answers import answered
from tests.support.streams import answer, fold, outcome, take

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from domain.events import ChatEvent
    from tests.contract.conftest import EngineScenario

HELLO = (Message(Role.USER, "Say hello."),)
KEY = "the-engines-own-key"
SHORT = Sampling(temperature=0.0, max_tokens=4)


async def test_a_name_is_sent_in_the_engines_spelling(engined: EngineScenario) -> None:
    engined.server.script(MODELS, answered({"data": [{"id": "Org/Model"}, {"id": "x:latest"}]}))
    for name in ("org/model", "x"):
        await outcome(engined.llm, ChatRequest(name, HELLO))

    asked = [request.json["model"] for request in engined.server.asked(CHAT)]
    assert asked == ["Org/Model", "x:latest"]
    assert len(engined.server.asked(MODELS)) == 1


async def test_a_new_model_is_found_and_an_unknown_one_never_asked_for(
    engined: EngineScenario,
) -> None:
    engined.server.script(MODELS, answered({"data": []}), answered({"data": [{"id": "new"}]}))
    missing = await outcome(engined.llm, ChatRequest("new", HELLO))
    asked_before = len(engined.server.asked(CHAT))
    await outcome(engined.llm, ChatRequest("new", HELLO))

    assert isinstance(missing, NotFoundError)
    assert (asked_before, len(engined.server.asked(CHAT))) == (0, 1)


async def test_what_engines_tell_of_a_model_is_told(engined: EngineScenario) -> None:
    told = [
        {"id": "vllm", "created": 3, "max_model_len": 4096},
        {"id": "llamacpp", "created": 2.5, "meta": {"n_ctx_train": 8192, "n_embd": 576}},
        {"id": "ours", "context_length": 512, "capabilities": ["completion", "flight"]},
    ]
    engined.server.always(MODELS, answered({"data": told}))

    names = [(model.name, model.created) for model in await engined.llm.list_models()]
    lengths = [(await engined.llm.show_model(str(one["id"]))).context_length for one in told]
    ours = await engined.llm.show_model("ours")

    assert names == [("vllm", 3), ("llamacpp", 2), ("ours", 0)]
    assert lengths == [4096, 8192, 512]
    assert ours.capabilities == frozenset({Capability.COMPLETION})


async def test_a_suffix_is_not_sent_where_it_may_be_passed_over(engined: EngineScenario) -> None:
    asked = CompletionRequest("smollm2:135m", "Once", suffix="end", sampling=SHORT)

    with pytest.raises(InvalidRequestError) as caught:
        await engined.llm.complete_prompt(asked)

    assert caught.value.param == "suffix"
    assert engined.server.asked(COMPLETIONS) == []


@pytest.mark.parametrize("body", [b"<html>", b'{"data": [{}]}', b'{"data": "\xff"}'])
async def test_a_list_that_is_none_is_a_failure(engined: EngineScenario, body: bytes) -> None:
    reply = answered(None)
    engined.server.script(MODELS, type(reply)((body,), framing=reply.framing))

    with pytest.raises(UpstreamProtocolError):
        await engined.llm.list_models()


async def test_an_engine_that_cannot_delete_says_so(engined: EngineScenario) -> None:
    engined.server.script(f"{MODELS}/viewer", failed(405, "Method Not Allowed"))

    with pytest.raises(InvalidRequestError):
        await engined.llm.delete_model("viewer")


async def test_a_refusal_of_any_kind_has_its_meaning(engined: EngineScenario) -> None:
    engined.server.script(f"{MODELS}/viewer", failed(500, "no"))
    engined.server.script(COMPLETIONS, failed(429, "no"))

    with pytest.raises(UpstreamError):
        await engined.llm.delete_model("viewer")
    with pytest.raises(OverloadedError):
        await engined.llm.complete_prompt(CompletionRequest("viewer", "One"))


async def test_vectors_come_in_either_form_and_leave_with_length_1(
    engined: EngineScenario,
) -> None:
    packed = base64.b64encode(struct.pack("<2f", 0, 2)).decode()
    data = [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": packed}]
    engined.server.script(EMBEDDINGS, answered({"data": data}))

    result = await engined.llm.embed(EmbedRequest("embedder", ("a", "b")))

    assert [unpack(vector) for vector in result.vectors] == [
        (0, 1),
        pytest.approx((0.6, 0.8)),
    ]
    assert result.prompt_tokens == 0


# Four bytes in base64, the last but one: no number.
@pytest.mark.parametrize("vector", ["AAAAA===", "AAA=", [1e300], "AADAfw==", "?"])
async def test_vectors_that_are_none_are_a_failure(engined: EngineScenario, vector: object) -> None:
    engined.server.script(EMBEDDINGS, answered({"data": [{"embedding": vector}]}))

    with pytest.raises(UpstreamProtocolError):
        await engined.llm.embed(EmbedRequest("embedder", ("a",)))


async def test_large_answers_are_read_beside_the_loop(engined: EngineScenario) -> None:
    texts = tuple(map(str, range(600)))
    packed = base64.b64encode(struct.pack("<256f", 1, *[0] * 255)).decode()
    data = [{"index": place, "embedding": packed} for place, _ in enumerate(texts)]
    engined.server.script(EMBEDDINGS, answered({"data": data}))

    assert len((await engined.llm.embed(EmbedRequest("embedder", texts))).vectors) == 600


async def test_a_key_is_the_engines_own_and_connections_are_not_shared(
    engined: EngineScenario,
) -> None:
    upstream = Upstream(engined.server.url, key=KEY, reuse=False)
    llm = OpenAILLM(upstream, RandomIds())
    await answer(llm, ChatRequest("smollm2:135m", HELLO))

    for request in engined.server.requests:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["connection"] == "close"


async def test_an_engine_that_is_not_ready_fails_the_check(engined: EngineScenario) -> None:
    engined.server.script(MODELS, failed(503, "Loading model"))

    with pytest.raises(UpstreamError) as caught:
        await engined.llm.check()
    assert caught.value.code == "upstream_unavailable"


@pytest.fixture(scope="module")
def llamacpp() -> Iterator[str]:
    """Give llama.cpp's own server, as the embedded engine brings it, on its own port."""
    path = model_file.locate(None)
    server = binding.load(path, "smollm2:135m", KEY, threads=1, slots=2, context=512)
    yield server.listening_address
    del server


@pytest.fixture
async def real(llamacpp: str) -> AsyncIterator[OpenAILLM]:
    llm = OpenAILLM(Upstream(llamacpp, key=KEY, reuse=False), RandomIds())
    yield llm
    await llm.aclose()


async def test_a_real_engine_answers_the_same_twice(real: OpenAILLM) -> None:
    asked = ChatRequest("smollm2:135m", HELLO, SHORT, top_logprobs=1)

    await real.check()
    first, second = [fold(await answer(real, asked)) for _ in range(2)]

    assert first.content == second.content
    assert first.finish_reason is FinishReason.LENGTH
    assert (first.usage.completion_tokens, len(first.logprobs)) == (4, 4)
    assert second.usage.cached_tokens > 0


async def test_a_real_engine_keeps_to_a_schema(real: OpenAILLM) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    output = JSONSchemaFormat("x", {**schema, "additionalProperties": False})
    asked = ChatRequest("smollm2:135m", HELLO, Sampling(0.0, max_tokens=60), output)

    got = fold(await answer(real, asked))

    assert isinstance(json.loads(got.content)["ok"], bool)


async def test_a_real_engine_goes_on_with_a_prompt(real: OpenAILLM) -> None:
    batches: list[Sequence[ChatEvent]] = []
    asked = CompletionRequest("smollm2:135m", "One, two,", sampling=SHORT, top_logprobs=1)
    await take(await real.complete_prompt(asked), batches)

    assert fold(batches).content
    assert len(fold(batches).logprobs) == 4


async def test_a_real_engine_refuses_what_is_too_long(real: OpenAILLM) -> None:
    asked = ChatRequest("smollm2:135m", (Message(Role.USER, "word " * 1000),), SHORT)

    error = await outcome(real, asked)

    assert isinstance(error, InvalidRequestError)
    assert error.code == "context_length_exceeded"


async def test_a_real_engine_is_free_again_when_left(real: OpenAILLM) -> None:
    endless = ChatRequest("smollm2:135m", HELLO, Sampling(0.0, max_tokens=400))
    async with asyncio.timeout(30):
        # Both places are taken twice over: the second pair waits for those that left.
        for _ in range(2):
            streams = [await real.stream(endless) for _ in range(2)]
            for stream in streams:
                await anext(stream)
            for stream in streams:
                await stream.aclose()

        assert fold(await answer(real, ChatRequest("smollm2:135m", HELLO, SHORT))).content


async def test_a_real_engine_refuses_a_wrong_key(llamacpp: str) -> None:
    llm = OpenAILLM(Upstream(llamacpp, key="wrong", reuse=False), RandomIds())

    error = await outcome(llm, ChatRequest("smollm2:135m", HELLO))

    assert isinstance(error, UpstreamError)
    assert "UPSTREAM_API_KEY" in error.message
