"""Tool calls, which come in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.engines import decoding, failures
from domain.events import ChatEvent, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.openai_upstream import wire


class Calls:
    """The calls of one answer.

    An engine's ids are kept, for templates read them; one that is missing or used already is
    replaced. Indices are those of arrival: some engines leave numbers out.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._indices: list[int] = []
        self._ids: set[str] = set()
        self._arguments: list[list[str]] = []

    @property
    def made(self) -> bool:
        """Whether there is any call."""
        return bool(self._indices)

    def add(self, part: wire.CallDelta, out: list[ChatEvent]) -> None:
        """Put the event of a piece into ``out``.

        Raises:
            UpstreamProtocolError: a call has no name, or goes on after the next one began.
        """
        name = part.function.name if part.function is not None else None
        arguments = (part.function.arguments if part.function is not None else None) or ""
        if self._indices and part.index == self._indices[-1]:
            index = len(self._indices) - 1
            self._arguments[index].append(arguments)
            if arguments:
                out.append(ToolCallDelta(index, None, None, arguments))
            return
        if not name or part.index in self._indices:
            raise failures.unreadable()
        self._close(out)
        call_id = part.id if part.id and part.id not in self._ids else self._new_id()
        self._indices.append(part.index)
        self._ids.add(call_id)
        self._arguments.append([arguments])
        out.append(ToolCallDelta(len(self._indices) - 1, call_id, name, arguments))

    def finish(self, out: list[ChatEvent]) -> None:
        """Put what the end of a whole answer adds into ``out``.

        Raises:
            UpstreamError: the arguments of a call are no JSON object.
        """
        self._close(out)
        for pieces in self._arguments:
            decoding.arguments("".join(pieces).encode())

    def _close(self, out: list[ChatEvent]) -> None:
        """Give the last call an empty object if it came without arguments."""
        if self._arguments and not any(self._arguments[-1]):
            self._arguments[-1].append("{}")
            out.append(ToolCallDelta(len(self._indices) - 1, None, None, "{}"))
