"""Vectors, and the service that gathers them."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest

from application.embeddings import EmbeddingsService
from application.streaming import Limits
from domain.chat import EngineOptions
from domain.embeddings import EmbedRequest, EmbedResult, cut, pack, unpack
from domain.errors import InvalidRequestError, UpstreamProtocolError, UpstreamTimeoutError
from tests.support.fake_llm import FakeLLM, vector

ASK = EmbedRequest("embedder", ("Hello", "Wörld"), engine=EngineOptions(keep_alive=5))


class Broken(FakeLLM):
    """A server that forgets a vector."""

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        whole = await super().embed(request)
        return replace(whole, vectors=whole.vectors[1:])


class Silent(FakeLLM):
    """A server that never answers."""

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        await asyncio.Event().wait()
        return await super().embed(request)


def test_a_vector_is_floats_of_32_bits_little_endian() -> None:
    assert pack([1.0, -2.0]) == bytes.fromhex("0000803f 000000c0")
    assert unpack(pack([0.1])) == (0.10000000149011612,)


def test_a_cut_vector_has_length_1() -> None:
    short = unpack(cut(pack([3.0, 4.0, 12.0]), 2))

    assert short == pytest.approx((0.6, 0.8))
    assert math.hypot(*short) == pytest.approx(1)


def test_a_vector_of_nothing_stays_nothing() -> None:
    assert unpack(cut(pack([0.0, 0.0, 1.0]), 2)) == (0.0, 0.0)


async def test_one_batch_goes_through_as_it_is() -> None:
    llm = FakeLLM()

    result = await EmbeddingsService(llm, Limits()).embed(ASK)

    assert result == EmbedResult((vector("Hello"), vector("Wörld")), 2)
    assert llm.embedded == [ASK]


async def test_many_texts_go_in_batches_and_come_back_in_order() -> None:
    llm = FakeLLM()
    texts = tuple(f"text {number}" for number in range(2048))

    result = await EmbeddingsService(llm, Limits()).embed(replace(ASK, texts=texts))

    assert result == EmbedResult(tuple(map(vector, texts)), 2 * 2048)
    assert [len(request.texts) for request in llm.embedded] == [128] * 16
    assert all(request.engine == ASK.engine for request in llm.embedded)


async def test_vectors_are_cut_where_the_server_left_them_whole() -> None:
    result = await EmbeddingsService(FakeLLM(), Limits()).embed(replace(ASK, dimensions=2))

    assert result.vectors == (cut(vector("Hello"), 2), cut(vector("Wörld"), 2))


async def test_more_dimensions_than_there_are_is_refused() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await EmbeddingsService(FakeLLM(), Limits()).embed(replace(ASK, dimensions=5))

    assert caught.value.param == "dimensions"


async def test_as_many_dimensions_as_there_are_is_no_change() -> None:
    result = await EmbeddingsService(FakeLLM(), Limits()).embed(replace(ASK, dimensions=4))

    assert result.vectors == (vector("Hello"), vector("Wörld"))


async def test_a_missing_vector_is_a_failure() -> None:
    with pytest.raises(UpstreamProtocolError):
        await EmbeddingsService(Broken(), Limits()).embed(ASK)


async def test_a_silent_server_is_too_slow() -> None:
    with pytest.raises(UpstreamTimeoutError) as caught:
        await EmbeddingsService(Silent(), Limits(total_s=0.001)).embed(ASK)

    assert caught.value.code == "total_timeout"
