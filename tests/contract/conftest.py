"""Implementations of the ports, each with a driver that brings it into a situation."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias

import pytest

from adapters.ollama.llm import OllamaLLM
from adapters.openai_upstream.llm import OpenAILLM
from adapters.transport.upstream import Upstream
from application.pool import PooledLLM
from domain.chat import FinishReason, TokenLogprob, TopLogprob
from domain.errors import OverloadedError, UpstreamError, UpstreamUnavailableError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, TextRun, ToolCallDelta
from tests.support import fake_engine, fake_engine_answers
from tests.support import fake_ollama_answers as answers
from tests.support.fake_engine import FakeEngine
from tests.support.fake_llm import FakeLLM
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_http import Ending, Piece
from tests.support.fake_system import CountingIds
from tests.support.written import builtin, script, written

if TYPE_CHECKING:
    from application.ports.llm import LLMPort

Batch: TypeAlias = Sequence[ChatEvent]

_CHAT = "/api/chat"


class Scenario(Protocol):
    """An implementation of ``LLMPort`` that is in order.

    Attributes:
        model: a model that answers with text.
        embedder: a model that makes vectors.
    """

    model: str
    embedder: str

    @property
    def llm(self) -> LLMPort:
        """The implementation."""
        ...

    async def freed(self) -> None:
        """Wait until nothing is being generated."""
        ...


class Scripted(Scenario, Protocol):
    """An implementation whose next answer a test can write, a bad one too.

    The models ``tools-model`` and ``thinker`` exist in it.
    """

    def answers(self, *batches: Batch) -> None:
        """Let the next answer be these batches, the last one with ``Finished``."""
        ...

    def refuses(self, error: type[UpstreamError | OverloadedError]) -> None:
        """Let the next request fail before it begins."""
        ...

    def fails(self, *batches: Batch) -> None:
        """Let the server report a failure after these batches."""
        ...

    def breaks(self, *batches: Batch) -> None:
        """Let the connection break: at once, or after these batches and a ``go_on``."""
        ...

    def ends(self, *batches: Batch) -> None:
        """Let the answer end after these batches as if it were complete."""
        ...

    def hangs(self, *batches: Batch) -> None:
        """Let nothing follow these batches."""
        ...

    def go_on(self) -> None:
        """Let what was held back happen."""
        ...

    async def asked(self) -> None:
        """Wait until the server has seen a request."""
        ...

    async def down(self) -> None:
        """Let the server be gone."""
        ...


class FakeScenario:
    """FakeLLM, so that the fake is held to the port as well."""

    def __init__(self, llm: FakeLLM) -> None:
        self.llm = llm
        self.model = "smollm2:135m"
        self.embedder = "embedder"
        self._held = asyncio.Event()

    async def freed(self) -> None:
        await asyncio.gather(*(stream.closed.wait() for stream in self.llm.streams))

    def answers(self, *batches: Batch) -> None:
        self.llm.play(*batches)

    def refuses(self, error: type[UpstreamError | OverloadedError]) -> None:
        self.llm.play(error("no"))

    def fails(self, *batches: Batch) -> None:
        self.llm.play(*batches, UpstreamError("failed"))

    def breaks(self, *batches: Batch) -> None:
        held = (self._held,) if batches else ()
        self.llm.play(*batches, *held, UpstreamError("broke"))

    def ends(self, *batches: Batch) -> None:
        self.llm.play(*batches)

    def hangs(self, *batches: Batch) -> None:
        self.llm.play(*batches, asyncio.Event())

    def go_on(self) -> None:
        self._held.set()

    async def asked(self) -> None:
        await self.llm.asked.wait()

    async def down(self) -> None:
        self.llm.failure = UpstreamUnavailableError("down", code="upstream_unavailable")


class ServerScenario:
    """A scripted Ollama on a socket."""

    def __init__(self, server: FakeOllama) -> None:
        self.server = server
        self.model = "smollm2:135m"
        self.embedder = "embedder"
        self._held = asyncio.Event()

    async def freed(self) -> None:
        await self.server.idle()

    def answers(self, *batches: Batch) -> None:
        self.server.script(_CHAT, answers.streamed(*map(_lines, batches)))

    def refuses(self, error: type[UpstreamError | OverloadedError]) -> None:
        if error is OverloadedError:
            busy = "server busy, please try again.  maximum pending requests exceeded"
            self.server.script(_CHAT, answers.failed(503, busy))
        else:
            self.server.script(_CHAT, answers.failed(500, "unable to load model: /srv/x"))

    def fails(self, *batches: Batch) -> None:
        report = answers.error_line("an error was encountered while running the model")
        self.server.script(_CHAT, answers.streamed(*map(_lines, batches), report))

    def breaks(self, *batches: Batch) -> None:
        held = (self._held,) if batches else ()
        reply = answers.streamed(*map(_lines, batches), *held, ending=Ending.RESET)
        self.server.script(_CHAT, reply)

    def ends(self, *batches: Batch) -> None:
        self.server.script(_CHAT, answers.streamed(*map(_lines, batches)))

    def hangs(self, *batches: Batch) -> None:
        pieces = map(_lines, batches)
        self.server.script(_CHAT, answers.streamed(*pieces, ending=Ending.HANG))

    def go_on(self) -> None:
        self._held.set()

    async def asked(self) -> None:
        await self.server.arrived(_CHAT)

    async def down(self) -> None:
        await self.server.stop()


class OllamaScenario(ServerScenario):
    """OllamaLLM over such a server."""

    def __init__(self, server: FakeOllama, upstream: Upstream) -> None:
        super().__init__(server)
        self.upstream = upstream
        self.llm = OllamaLLM(upstream, CountingIds())


class PoolScenario(ServerScenario):
    """PooledLLM over two servers; one of them gets all requests."""

    def __init__(self, bare: FakeOllama, server: FakeOllama) -> None:
        super().__init__(server)
        self._bare = bare
        ids = CountingIds()
        urls = (bare.url, server.url)
        self.llm = PooledLLM({url: OllamaLLM(Upstream(url), ids) for url in urls})

    async def down(self) -> None:
        await self._bare.stop()
        await super().down()


class EngineScenario:
    """OpenAILLM over a scripted engine on a socket."""

    def __init__(self, server: FakeEngine, upstream: Upstream) -> None:
        self.server = server
        self.upstream = upstream
        self.llm = OpenAILLM(upstream, CountingIds())
        self.model = "smollm2:135m"
        self.embedder = "embedder"
        self._held = asyncio.Event()

    async def freed(self) -> None:
        await self.server.idle()

    def answers(self, *batches: Batch) -> None:
        self._play(*map(_chunks, batches))

    def refuses(self, error: type[UpstreamError | OverloadedError]) -> None:
        status = 429 if error is OverloadedError else 500
        reply = fake_engine_answers.failed(status, "EngineDeadError at /srv/x")
        self.server.script(fake_engine.CHAT, reply)

    def fails(self, *batches: Batch) -> None:
        report = {"error": {"message": "EngineDeadError", "type": "InternalServerError"}}
        self._play(*map(_chunks, batches), fake_engine_answers.event(report))

    def breaks(self, *batches: Batch) -> None:
        held = (self._held,) if batches else ()
        self._play(*map(_chunks, batches), *held, ending=Ending.RESET)

    def ends(self, *batches: Batch) -> None:
        self._play(*map(_chunks, batches))

    def hangs(self, *batches: Batch) -> None:
        self._play(*map(_chunks, batches), ending=Ending.HANG)

    def go_on(self) -> None:
        self._held.set()

    async def asked(self) -> None:
        await self.server.arrived(fake_engine.CHAT)

    async def down(self) -> None:
        await self.server.stop()

    def _play(self, *pieces: Piece, ending: Ending = Ending.CLEAN) -> None:
        reply = fake_engine_answers.streamed(*pieces, ending=ending)
        self.server.script(fake_engine.CHAT, reply)


@contextlib.asynccontextmanager
async def fake() -> AsyncGenerator[FakeScenario]:
    """Give a fake."""
    yield FakeScenario(FakeLLM())


@contextlib.asynccontextmanager
async def ollama() -> AsyncGenerator[OllamaScenario]:
    """Give a server and an adapter that talks to it."""
    async with FakeOllama() as server:
        upstream = Upstream(server.url)
        try:
            yield OllamaScenario(server, upstream)
        finally:
            await upstream.aclose()


@contextlib.asynccontextmanager
async def pool() -> AsyncGenerator[PoolScenario]:
    """Give two servers as one, of which the first has no models."""
    async with FakeOllama() as bare, FakeOllama() as server:
        bare.always("/api/tags", answers.answered({"models": []}))
        scenario = PoolScenario(bare, server)
        try:
            yield scenario
        finally:
            await scenario.llm.aclose()


@contextlib.asynccontextmanager
async def engine() -> AsyncGenerator[EngineScenario]:
    """Give an engine and an adapter that talks to it."""
    async with FakeEngine() as server:
        upstream = Upstream(server.url)
        try:
            yield EngineScenario(server, upstream)
        finally:
            await upstream.aclose()


SCRIPTED: Mapping[str, Callable[[], AbstractAsyncContextManager[Scripted]]] = {
    "fake": fake,
    "ollama": ollama,
    "engine": engine,
    "written": written,
    "pool": pool,
}
# An implementation that cannot be made to misbehave joins here alone.
ALL: Mapping[str, Callable[[], AbstractAsyncContextManager[Scenario]]] = {
    **SCRIPTED,
    "builtin": builtin,
    "script": script,
}


@pytest.fixture(params=ALL)
async def scenario(request: pytest.FixtureRequest) -> AsyncGenerator[Scenario]:
    """Give each implementation in turn."""
    async with ALL[request.param]() as driver:
        yield driver


@pytest.fixture(params=SCRIPTED)
async def scripted(request: pytest.FixtureRequest) -> AsyncGenerator[Scripted]:
    """Give each implementation whose answers can be written."""
    async with SCRIPTED[request.param]() as driver:
        yield driver


@pytest.fixture
async def wired() -> AsyncGenerator[OllamaScenario]:
    """Give the Ollama adapter, where the bytes matter."""
    async with ollama() as driver:
        yield driver


@pytest.fixture
async def engined() -> AsyncGenerator[EngineScenario]:
    """Give the adapter of engines, where the bytes matter."""
    async with engine() as driver:
        yield driver


def _lines(batch: Batch) -> bytes:
    return b"".join(map(_line, batch))


def _line(event: ChatEvent) -> bytes:
    match event:
        case TextDelta(text, ()):
            return answers.text_line(text)
        case TextDelta(text, logprobs):
            return answers.text_line(text, logprobs=[_drawn(entry) for entry in logprobs])
        case TextRun(pieces):
            return b"".join(map(answers.text_line, pieces))
        case ReasoningDelta(text):
            return answers.thinking_line(text)
        case ToolCallDelta(_, _, name, arguments):
            return answers.tool_line((name or "", json.loads(arguments)))
        case Finished(reason, usage):
            # Ollama says "stop" after calls, too.
            word = "length" if reason is FinishReason.LENGTH else "stop"
            prompt, completion = usage.prompt_tokens, usage.completion_tokens
            return answers.done_line(word, prompt=prompt, completion=completion)


def _drawn(entry: TokenLogprob) -> dict[str, object]:
    alternatives = {"top_logprobs": [_entry(other) for other in entry.top]} if entry.top else {}
    return _entry(entry) | alternatives


def _entry(entry: TokenLogprob | TopLogprob) -> dict[str, object]:
    utf8 = {} if entry.utf8 is None else {"bytes": list(entry.utf8)}
    return {"token": entry.token, "logprob": entry.logprob, **utf8}


def _chunks(batch: Batch) -> bytes:
    return b"".join(map(_chunk, batch))


def _chunk(event: ChatEvent) -> bytes:
    match event:
        case TextDelta(text, ()):
            return fake_engine_answers.chunk({"content": text})
        case TextDelta(text, logprobs):
            drawn = {"content": [_drawn(entry) for entry in logprobs]}
            return fake_engine_answers.chunk({"content": text}, logprobs=drawn)
        case TextRun(pieces):
            return b"".join(fake_engine_answers.chunk({"content": piece}) for piece in pieces)
        case ReasoningDelta(text):
            return fake_engine_answers.chunk({"reasoning_content": text})
        case ToolCallDelta(index, call_id, name, arguments):
            begun = {"index": index, "id": call_id, "type": "function"}
            parts = (
                begun | {"function": {"name": name, "arguments": arguments[:2]}},
                {"index": index, "function": {"arguments": arguments[2:]}},
            )
            return b"".join(fake_engine_answers.chunk({"tool_calls": [part]}) for part in parts)
        case Finished(reason, usage):
            counts = {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens}
            return fake_engine_answers.end(reason.value, **counts)
