"""Constrained output to the tool calls that it stands for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

from application.envelope_reader import EnvelopeReader
from domain.chat import FinishReason
from domain.events import ChatEvent, Finished, TextDelta, TextRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from application.ports.llm import ChatStream
    from domain.tool_envelope import Envelope
    from domain.tools import ToolDefinition


def tools_text(tools: Sequence[ToolDefinition]) -> str:
    """Return the tools as a model reads them: a JSON object a line."""
    return "\n".join(
        json.dumps(
            {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.parameters,
            },
            ensure_ascii=False,
        )
        for tool in tools
    )


class EnvelopeStream:
    """Opens the envelope while it comes; thinking passes through."""

    def __init__(
        self, stream: ChatStream, envelope: Envelope, new_call_id: Callable[[], str]
    ) -> None:
        self._stream = stream
        self._reader = EnvelopeReader({tool.name for tool in envelope.tools}, new_call_id)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        while True:
            if events := self._feed(await anext(self._stream)):
                return events

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _feed(self, batch: Sequence[ChatEvent]) -> list[ChatEvent]:
        out: list[ChatEvent] = []
        for event in batch:
            match event:
                case TextDelta(text):
                    out += self._reader.feed(text)
                case TextRun(pieces):
                    out += self._reader.feed("".join(pieces))
                case Finished(FinishReason.LENGTH, _):
                    # As far as it goes.
                    out.append(event)
                case Finished(_, usage):
                    self._reader.finish()
                    called = self._reader.called
                    reason = FinishReason.TOOL_CALLS if called else FinishReason.STOP
                    out.append(Finished(reason, usage))
                case _:
                    out.append(event)
        return out
