"""A model server whose answers are written down as they come."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from adapters.scripted import digest, tape
from domain.errors import ServiceError
from domain.events import Finished

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from pathlib import Path

    from application.ports.llm import ChatStream, LLMPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.events import ChatEvent
    from domain.models import ModelDetails, ModelSummary


class RecordingLLM:
    """Passes everything on, and adds what comes back to a file.

    Answers that were left before their end are not kept. Whoever records waits for the disk.

    Args:
        llm: what answers.
        path: the file; lines are added at its end.
    """

    def __init__(self, llm: LLMPort, path: Path) -> None:
        self._llm = llm
        self._path = path

    async def stream(self, request: ChatRequest) -> ChatStream:
        return await self._recorded(request, self._llm.stream(request))

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        return await self._recorded(request, self._llm.complete_prompt(request))

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        normal = digest.normal(request)
        line = tape.Vectors(digest.of(normal), normal)
        try:
            result = await self._llm.embed(request)
        except ServiceError as error:
            line.failure = tape.failure(error)
            self.keep(line)
            raise
        line.vectors, line.prompt_tokens = result.vectors, result.prompt_tokens
        self.keep(line)
        return result

    async def list_models(self) -> Sequence[ModelSummary]:
        models = await self._llm.list_models()
        self.keep(tape.Listed(list(models)))
        return models

    async def show_model(self, name: str) -> ModelDetails:
        details = await self._llm.show_model(name)
        self.keep(tape.Model(details))
        return details

    async def delete_model(self, name: str) -> None:
        await self._llm.delete_model(name)

    async def check(self) -> None:
        await self._llm.check()

    async def aclose(self) -> None:
        await self._llm.aclose()

    def keep(self, line: tape.Line) -> None:
        """Add a line to the file."""
        with open(self._path, "ab", opener=_private) as file:
            file.write(tape.encode(line) + b"\n")

    async def _recorded(
        self, request: ChatRequest | CompletionRequest, opening: Awaitable[ChatStream]
    ) -> ChatStream:
        normal = digest.normal(request)
        line = tape.Answer(digest.of(normal), normal)
        try:
            stream = await opening
        except ServiceError as error:
            line.failure = tape.failure(error)
            self.keep(line)
            raise
        return RecordingChatStream(stream, line, self)


class RecordingChatStream:
    """An answer that is kept once it has ended."""

    def __init__(self, stream: ChatStream, line: tape.Answer, tape_of: RecordingLLM) -> None:
        self._stream = stream
        self._line = line
        self._tape = tape_of

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        try:
            batch = await anext(self._stream)
        except ServiceError as error:
            self._line.failure = tape.failure(error)
            self._tape.keep(self._line)
            raise
        self._line.batches.append(tape.packed(batch))
        if isinstance(batch[-1], Finished):
            self._tape.keep(self._line)
        return batch

    async def aclose(self) -> None:
        await self._stream.aclose()


def _private(path: str, flags: int) -> int:
    """Open a file that nobody else may read, where it is made: prompts are in it."""
    return os.open(path, flags, 0o600)
