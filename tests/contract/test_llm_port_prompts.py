"""Bare prompts, vectors and deleting: what every implementation of ``LLMPort`` keeps to."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest, EmbedResult, unpack
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    ServiceError,
    UpstreamUnavailableError,
)
from domain.events import Finished, TextDelta
from domain.sampling import Sampling
from tests.support.streams import LIMIT_S, flat, fold, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.llm import LLMPort
    from domain.events import ChatEvent
    from tests.contract.conftest import Scenario, Scripted

PROMPT = "The capital of France is"


def ask(driver: Scenario) -> CompletionRequest:
    return CompletionRequest(driver.model, PROMPT, sampling=Sampling(max_tokens=8))


async def text(llm: LLMPort, request: CompletionRequest) -> list[Sequence[ChatEvent]]:
    batches: list[Sequence[ChatEvent]] = []
    async with asyncio.timeout(LIMIT_S):
        await take(await llm.complete_prompt(request), batches)
    return batches


async def refusal(llm: LLMPort, request: CompletionRequest | EmbedRequest) -> ServiceError:
    asking = llm.embed(request) if isinstance(request, EmbedRequest) else text(llm, request)
    with pytest.raises(ServiceError) as caught:
        await asking
    return caught.value


async def test_a_prompt_is_gone_on_with(scenario: Scenario) -> None:
    batches = await text(scenario.llm, ask(scenario))

    events = flat(batches)
    assert all(batches)
    assert all(isinstance(event, TextDelta) for event in events[:-1])
    assert isinstance(events[-1], Finished)
    assert fold(batches).content
    assert fold(batches).usage.prompt_tokens > 0


async def test_a_completion_that_is_left_frees_the_server(scenario: Scenario) -> None:
    stream = await scenario.llm.complete_prompt(ask(scenario))
    async with asyncio.timeout(LIMIT_S):
        await anext(stream)
        await stream.aclose()
        await stream.aclose()

        await scenario.freed()


async def test_an_unknown_model_completes_nothing(scenario: Scenario) -> None:
    error = await refusal(scenario.llm, replace(ask(scenario), model="no-such-model"))

    assert isinstance(error, NotFoundError)
    assert error.code == "model_not_found"


async def test_each_text_has_a_vector_of_length_1(scenario: Scenario) -> None:
    texts = ("Hello", "Wörld", "Hello")

    result = await scenario.llm.embed(EmbedRequest(scenario.embedder, texts))

    assert len(result.vectors) == 3
    assert result.vectors[0] == result.vectors[2]
    assert result.prompt_tokens > 0
    for vector in result.vectors:
        assert math.hypot(*unpack(vector)) == pytest.approx(1, abs=1e-3)


async def test_an_unknown_model_makes_no_vectors(scenario: Scenario) -> None:
    error = await refusal(scenario.llm, EmbedRequest("no-such-model", ("a",)))

    assert isinstance(error, NotFoundError)
    assert error.code == "model_not_found"


async def test_a_model_for_text_makes_no_vectors(scripted: Scripted) -> None:
    error = await refusal(scripted.llm, EmbedRequest("viewer", ("a",)))

    assert isinstance(error, InvalidRequestError)
    assert (error.code, error.param) == ("unsupported_model", "model")


async def test_an_unknown_model_is_not_deleted(scenario: Scenario) -> None:
    with pytest.raises(NotFoundError):
        await scenario.llm.delete_model("no-such-model")


async def test_a_model_can_be_deleted(scripted: Scripted) -> None:
    await scripted.llm.delete_model("viewer")


async def test_a_server_that_is_gone_does_nothing(scripted: Scripted) -> None:
    await scripted.down()

    for request in (ask(scripted), EmbedRequest(scripted.embedder, ("a",))):
        assert isinstance(await refusal(scripted.llm, request), UpstreamUnavailableError)
    with pytest.raises(UpstreamUnavailableError):
        await scripted.llm.delete_model(scripted.model)


async def test_texts_without_end_are_one_request(scripted: Scripted) -> None:
    texts = tuple(str(number) for number in range(300))

    result = await scripted.llm.embed(EmbedRequest(scripted.embedder, texts))

    assert isinstance(result, EmbedResult)
    assert len(result.vectors) == 300
