"""Bare prompts and vectors of the embedded engine, with the bundled model."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.llamacpp import model_file
from adapters.llamacpp.decoder import CompletionDecoder, vectors
from adapters.llamacpp.llm import LlamaCppLLM
from adapters.system import RandomIds
from domain.chat import ChatResult, EngineOptions, FinishReason
from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest, unpack
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    UpstreamProtocolError,
    UpstreamUnavailableError,
)
from domain.models import Capability
from domain.sampling import Sampling
from tests.support.streams import fold, take

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from domain.errors import ServiceError
    from domain.events import ChatEvent

MODEL = "smollm2:135m"
GUARD_S = 60
ASK = CompletionRequest(
    MODEL, "The capital of France is", sampling=Sampling(temperature=0, max_tokens=4)
)
WORDS = (b"<jupyter_text>", b"<jupyter_code>", b"<empty_output>")
MARKS = (b"<|fim_prefix|>", b"<|fim_suffix|>", b"<|fim_middle|>")
EMBED = EmbedRequest(MODEL, ("The sky is blue.", "Grass is green."))


@pytest.fixture(scope="module")
def llm() -> Iterator[LlamaCppLLM]:
    llm = LlamaCppLLM(RandomIds(), threads=1, parallel=2, context_length=512)
    yield llm
    asyncio.run(llm.aclose())


@pytest.fixture(scope="module")
def filler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaCppLLM]:
    """Give the bundled model with words of its vocabulary, as long as those, called marks."""
    model = model_file.locate(None).read_bytes()
    for word, mark in zip(WORDS, MARKS, strict=True):
        model = model.replace(word, mark, 1)
    # Its texts begin with a token of their own, too, as those of many models.
    key = b"tokenizer.ggml.add_bos_token" + (7).to_bytes(4, "little")
    model = model.replace(key + b"\x00", key + b"\x01", 1)
    path = tmp_path_factory.mktemp("model") / "filler.gguf"
    path.write_bytes(model)
    llm = LlamaCppLLM(RandomIds(), path, threads=1, context_length=512)
    yield llm
    asyncio.run(llm.aclose())


async def whole(llm: LlamaCppLLM, request: CompletionRequest) -> ChatResult:
    batches: list[Sequence[ChatEvent]] = []
    async with asyncio.timeout(GUARD_S):
        await take(await llm.complete_prompt(request), batches)
    return fold(batches)


async def refused(llm: LlamaCppLLM, request: CompletionRequest | EmbedRequest) -> ServiceError:
    asking = llm.embed(request) if isinstance(request, EmbedRequest) else whole(llm, request)
    with pytest.raises(InvalidRequestError) as caught:
        await asking
    return caught.value


async def test_a_prompt_is_gone_on_with_past_the_template(llm: LlamaCppLLM) -> None:
    result = await whole(llm, ASK)

    assert result.content.startswith(" Paris")
    assert result.finish_reason is FinishReason.LENGTH
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (5, 4)


@pytest.mark.parametrize(("top", "alternatives"), [(0, 0), (2, 2)])
async def test_log_probabilities_come_for_each_token(
    llm: LlamaCppLLM, top: int, alternatives: int
) -> None:
    result = await whole(llm, replace(ASK, top_logprobs=top))

    assert [len(token.top) for token in result.logprobs] == [alternatives] * 4
    assert "".join(token.token for token in result.logprobs) == result.content


async def test_a_completion_stops_at_a_stop(llm: LlamaCppLLM) -> None:
    sampling = Sampling(temperature=0, max_tokens=16, stop=(".",))

    result = await whole(llm, replace(ASK, sampling=sampling))

    assert (result.content, result.finish_reason) == (" Paris", FinishReason.STOP)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"suffix": "."}, "unsupported_parameter", "suffix"),
        ({"engine": EngineOptions(truncate=True)}, "unsupported_parameter", "truncate"),
        ({"prompt": "a " * 2000}, "context_length_exceeded", "prompt"),
    ],
)
async def test_what_the_engine_cannot_complete_is_refused(
    llm: LlamaCppLLM, change: dict[str, object], code: str, param: str
) -> None:
    error = await refused(llm, replace(ASK, **change))  # type: ignore[arg-type]  # by the call itself

    assert (error.code, error.param) == (code, param)


async def test_a_suffix_is_asked_for_with_the_models_own_marks(filler: LlamaCppLLM) -> None:
    middle = replace(ASK, model="filler", prompt="def f(", suffix="return 1", top_logprobs=0)
    by_hand = "<|fim_prefix|>def f(<|fim_suffix|>return 1<|fim_middle|>"

    details = await filler.show_model("filler")
    result = await whole(filler, middle)
    again = await whole(filler, replace(middle, prompt=by_hand, suffix=None))

    assert details.has(Capability.INSERT)
    assert result.content
    assert (result.content, result.logprobs) == (again.content, again.logprobs)
    assert result.usage.prompt_tokens == again.usage.prompt_tokens == 10


async def test_a_suffix_counts_towards_the_context(filler: LlamaCppLLM) -> None:
    middle = replace(ASK, model="filler", suffix="a " * 20_000)

    error = await refused(filler, middle)

    assert (error.code, error.param) == ("context_length_exceeded", "prompt")


async def test_a_model_without_marks_does_not_insert(llm: LlamaCppLLM) -> None:
    details = await llm.show_model(MODEL)

    assert details.lacks(Capability.INSERT)


async def test_each_text_has_its_vector_in_order(llm: LlamaCppLLM) -> None:
    texts = tuple(f"Text number {number}." for number in range(9))

    async with asyncio.timeout(GUARD_S):
        result = await llm.embed(replace(EMBED, texts=texts))
        alone = await llm.embed(replace(EMBED, texts=texts[8:]))

    assert len(result.vectors) == 9
    assert len(set(result.vectors)) == 9
    assert unpack(result.vectors[8]) == pytest.approx(unpack(alone.vectors[0]), abs=1e-3)
    assert math.hypot(*unpack(result.vectors[0])) == pytest.approx(1, abs=1e-3)
    assert result.prompt_tokens > 9


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"texts": ("a", "b " * 2000)}, "context_length_exceeded", "input"),
        ({"engine": EngineOptions(truncate=True)}, "unsupported_parameter", "truncate"),
    ],
)
async def test_what_the_engine_cannot_embed_is_refused(
    llm: LlamaCppLLM, change: dict[str, object], code: str, param: str
) -> None:
    error = await refused(llm, replace(EMBED, **change))  # type: ignore[arg-type]  # by the call itself

    assert (error.code, error.param) == (code, param)


async def test_other_models_are_not_there(llm: LlamaCppLLM) -> None:
    for call in (
        llm.complete_prompt(replace(ASK, model="other")),
        llm.embed(replace(EMBED, model="other")),
        llm.delete_model("other"),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_the_model_cannot_be_deleted(llm: LlamaCppLLM) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await llm.delete_model(MODEL)

    assert caught.value.code == "model_not_deletable"


async def test_a_closed_engine_makes_no_vectors() -> None:
    llm = LlamaCppLLM(RandomIds(), context_length=256)
    await llm.aclose()

    with pytest.raises(UpstreamUnavailableError):
        await llm.embed(EMBED)


def test_a_file_tells_whether_its_model_makes_vectors(tmp_path: Path) -> None:
    path = tmp_path / "bert.gguf"
    path.write_bytes(b"GGUF....bert.pooling_type....")

    assert model_file.pools(path)
    assert not model_file.pools(model_file.locate(None))


@pytest.mark.parametrize("data", [b"", b"{", b'{"data":[{"index":0,"embedding":[1]}]}'])
def test_what_is_no_answer_has_no_vectors(data: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        vectors(data)


@pytest.mark.parametrize("data", [b"", b"{", b'{"choices":[{"text":1}]}'])
def test_what_is_no_chunk_is_no_text(data: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        CompletionDecoder().feed([data])
