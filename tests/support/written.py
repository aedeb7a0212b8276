"""``ScriptedLLM`` over what a test writes, and over what its users have."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

from adapters.scripted import vectors, wire
from adapters.scripted.builtin import Builtin
from adapters.scripted.llm import ScriptedLLM
from adapters.scripted.script import Script
from adapters.scripted.steps import NEVER_S, Step
from domain.chat import FinishReason
from domain.errors import OverloadedError, UpstreamError
from domain.events import ChatEvent, Finished, TextDelta
from domain.models import ModelSummary
from tests.support.fake_llm import MODELS, USAGE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from adapters.scripted.steps import Source, Steps
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.models import ModelDetails

HELLO: Sequence[Sequence[ChatEvent]] = (
    [TextDelta("Hel")],
    [TextDelta("lo"), Finished(FinishReason.STOP, USAGE)],
)


class Written:
    """Plays scripts in their order, and says hello when there are none left.

    Attributes:
        asked: set once it was asked for an answer.
    """

    models: Mapping[str, tuple[ModelSummary, ModelDetails]] = {
        name: (ModelSummary(name, 1), details) for name, details in MODELS.items()
    }

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._scripts: deque[Steps] = deque()

    def play(self, *steps: Step) -> None:
        """Answer the next request that has no script yet with these steps."""
        self._scripts.append(steps)

    def chat(self, request: ChatRequest) -> Steps:  # noqa: ARG002 - the port's signature
        """Return the next script."""
        return self._next()

    def completion(self, request: CompletionRequest) -> Steps:  # noqa: ARG002 - the port's signature
        """Return the next script."""
        return self._next()

    def vectors(self, request: EmbedRequest) -> EmbedResult:
        """Return vectors."""
        return vectors.of(request)

    def _next(self) -> Steps:
        self.asked.set()
        if self._scripts:
            return self._scripts.popleft()
        return [Step(batch) for batch in HELLO]


class WrittenScenario:
    """ScriptedLLM over steps that a test writes."""

    def __init__(self) -> None:
        self.source = Written()
        self.llm = ScriptedLLM(self.source)
        self.model = "smollm2:135m"
        self.embedder = "embedder"

    async def freed(self) -> None:
        # Nothing runs where nothing is waited for, and whoever waits was cancelled or went on.
        await asyncio.sleep(0)

    def answers(self, *batches: Sequence[ChatEvent]) -> None:
        self.source.play(*map(Step, batches))

    def refuses(self, error: type[UpstreamError | OverloadedError]) -> None:
        self.source.play(Step(error("no")))

    def fails(self, *batches: Sequence[ChatEvent]) -> None:
        self.source.play(*map(Step, batches), Step(UpstreamError("failed")))

    def breaks(self, *batches: Sequence[ChatEvent]) -> None:
        self.source.play(*map(Step, batches), Step(UpstreamError("broke")))

    def ends(self, *batches: Sequence[ChatEvent]) -> None:
        self.source.play(*map(Step, batches))

    def hangs(self, *batches: Sequence[ChatEvent]) -> None:
        self.source.play(*map(Step, batches), Step([TextDelta("never")], NEVER_S))

    def go_on(self) -> None:
        pass

    async def asked(self) -> None:
        await self.source.asked.wait()

    async def down(self) -> None:
        await self.llm.aclose()


class ReadyScenario:
    """A source of answers as its users have it."""

    def __init__(self, source: Source, model: str, embedder: str) -> None:
        self.llm = ScriptedLLM(source)
        self.model = model
        self.embedder = embedder

    async def freed(self) -> None:
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def written() -> AsyncGenerator[WrittenScenario]:
    """Give answers that a test writes."""
    yield WrittenScenario()


@contextlib.asynccontextmanager
async def builtin() -> AsyncGenerator[ReadyScenario]:
    """Give the models that need no script."""
    yield ReadyScenario(Builtin(), "scripted-echo", "scripted-embed")


@contextlib.asynccontextmanager
async def script() -> AsyncGenerator[ReadyScenario]:
    """Give a script of one rule."""
    rules = Script(wire.Script(models=["m"], rules=[wire.Rule(text="Hello, you.")]))
    yield ReadyScenario(rules, "m", "m")
