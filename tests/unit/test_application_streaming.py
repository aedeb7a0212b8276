from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pytest

from application.image_links import fetched
from application.streaming import Limits, fold, primed
from domain.chat import ChatResult, FinishReason
from domain.errors import InvalidRequestError, UpstreamProtocolError
from domain.events import Finished, TextDelta
from domain.messages import ImageLink, ImagePart, Message, Role, TextPart
from tests.support.answering import FakeImages
from tests.support.fake_llm import USAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.llm import ChatStream
    from domain.events import ChatEvent

STOP = Finished(FinishReason.STOP, USAGE)


class Broken:
    """A stream that ends after its batches, whatever they are; no port may do that."""

    def __init__(self, *batches: Sequence[ChatEvent]) -> None:
        self.closed = False
        self._batches = list(batches)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        if not self._batches:
            raise StopAsyncIteration
        return self._batches.pop(0)

    async def aclose(self) -> None:
        self.closed = True


async def opening(stream: Broken) -> ChatStream:
    return stream


async def test_an_empty_stream_is_a_failure_and_closed() -> None:
    stream = Broken()

    with pytest.raises(UpstreamProtocolError, match="empty answer"):
        await primed(opening(stream), Limits())

    assert stream.closed


async def test_a_stream_without_an_end_folds_to_a_failure() -> None:
    stream = Broken([TextDelta("a")])

    with pytest.raises(UpstreamProtocolError, match="before it was complete"):
        await fold(stream)

    assert stream.closed


async def test_a_stream_folds_to_its_answer() -> None:
    stream = Broken([TextDelta("a")], [STOP])

    assert await fold(await primed(opening(stream), Limits())) == ChatResult(
        "a", FinishReason.STOP, USAGE
    )
    assert stream.closed


def linked(*urls: str) -> Message:
    return Message(Role.USER, tuple(ImageLink(url, "messages[0]") for url in urls))


async def test_linked_images_are_put_in_their_places() -> None:
    messages = [
        Message(Role.USER, "Hi"),
        Message(Role.USER, (TextPart("a"), ImageLink("https://x", "p"), ImagePart("k", "b"))),
    ]

    assert await fetched(messages, FakeImages()) == (
        Message(Role.USER, "Hi"),
        Message(
            Role.USER, (TextPart("a"), ImagePart("image/png", "https://x"), ImagePart("k", "b"))
        ),
    )


async def test_an_image_that_cannot_be_had_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no such image"):
        await fetched([linked("https://missing")], FakeImages())


async def test_sixteen_images_are_enough() -> None:
    urls = [f"https://{number}" for number in range(16)]

    assert len(await fetched([linked(*urls)], FakeImages())) == 1
    with pytest.raises(InvalidRequestError) as caught:
        await fetched([linked(*urls), linked("https://16")], FakeImages())

    assert caught.value.message == "Too many images: at most 16 are taken in one request."
    assert (caught.value.code, caught.value.param) == ("array_above_max_length", "messages")
