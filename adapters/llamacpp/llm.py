"""The embedded engine behind LLMPort."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from adapters.llamacpp import errors, model_file, preset, requests
from adapters.llamacpp.decoder import ChatDecoder, CompletionDecoder, vectors
from adapters.llamacpp.engine import EmbeddingEngine, Engine
from adapters.llamacpp.worker import Worker
from domain.embeddings import EmbedResult
from domain.models import Capability, ModelDetails, ModelSummary, canonical

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from application.ports.system import IdPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest
    from domain.events import ChatEvent

_TEXTS_A_STEP = 8

# In characters; no vocabulary has many tokens as long as this, and no text consists of them.
_LONGEST_TOKEN = 64


class LlamaCppLLM:
    """One GGUF model, run by llama.cpp in this process; loaded when it is first needed.

    Args:
        ids: a source of chance for the engine's own key.
        model_path: a GGUF file, named by its stem in lower case; None for the bundled model.
        threads: threads that compute; about half the cores.
        parallel: answers generated at a time; further requests wait in line.
        context_length: tokens of one answer together with its prompt.
    """

    def __init__(
        self,
        ids: IdPort,
        model_path: Path | None = None,
        *,
        threads: int = 1,
        parallel: int = 1,
        context_length: int = 4096,
    ) -> None:
        self._path = model_path
        self._engine = Engine(
            ids, model_path, threads=threads, slots=parallel, context_length=context_length
        )
        # Vectors need an engine set up for them; it is loaded by the first who wants one.
        self._embedder = EmbeddingEngine(
            ids, model_path, threads=threads, slots=1, context_length=context_length
        )
        self._executor = ThreadPoolExecutor(parallel, thread_name_prefix="llamacpp")

    @property
    def listening_address(self) -> str | None:
        """Where llama.cpp's own HTTP server listens, behind its key; None while not loaded."""
        return self._engine.listening_address

    async def start(self) -> None:
        """Load the model if it is not loaded; everything else here does so by itself.

        Raises:
            UpstreamUnavailableError: the model cannot be loaded, or the engine is stopping.
        """
        # On a thread of its own: those of the executor may all be generating.
        if not self._engine.loaded:
            await asyncio.to_thread(self._engine.load)

    async def stream(self, request: ChatRequest) -> LlamaCppChatStream:
        self._demand(request.model)
        wanted = preset.apply(request) if self._path is None else request
        body = requests.encode(wanted)
        await self.start()
        self._fits(sum(len(message.text) for message in wanted.messages), "messages")
        worker = Worker(self._engine, body, self._executor)
        return LlamaCppChatStream(worker, ChatDecoder(request.top_logprobs))

    async def complete_prompt(self, request: CompletionRequest) -> LlamaCppChatStream:
        self._demand(request.model)
        await self.start()
        body = requests.completion(request, self._engine.marks)
        self._fits(len(request.prompt) + len(request.suffix or ""), "prompt")
        worker = Worker(self._engine, body, self._executor, bare=True)
        return LlamaCppChatStream(worker, CompletionDecoder(request.top_logprobs))

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        self._demand(request.model)
        loop = asyncio.get_running_loop()
        results: list[EmbedResult] = []
        # A step cannot be stopped, so they are small.
        for start in range(0, len(request.texts), _TEXTS_A_STEP):
            texts = request.texts[start : start + _TEXTS_A_STEP]
            body = requests.embedding(request, texts)
            if not self._embedder.loaded:
                await asyncio.to_thread(self._embedder.load)
            answer = await loop.run_in_executor(self._executor, self._embedder.embed, body)
            results.append(vectors(answer))
        return EmbedResult(
            tuple(vector for result in results for vector in result.vectors),
            sum(result.prompt_tokens for result in results),
        )

    async def list_models(self) -> Sequence[ModelSummary]:
        created = model_file.created(self._path)
        return (ModelSummary(self._engine.name, created, loaded=self._engine.loaded),)

    async def show_model(self, name: str) -> ModelDetails:
        self._demand(name)
        await self.start()
        can = {Capability.COMPLETION, Capability.EMBEDDING}
        if self._engine.marks is not None:
            can.add(Capability.INSERT)
        return ModelDetails(
            name,
            capabilities=frozenset(can),
            emulate_tools=True,
            context_length=self._engine.context_length,
        )

    async def delete_model(self, name: str) -> None:
        self._demand(name)
        raise errors.not_deletable()

    async def check(self) -> None:
        await self.start()

    async def aclose(self) -> None:
        """Cut every answer short, free the model; does nothing the second time."""
        self._engine.stop()
        self._embedder.stop()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._executor.shutdown(cancel_futures=True)
        self._engine.close()
        self._embedder.close()

    def _fits(self, characters: int, prompt: str) -> None:
        """Refuse what is far over the context before the engine spends a minute on counting it."""
        room = self._engine.context_length
        least = characters // _LONGEST_TOKEN
        if least > room:
            raise errors.too_long(prompt, f"at least {least}", room)

    def _demand(self, model: str) -> None:
        if canonical(model) != canonical(self._engine.name):
            raise errors.model_not_found(model, self._engine.name)


class LlamaCppChatStream:
    """One answer; a step yields all that was generated since the step before."""

    def __init__(self, worker: Worker, decoder: ChatDecoder) -> None:
        self._worker = worker
        self._decoder = decoder
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        while not self._closed and not self._decoder.finished:
            chunks = await self._worker.read()
            if events := self._decoder.feed(chunks):
                return events
            # Chunks without an event tell of progress; no chunks, of the end.
            if not chunks and not self._closed:
                self._decoder.finish()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._closed = True
        await self._worker.stop()
