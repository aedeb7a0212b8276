"""A hole in a text filled by a model that was not trained for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.streaming import RewrittenStream
from domain import infill
from domain.chat import ChatRequest
from domain.errors import InvalidRequestError
from domain.events import ChatEvent, Finished, TextDelta, TextRun
from domain.models import Capability
from domain.sampling import ReasoningEffort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.llm import ChatStream, LLMPort
    from domain.completion import CompletionRequest
    from domain.models import ModelDetails


class HoleFiller:
    """Asks a chat model in words for the text between a prompt and its suffix."""

    def __init__(self, llm: LLMPort, details: ModelDetails) -> None:
        self._llm = llm
        # Thoughts would use up the tokens of an answer that is mostly short.
        thinks = details.has(Capability.THINKING)
        self._reasoning = ReasoningEffort.NONE if thinks else None

    async def open(self, request: CompletionRequest) -> ChatStream:
        """Return a completion that has begun; the caller closes it.

        Raises:
            ServiceError: as ``LLMPort.stream``.
        """
        suffix = request.suffix or ""
        chat = ChatRequest(
            request.model,
            infill.question(request.prompt, suffix),
            sampling=request.sampling,
            reasoning=self._reasoning,
            top_logprobs=request.top_logprobs,
            engine=request.engine,
        )
        try:
            stream = await self._llm.stream(chat)
        except InvalidRequestError as error:
            if error.param != "messages":
                raise
            # The client's own name for what the model reads.
            message = error.message.replace("messages", "prompt")
            raise InvalidRequestError(message, code=error.code, param="prompt") from error
        # Log probabilities tell of tokens as they were drawn: nothing can be taken out of those.
        bare = request.top_logprobs is None and not infill.has_fences(request.prompt + suffix)
        return RewrittenStream(stream, _Filling(infill.Unfenced() if bare else None).feed)


class _Filling:
    """Keeps the text of an answer and its end: no thoughts, and no fence around it."""

    def __init__(self, unfenced: infill.Unfenced | None) -> None:
        self._unfenced = unfenced

    def feed(self, batch: Sequence[ChatEvent]) -> list[ChatEvent]:
        wanted = [event for event in batch if isinstance(event, TextDelta | TextRun | Finished)]
        if self._unfenced is None:
            return list[ChatEvent](wanted)
        events: list[ChatEvent] = []
        for event in wanted:
            match event:
                case TextDelta(text):
                    events += _delta(self._unfenced.feed(text))
                case TextRun(pieces):
                    events += _delta(self._unfenced.feed("".join(pieces)))
                case Finished():
                    events += (*_delta(self._unfenced.end()), event)
        return events


def _delta(text: str) -> list[ChatEvent]:
    return [TextDelta(text)] if text else []
