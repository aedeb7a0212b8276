"""Constrained output to the tool calls that it stands for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from application.envelope_reader import EnvelopeReader
from domain.chat import FinishReason
from domain.events import ChatEvent, Finished, TextDelta, TextRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


class EnvelopeOpener:
    """Opens an envelope while it comes; thinking passes through."""

    def __init__(self, envelope: Envelope, new_call_id: Callable[[], str]) -> None:
        self._reader = EnvelopeReader({tool.name for tool in envelope.tools}, new_call_id)

    def feed(self, batch: Sequence[ChatEvent]) -> list[ChatEvent]:
        """Return what these events say once the envelope is off; possibly nothing.

        Raises:
            InvalidOutputError: they are no envelope.
        """
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
