"""The service that goes on with prompts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from application.completions import CompletionsService
from application.generation import Generation
from application.streaming import Limits
from application.timed import TimedLLM
from domain.chat import ChatRequest, ChatResult, EngineOptions, FinishReason, TokenLogprob, Usage
from domain.completion import NEW_DOCUMENT, Choices, CompletionRequest
from domain.errors import InvalidRequestError, UpstreamError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, TextRun
from domain.infill import question
from domain.models import Capability
from domain.sampling import ReasoningEffort, Sampling
from tests.support.fake_llm import FakeLLM, details
from tests.support.fake_system import CountingIds, FixedClock

if TYPE_CHECKING:
    from collections.abc import Sequence

ASK = CompletionRequest("llama3", "Once", sampling=Sampling(max_tokens=16))
MIDDLE = replace(ASK, suffix="end")


def service(llm: FakeLLM) -> CompletionsService:
    return CompletionsService(TimedLLM(llm, Limits()), CountingIds(), FixedClock())


def said(text: str, logprob: float = -1.0, usage: Usage = Usage(3, 1)) -> list[ChatEvent]:  # noqa: B008 - frozen
    token = TokenLogprob(text, logprob, text.encode())
    return [TextDelta(text, (token,)), Finished(FinishReason.STOP, usage)]


def texts(results: Sequence[ChatResult]) -> list[str]:
    return [result.content for result in results]


async def streamed(
    llm: FakeLLM, requests: list[CompletionRequest], choices: Choices
) -> list[tuple[int, ChatEvent]]:
    _, stream = await service(llm).stream(requests, choices)
    events = [(index, event) async for index, batch in stream for event in batch]
    await stream.aclose()
    return events


async def test_one_prompt_has_one_completion(llm: FakeLLM) -> None:
    generation, made = await service(llm).complete([ASK], Choices())

    assert generation == Generation("cmpl-1", 1_700_000_000, "llama3")
    assert texts(made.results) == ["Hello"]
    assert made.usage == Usage(7, 2)
    assert llm.prompts == [ASK]


async def test_several_prompts_have_several_each_in_order_and_count_each_prompt_once(
    llm: FakeLLM,
) -> None:
    for text in "abcd":
        llm.play(said(text, usage=Usage(3, 1, 2)))
    seeded = replace(ASK, sampling=Sampling(max_tokens=16, seed=5))

    _, made = await service(llm).complete([seeded, replace(seeded, prompt="Twice")], Choices(2, 2))

    assert texts(made.results) == ["a", "b", "c", "d"]
    assert made.usage == Usage(6, 4, 4)
    assert [(r.prompt, r.sampling.seed) for r in llm.prompts] == [
        ("Once", 5),
        ("Once", 6),
        ("Twice", 5),
        ("Twice", 6),
    ]


async def test_the_likeliest_are_kept_and_all_are_counted(llm: FakeLLM) -> None:
    for text, logprob in (("bad", -3.0), ("best", -0.5), ("good", -1.0)):
        llm.play(said(text, logprob))

    _, made = await service(llm).complete([ASK], Choices(2, 3))

    assert texts(made.results) == ["best", "good"]
    assert made.usage == Usage(3, 3)
    assert [request.top_logprobs for request in llm.prompts] == [0, 0, 0]


async def test_a_completion_of_nothing_is_the_least_likely(llm: FakeLLM) -> None:
    llm.play([Finished(FinishReason.STOP, Usage(3, 0))])
    llm.play(said("bad", -9.0))

    _, made = await service(llm).complete([replace(ASK, top_logprobs=2)], Choices(1, 2))

    assert texts(made.results) == ["bad"]
    assert llm.prompts[0].top_logprobs == 2


async def test_an_echo_comes_first(llm: FakeLLM) -> None:
    _, made = await service(llm).complete([ASK], Choices(echo=True))
    events = await streamed(llm, [ASK], Choices(echo=True))

    assert texts(made.results) == ["OnceHello"]
    assert [event for _, event in events][:2] == [TextDelta("Once"), TextDelta("Hel")]


async def test_no_prompt_begins_a_new_document_and_echoes_nothing(llm: FakeLLM) -> None:
    _, made = await service(llm).complete([replace(ASK, prompt="")], Choices(echo=True))

    assert llm.prompts[0].prompt == NEW_DOCUMENT
    assert texts(made.results) == ["Hello"]


async def test_a_limit_of_nothing_only_reads_the_prompt(llm: FakeLLM) -> None:
    silent = replace(ASK, sampling=Sampling(max_tokens=0))

    _, made = await service(llm).complete([silent], Choices(echo=True))

    _, bare = await service(llm).complete([silent], Choices())

    assert made.results == (ChatResult("Once", FinishReason.LENGTH, Usage(7, 0)),)
    assert bare.results == (ChatResult("", FinishReason.LENGTH, Usage(7, 0)),)
    assert llm.prompts[0].sampling.max_tokens == 1


async def test_a_suffix_goes_to_a_model_that_can_place_it(llm: FakeLLM) -> None:
    llm.models["filler"] = details("filler", Capability.INSERT)

    await service(llm).complete([replace(MIDDLE, model="filler", prompt="")], Choices())

    assert (llm.prompts[0].suffix, llm.prompts[0].prompt) == ("end", "\n")
    assert llm.requests == []


@pytest.mark.parametrize("model", ["llama3", "unknowable"])
async def test_other_models_are_asked_for_it_in_words(llm: FakeLLM, model: str) -> None:
    sampling = Sampling(0.5, 0.9, 0.1, 0.2, 7, 9, ("a", "b"))
    engine = EngineOptions({"num_ctx": 512}, "5m", truncate=True)
    asked = replace(MIDDLE, model=model, sampling=sampling, top_logprobs=2, engine=engine)

    _, made = await service(llm).complete([asked], Choices(echo=True))

    assert texts(made.results) == ["OnceHello"]
    assert made.usage == Usage(7, 2)
    assert llm.prompts == []
    assert llm.requests == [
        ChatRequest(
            model, question("Once", "end"), sampling=sampling, top_logprobs=2, engine=engine
        )
    ]


async def test_completions_in_words_are_drawn_like_others(llm: FakeLLM) -> None:
    for text, logprob in (("bad", -3.0), ("best", -0.5), ("good", -1.0)):
        llm.play(said(text, logprob))
    seeded = replace(MIDDLE, sampling=Sampling(max_tokens=0, seed=5))

    _, made = await service(llm).complete([MIDDLE], Choices(2, 3))
    _, muted = await service(llm).complete([seeded], Choices(2, 2))

    assert texts(made.results) == ["best", "good"]
    assert [request.top_logprobs for request in llm.requests[:3]] == [0, 0, 0]
    assert texts(muted.results) == ["", ""]
    assert [(r.sampling.seed, r.sampling.max_tokens) for r in llm.requests[3:]] == [(5, 1), (6, 1)]


async def test_a_model_that_thinks_fills_in_without(llm: FakeLLM) -> None:
    llm.play(
        [ReasoningDelta("Hm"), TextRun(["```py", "\na"])],
        [TextDelta("\n```")],
        [Finished(FinishReason.STOP, Usage(3, 1))],
    )

    events = await streamed(llm, [replace(MIDDLE, model="thinker")], Choices())

    assert [event for _, event in events] == [
        TextDelta("a"),
        Finished(FinishReason.STOP, Usage(3, 1)),
    ]
    assert llm.requests[0].reasoning is ReasoningEffort.NONE


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"top_logprobs": 0}, id="log probabilities"),
        pytest.param({"suffix": "```\n"}, id="fences around the hole"),
    ],
)
async def test_fences_stay_where_they_may_be_wanted(
    llm: FakeLLM, change: dict[str, object]
) -> None:
    llm.play(said("```\na\n```"))

    _, made = await service(llm).complete([replace(MIDDLE, **change)], Choices())  # type: ignore[arg-type]  # by the call itself

    assert texts(made.results) == ["```\na\n```"]


async def test_what_is_held_back_comes_with_the_end(llm: FakeLLM) -> None:
    llm.play([TextDelta("``")], [Finished(FinishReason.LENGTH, Usage(3, 1))])

    _, made = await service(llm).complete([MIDDLE], Choices())

    assert texts(made.results) == ["``"]


async def test_a_model_that_writes_nothing_fills_nothing(llm: FakeLLM) -> None:
    for ask in (service(llm).complete, service(llm).stream):
        with pytest.raises(InvalidRequestError) as caught:
            await ask([replace(MIDDLE, model="embedder")], Choices())
        assert caught.value.param == "suffix"
    assert llm.streams == []


@pytest.mark.parametrize(
    ("param", "message", "told", "meant"),
    [
        ("messages", "No room for the messages.", "prompt", "No room for the prompt."),
        ("options.x", "No such thing in messages.", "options.x", "No such thing in messages."),
    ],
)
async def test_a_refusal_names_the_clients_own_field(
    llm: FakeLLM, param: str, message: str, told: str, meant: str
) -> None:
    llm.play(InvalidRequestError(message, code="no", param=param))

    with pytest.raises(InvalidRequestError) as caught:
        await service(llm).complete([MIDDLE], Choices())

    assert (caught.value.message, caught.value.code, caught.value.param) == (meant, "no", told)


async def test_streams_of_all_prompts_are_numbered(llm: FakeLLM) -> None:
    for text in "abcd":
        llm.play(said(text))

    events = await streamed(llm, [ASK, replace(ASK, prompt="Twice")], Choices(2, 2))

    found = {index: event.text for index, event in events if isinstance(event, TextDelta)}
    assert found == {0: "a", 1: "b", 2: "c", 3: "d"}


async def test_a_failure_ends_all(llm: FakeLLM) -> None:
    llm.play(said("a"))
    llm.play([TextDelta("b")], UpstreamError("no"))

    with pytest.raises(UpstreamError):
        await service(llm).complete([ASK], Choices(2, 2))

    for stream in llm.streams:
        assert stream.closed.is_set()
