"""Reading constrained output while it comes; what it stands for is told as soon as it is known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from domain.errors import InvalidOutputError
from domain.events import TextDelta, ToolCallDelta
from domain.tool_envelope import CALLS, REPLY

if TYPE_CHECKING:
    from collections.abc import Collection

    from domain.events import ChatEvent

T = TypeVar("T")

# Each yield waits for more text.
_Steps: TypeAlias = Generator[None, None, T]

_SPACE = " \t\n\r"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
# As much of a string's inside as can be read by itself: no half of an escape.
_INSIDE = re.compile(r'(?:[^"\\]|\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))*')
_LONGEST_ESCAPE = 6
_dumps = partial(json.dumps, ensure_ascii=False)
# Of a value: some text, and the mark after it that matters, if that is there.
_BARE = re.compile(r'([^"\[\]{}]*)(["\[\]{}]?)')


class EnvelopeReader:
    """Pieces of an envelope in, events out; however the text is split, they say the same.

    A reply that is text comes as that text; another, and arguments, as JSON without space.

    Args:
        names: the tools that may be called.
        new_call_id: returns a new id of a call.

    Attributes:
        called: whether a tool was called.
    """

    def __init__(self, names: Collection[str], new_call_id: Callable[[], str]) -> None:
        self.called = False
        self._names = names
        self._new_call_id = new_call_id
        self._rest = ""
        self._out: list[ChatEvent] = []
        self._steps = self._envelope()
        self._whole = False

    def feed(self, text: str) -> list[ChatEvent]:
        """Return what ``text`` tells; perhaps nothing.

        Raises:
            InvalidOutputError: it is no envelope.
        """
        self._rest += text
        self._out = []
        if not self._whole:
            # True at its end.
            self._whole = next(self._steps, True) is True
        if self._whole and self._rest.strip(_SPACE):
            raise _not_an_envelope()
        return self._out

    def finish(self) -> None:
        """Return if the envelope is whole.

        Raises:
            InvalidOutputError: it is not.
        """
        if not self._whole:
            raise _not_an_envelope()

    def _envelope(self) -> _Steps[None]:
        yield from self._take("{")
        key = yield from self._string()
        yield from self._take(":")
        if key == CALLS:
            yield from self._calls()
        elif key != REPLY:
            raise _not_an_envelope()
        elif (yield from self._peek()) == '"':
            yield from self._text(partial(self._tell, None))
        else:
            yield from self._value(partial(self._tell, None))
        yield from self._take("}")

    def _calls(self) -> _Steps[None]:
        yield from self._take("[")
        index, mark = 0, ","
        while mark == ",":
            yield from self._call(index)
            mark = yield from self._take(",]")
            index += 1

    def _call(self, index: int) -> _Steps[None]:
        yield from self._take("{")
        name: str | None = None
        held: list[str] = []
        for mark in ",}":
            key = yield from self._string()
            yield from self._take(":")
            if key == "name" and name is None:
                name = yield from self._string()
                self._begin(index, name)
            elif key == "arguments" and (yield from self._peek()) == "{":
                yield from self._value(held.append if name is None else partial(self._tell, index))
            else:
                raise _not_an_envelope()
            yield from self._take(mark)
        if name is None:
            raise _not_an_envelope()
        self._tell(index, "".join(held))

    def _begin(self, index: int, name: str) -> None:
        if name not in self._names:
            raise _not_an_envelope()
        self.called = True
        self._out.append(ToolCallDelta(index, self._new_call_id(), name, ""))

    def _tell(self, call: int | None, text: str) -> None:
        """Add to the arguments of a call, or to the reply."""
        last = self._out[-1] if self._out else None
        if isinstance(last, TextDelta):
            last.text += text
        elif isinstance(last, ToolCallDelta) and last.index == call:
            self._out[-1] = replace(last, arguments=last.arguments + text)
        elif text:
            more = TextDelta(text) if call is None else ToolCallDelta(call, None, None, text)
            self._out.append(more)

    def _text(self, tell: Callable[[str], None]) -> _Steps[None]:
        """Tell a string as what it stands for."""
        self._rest = self._rest[1:]
        half = ""
        while True:
            found = _INSIDE.match(self._rest)
            inside = found[0] if found else ""
            self._rest = self._rest[len(inside) :]
            text = half + json.loads(f'"{inside}"', strict=False)
            # The first half of a surrogate pair waits for the other.
            half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
            tell(_sound(text.removesuffix(half)))
            if self._rest.startswith('"'):
                break
            if len(self._rest) >= _LONGEST_ESCAPE:
                raise _not_an_envelope()
            yield
        self._rest = self._rest[1:]
        tell(_sound(half))

    def _value(self, tell: Callable[[str], None]) -> _Steps[None]:
        """Tell a value as JSON; it is checked at its end."""
        told: list[str] = []

        def write(text: str) -> None:
            told.append(text)
            tell(text)

        depth, ended = 0, False
        while not ended:
            found = _BARE.match(self._rest)
            bare, mark = (found[1], found[2]) if found else ("", "")
            write("".join(bare.split()))
            # A number ends with what it is in.
            ended = mark != "" and mark in "]}" and depth <= 1
            if ended and not depth:
                mark = ""
            self._rest = self._rest[len(bare) :]
            if mark == '"':
                write(mark)
                yield from self._text(lambda text: write(_dumps(text)[1:-1]))
                write(mark)
                continue
            self._rest = self._rest[len(mark) :]
            write(mark)
            depth += {"[": 1, "{": 1, "": 0}.get(mark, -1)
            if not mark and not ended:
                yield
        try:
            json.loads("".join(told))
        except (ValueError, RecursionError) as error:
            raise _not_an_envelope() from error

    def _string(self) -> _Steps[str]:
        yield from self._peek()
        while (found := _STRING.match(self._rest)) is None:
            if self._rest[0] != '"':
                raise _not_an_envelope()
            yield
        self._rest = self._rest[found.end() :]
        try:
            return str(json.loads(found[0]))
        except ValueError as error:
            raise _not_an_envelope() from error

    def _take(self, marks: str) -> _Steps[str]:
        mark = yield from self._peek()
        if mark not in marks:
            raise _not_an_envelope()
        self._rest = self._rest[1:]
        return mark

    def _peek(self) -> _Steps[str]:
        """Return the next character that is no space."""
        while not (rest := self._rest.lstrip(_SPACE)):
            yield
        self._rest = rest
        return rest[0]


def _sound(text: str) -> str:
    """Return ``text`` with U+FFFD for halves of surrogate pairs, which no encoding takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _not_an_envelope() -> InvalidOutputError:
    message = "The model did not answer in the form that its tools need."
    return InvalidOutputError(message, code="invalid_tool_call")
