"""What happens while a response comes about, item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

from domain.chat import TokenLogprob
from domain.conversation import StoredResponse
from domain.items import Item


@dataclass(frozen=True, slots=True)
class Queued:
    """A response in the background was taken, and waits; ``Began`` follows."""

    response: StoredResponse


@dataclass(frozen=True, slots=True)
class Began:
    """The first event of every stream; the response is in progress, with no output."""

    response: StoredResponse


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """An item begins, empty; ``index`` is its place in the output."""

    index: int
    item: Item


@dataclass(frozen=True, slots=True)
class TextAdded:
    """More text of a message: pieces that arrived together.

    One alone where it brings log probabilities, and only then perhaps empty.
    """

    index: int
    pieces: Sequence[str]
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ThoughtAdded:
    """More of a reasoning item."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class InputAdded:
    """More of what a call passes: arguments, or a custom tool's input."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class ItemDone:
    """An item is as it will stay; the next one begins only now."""

    index: int
    item: Item


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of every stream that did not fail; the response is final."""

    response: StoredResponse


ItemEvent: TypeAlias = ItemAdded | TextAdded | ThoughtAdded | InputAdded | ItemDone
ResponseEvent: TypeAlias = Queued | Began | ItemEvent | Ended


class ResponseStream(Protocol):
    """A response under way.

    Each step yields the events of one upstream read, never none. The first event of the first
    batch is ``Began`` and the last of the last ``Ended``; a stream that ends in any other way
    raises. Whoever opened a stream closes it.
    """

    def __aiter__(self) -> Self:
        """Return the stream itself."""
        ...

    async def __anext__(self) -> Sequence[ResponseEvent]:
        """Return the next batch.

        Raises:
            StopAsyncIteration: after the batch with ``Ended``.
            ServiceError: the response failed; events so far stand.
        """
        ...

    async def aclose(self) -> None:
        """Stop generating; does nothing the second time."""
        ...
