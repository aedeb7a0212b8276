"""A model server that plays a script."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Self, TypeAlias

from domain.chat import ChatRequest, FinishReason, Usage
from domain.embeddings import EmbedRequest, EmbedResult, Vector, cut, pack
from domain.errors import InvalidRequestError, NotFoundError, UpstreamProtocolError
from domain.events import ChatEvent, Finished, TextDelta
from domain.models import Capability, ModelDetails, ModelSummary
from domain.sampling import JSONSchemaFormat

if TYPE_CHECKING:
    from domain.completion import CompletionRequest

# A batch to yield, an error to raise, or an event to wait for.
Step: TypeAlias = Sequence[ChatEvent] | Exception | asyncio.Event

# The names of tools in the schema of a forced call.
_CALLED = re.compile(r'"name": \{"const": "(\w+)"')
USAGE = Usage(prompt_tokens=7, completion_tokens=2)
HELLO: tuple[Step, ...] = (
    [TextDelta("Hel")],
    [TextDelta("lo"), Finished(FinishReason.STOP, USAGE)],
)


def details(
    name: str, *capabilities: Capability, emulate_tools: bool = False, context_length: int = 8192
) -> ModelDetails:
    """Return a model with these capabilities and that of completion."""
    can = frozenset({Capability.COMPLETION, *capabilities})
    return ModelDetails(name, can, emulate_tools, context_length)


MODELS: Mapping[str, ModelDetails] = {
    model.name: model
    for model in (
        details("smollm2:135m"),
        details("llama3"),
        details("tools-model", Capability.TOOLS),
        details("thinker", Capability.TOOLS, Capability.THINKING),
        details("viewer", Capability.VISION),
        details("emulator", emulate_tools=True),
        ModelDetails("embedder", frozenset({Capability.EMBEDDING})),
        ModelDetails("unknowable"),
    )
}


def vector(text: str) -> Vector:
    """Return what a text turns to: four components, not the same for texts that differ."""
    letters = sum(ord(letter) * place for place, letter in enumerate(text, 1))
    return cut(pack([float(len(text)), letters % 97 + 0.5, letters % 89 - 44.0, 1.0]), 4)


class FakeStream:
    """A stream of a script's steps, each played once.

    Attributes:
        closed: set once the stream was closed.
        taken: batches yielded so far.
    """

    def __init__(self, script: Sequence[Step], gate: asyncio.Event | None) -> None:
        self.closed = asyncio.Event()
        self.taken = 0
        self._steps = deque(script)
        self._gate = gate
        self._finished = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        """Play the script up to its next batch or error."""
        if self.closed.is_set():
            message = "a closed stream was asked for more"
            raise RuntimeError(message)
        if self._finished:
            raise StopAsyncIteration
        if self._gate is not None and self.taken:
            await self._gate.wait()
        while self._steps:
            step = self._steps.popleft()
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, Exception):
                raise step
            else:
                self.taken += 1
                self._finished = isinstance(step[-1], Finished)
                return step
        message = "The model server ended its answer before it was complete."
        raise UpstreamProtocolError(message, code="upstream_truncated")

    async def aclose(self) -> None:
        """Set ``closed``."""
        self.closed.set()


class FakeLLM:
    """Answers every request with ``script`` unless told otherwise.

    Attributes:
        script: steps of each answer; one that ends without ``Finished`` fails like a cut one.
        models: the models there are, by name; an unknown one is refused by ``stream``.
        gate: holds every stream back after its first batch until it is set.
        failure: raised by every method that would reach the server.
        requests: requests to ``stream`` so far.
        prompts: requests to ``complete_prompt`` so far.
        embedded: requests to ``embed`` so far.
        streams: streams opened so far.
        asked: set once ``stream`` was called.
    """

    def __init__(self, *script: Step, models: Mapping[str, ModelDetails] = MODELS) -> None:
        self.script: Sequence[Step] = script or HELLO
        self.models = dict(models)
        self.gate: asyncio.Event | None = None
        self.failure: Exception | None = None
        self.requests: list[ChatRequest] = []
        self.prompts: list[CompletionRequest] = []
        self.embedded: list[EmbedRequest] = []
        self.streams: list[FakeStream] = []
        self.asked = asyncio.Event()
        self._opening = asyncio.Event()
        self._scripts: deque[Sequence[Step]] = deque()

    def play(self, *script: Step) -> None:
        """Answer the next request that has no script yet with ``script``."""
        self._scripts.append(script)

    async def opened(self, count: int) -> None:
        """Wait until ``count`` streams have been opened."""
        while len(self.streams) < count:
            self._opening.clear()
            await self._opening.wait()

    async def stream(self, request: ChatRequest) -> FakeStream:
        """Open the next script."""
        self.requests.append(request)
        return self._open(request.model)

    async def complete_prompt(self, request: CompletionRequest) -> FakeStream:
        """Open the next script, which should bring text only."""
        self.prompts.append(request)
        return self._open(request.model)

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        """Return ``vector`` of each text, whole, and count its words as tokens."""
        self.embedded.append(request)
        self._reach(request.model)
        if self.models[request.model].lacks(Capability.EMBEDDING):
            message = "This model makes no vectors."
            raise InvalidRequestError(message, code="unsupported_model", param="model")
        words = sum(len(text.split()) for text in request.texts)
        return EmbedResult(tuple(map(vector, request.texts)), words)

    async def delete_model(self, name: str) -> None:
        """Forget the model."""
        self._reach(name)
        del self.models[name]

    def _open(self, model: str) -> FakeStream:
        self.asked.set()
        self._reach(model)
        script = self._scripts.popleft() if self._scripts else self.script
        self.streams.append(FakeStream(script, self.gate))
        self._opening.set()
        return self.streams[-1]

    async def list_models(self) -> Sequence[ModelSummary]:
        """Return all models, each a second older than the one before."""
        self._reach()
        return [ModelSummary(name, 1_700_000_000 - age) for age, name in enumerate(self.models)]

    async def show_model(self, name: str) -> ModelDetails:
        """Return the model's entry."""
        self._reach(name)
        return self.models[name]

    async def check(self) -> None:
        """Raise ``failure``, if there is one."""
        self._reach()

    async def aclose(self) -> None:
        """Free nothing: there is nothing."""

    def _reach(self, model: str | None = None) -> None:
        if self.failure is not None:
            raise self.failure
        if model is not None and model not in self.models:
            message = f"The model '{model}' does not exist."
            raise NotFoundError(message, code="model_not_found", param="model")


class ObedientLLM(FakeLLM):
    """Satisfies the schemas of the samples of fields, and the envelope of forced calls.

    Args:
        answer: the batch that says a text.
    """

    def __init__(self, answer: Callable[[str], Sequence[ChatEvent]]) -> None:
        super().__init__()
        self._answer = answer

    async def stream(self, request: ChatRequest) -> FakeStream:
        """Say what the request's schema wants."""
        text = '{"a": 1}'
        if isinstance(request.output, JSONSchemaFormat) and request.output.name == "answer":
            names = _CALLED.findall(json.dumps(request.output.schema))
            name = "f" if "f" in names else names[0]
            text = json.dumps({"tool_calls": [{"name": name, "arguments": {"a": 1}}]})
        self.play(self._answer(text))
        return await super().stream(request)
