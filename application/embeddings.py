"""Vectors of texts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from application.choices import all_of
from domain.embeddings import EmbedResult, cut
from domain.errors import InvalidRequestError, UpstreamProtocolError, UpstreamTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.llm import LLMPort
    from application.streaming import Limits
    from domain.embeddings import EmbedRequest

# A server works through the texts of a request one by one. Asked in batches, two at a time, it
# is never idle while an answer is read, a client that leaves ends the work soon, and all answers
# but the last are read while it works.
_BATCH = 128
_AT_A_TIME = 2


class EmbeddingsService:
    """Turns texts to vectors."""

    def __init__(self, llm: LLMPort, limits: Limits) -> None:
        self._llm = llm
        self._limits = limits

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        """Return a vector of each text, of just as many components as asked.

        Raises:
            InvalidRequestError: the model makes no vectors, or none of so many components; or a
                text is longer than its context.
            NotFoundError: no such model.
            UpstreamError: the model server failed.
        """
        try:
            async with asyncio.timeout(self._limits.total_s):
                results = await self._batches(request)
        except TimeoutError as error:
            message = "The vectors took longer than the longest time allowed."
            raise UpstreamTimeoutError(message, code="total_timeout") from error
        has = _components(results, request)
        result = EmbedResult(
            tuple(vector for result in results for vector in result.vectors),
            sum(result.prompt_tokens for result in results),
        )
        if request.dimensions is None or request.dimensions == has:
            return result
        shortened = tuple(cut(vector, request.dimensions) for vector in result.vectors)
        return replace(result, vectors=shortened)

    async def _batches(self, request: EmbedRequest) -> Sequence[EmbedResult]:
        texts = request.texts
        if len(texts) <= _BATCH:
            return [await self._llm.embed(request)]
        room = asyncio.Semaphore(_AT_A_TIME)

        async def batch(start: int) -> EmbedResult:
            async with room:
                part = replace(request, texts=texts[start : start + _BATCH])
                return await self._llm.embed(part)

        return await all_of(batch(start) for start in range(0, len(texts), _BATCH))


def _components(results: Sequence[EmbedResult], request: EmbedRequest) -> int:
    """Return how many components the vectors have, of which there is one of each text."""
    components = {result.components for result in results}
    count = sum(len(result.vectors) for result in results)
    if count != len(request.texts) or len(components) != 1:
        message = "The model server did not send one vector of each input."
        raise UpstreamProtocolError(message, code="upstream_garbage")
    has = components.pop()
    if request.dimensions is not None and request.dimensions > has:
        message = (
            f"Invalid 'dimensions': the model '{request.model}' has vectors of {has} components."
        )
        raise InvalidRequestError(message, code="integer_above_max_value", param="dimensions")
    return has
