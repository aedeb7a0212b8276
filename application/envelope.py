"""Constrained output to the tool calls that it stands for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Self, cast

from domain.chat import FinishReason
from domain.errors import InvalidOutputError
from domain.events import ChatEvent, Finished, TextDelta, TextRun, ToolCallDelta
from domain.tool_envelope import CALLS, REPLY, Envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from application.ports.llm import ChatStream
    from domain.tools import ToolDefinition

_REPLYING = re.compile(rf'\s*\{{\s*"{REPLY}"\s*:\s*')
# As much of a JSON string as there is.
_STRING = re.compile(r'"(?:[^"\\]|\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))*')


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
    """Holds the envelope back until it is complete, then opens it; thinking passes through."""

    def __init__(
        self, stream: ChatStream, envelope: Envelope, new_call_id: Callable[[], str]
    ) -> None:
        self._stream = stream
        self._names = {tool.name for tool in envelope.tools}
        self._new_call_id = new_call_id
        self._text: list[str] = []

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
                    self._text.append(text)
                case TextRun(pieces):
                    self._text += pieces
                case Finished(FinishReason.LENGTH, _):
                    out += [*_begun("".join(self._text)), event]
                case Finished(_, usage):
                    content = list(self._open("".join(self._text)))
                    called = isinstance(content[0], ToolCallDelta)
                    reason = FinishReason.TOOL_CALLS if called else FinishReason.STOP
                    out += (*content, Finished(reason, usage))
                case _:
                    out.append(event)
        return out

    def _open(self, text: str) -> Iterator[ChatEvent]:
        try:
            envelope = json.loads(text)
            if REPLY in envelope:
                yield TextDelta(_reply(envelope[REPLY]))
                return
            calls = [self._call(call["name"], call["arguments"]) for call in envelope[CALLS]]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _not_an_envelope() from error
        if not calls:
            raise _not_an_envelope()
        for index, (name, arguments) in enumerate(calls):
            yield ToolCallDelta(index, self._new_call_id(), name, arguments)

    def _call(self, name: str, arguments: object) -> tuple[str, str]:
        if name not in self._names or not isinstance(arguments, dict):
            raise ValueError
        return name, _compact(cast("object", arguments))


def _begun(text: str) -> Iterator[TextDelta]:
    """Yield what there is of a reply in an envelope that was cut."""
    begin = _REPLYING.match(text)
    if begin is None:
        return
    reply = text[begin.end() :]
    if string := _STRING.match(reply):
        reply = json.loads(f'{string[0]}"', strict=False)
    if reply:
        yield TextDelta(_whole(reply))


def _reply(value: object) -> str:
    return _whole(value) if isinstance(value, str) else _compact(value)


def _compact(value: object) -> str:
    return _whole(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _whole(text: str) -> str:
    """Return ``text`` with U+FFFD for halves of surrogate pairs, which no encoding takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _not_an_envelope() -> InvalidOutputError:
    message = "The model did not answer in the form that its tools need."
    return InvalidOutputError(message, code="invalid_tool_call")
