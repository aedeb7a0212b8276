"""What becomes of an answer of Ollama's, byte by byte and connection by connection."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.chat import ChatResult, FinishReason, Usage
from domain.errors import ServiceError, UpstreamError
from tests.support import builders
from tests.support.fake_ollama_answers import (
    answered,
    done_line,
    error_line,
    in_pieces,
    line,
    plain,
    streamed,
    text_line,
)
from tests.support.fake_ollama_http import Ending, Framing, Reply
from tests.support.streams import LIMIT_S, outcome

if TYPE_CHECKING:
    from tests.contract.conftest import OllamaScenario

ASK = builders.ChatRequestFactory.build()
# Characters of one, two, three and four bytes, an escape of Go's, and a line break of Python's
# that is none.
DATA = (
    '{"message":{"content":"\\u003cö\x85€"},"done":false}\n'
    '{"message":{"content":"👋","thinking":"t"},"done":false}\n'
    '{"message":{"content":"!"},"done":true,"prompt_eval_count":7,"eval_count":2}\n'
).encode()
ANSWER = ChatResult("<ö\x85€👋!", FinishReason.STOP, Usage(7, 2, reasoning_tokens=1), "t")


async def result_of(wired: OllamaScenario, reply: Reply) -> ChatResult | ServiceError:
    """Return what becomes of a reply."""
    wired.server.script("/api/chat", reply)
    return await outcome(wired.llm, ASK)


def is_failure(result: ChatResult | ServiceError) -> bool:
    return isinstance(result, UpstreamError)


async def test_input_may_be_cut_at_every_byte(wired: OllamaScenario) -> None:
    wrong = {
        cut: result
        for cut in range(1, len(DATA))
        if (result := await result_of(wired, streamed(DATA[:cut], DATA[cut:]))) != ANSWER
    }

    assert wrong == {}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, len(DATA)])
async def test_input_may_come_in_pieces_of_any_size(wired: OllamaScenario, size: int) -> None:
    assert await result_of(wired, streamed(*in_pieces(DATA, size))) == ANSWER


@pytest.mark.parametrize("ending", [Ending.CLEAN, Ending.CUT, Ending.RESET])
async def test_input_may_stop_at_no_byte(wired: OllamaScenario, ending: Ending) -> None:
    # The last line may lack its end, so the last two cuts are left out.
    unnoticed = {
        cut: result
        for cut in range(len(DATA) - 1)
        if not is_failure(result := await result_of(wired, streamed(DATA[:cut], ending=ending)))
    }

    assert unnoticed == {}


@pytest.mark.parametrize("ending", [Ending.CUT, Ending.RESET])
async def test_what_happens_after_the_done_line_does_not_matter(
    wired: OllamaScenario, ending: Ending
) -> None:
    assert await result_of(wired, streamed(DATA, ending=ending)) == ANSWER


BAD: dict[str, Reply] = {
    "not HTTP": Reply((b"SSH-2.0-x\r\n\r\n",), framing=Framing.RAW, ending=Ending.CUT),
    "no head": streamed(ending=Ending.CUT),
    "half a head": Reply((b"HTTP/1.1 200 OK\r\nconte",), framing=Framing.RAW, ending=Ending.CUT),
    "bad chunk": Reply(
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",),
        framing=Framing.RAW,
        ending=Ending.CUT,
    ),
    "not JSON": streamed(b"<html>\n", done_line()),
    "not UTF-8": streamed(b'{"message":{"content":"\xff"},"done":false}\n', done_line()),
    "not an object": streamed(b"[]\n", done_line()),
    "another object": streamed(b'{"choices":[]}\n', done_line()),
    "wrong type": streamed(text_line("a", done="no"), done_line()),
    "empty error": streamed(error_line("")),
    "error that is an object": streamed(b'{"error":{"message":"x"}}\n'),
    "load answer": streamed(done_line("load")),
    "endless line": streamed(*([b"x" * 2**20] * 9)),
    "redirect": Reply(status=307, headers={"location": "http://127.0.0.1:9/api/chat"}),
    "page of a proxy": plain("<html>Bad Gateway</html>", 502),
    "status without body": Reply(status=500, framing=Framing.SIZED),
    "status with null": replace(answered(None), status=500),
    # Refused as well: what was not asked for is not unpacked.
    "compressed": Reply((gzip.compress(DATA),), headers={"content-encoding": "gzip"}),
    "compressed rubbish": Reply((b"rubbish",), headers={"content-encoding": "gzip"}),
}


@pytest.mark.parametrize("reply", [pytest.param(reply, id=name) for name, reply in BAD.items()])
async def test_rubbish_is_a_failure_of_the_server(wired: OllamaScenario, reply: Reply) -> None:
    assert is_failure(await result_of(wired, reply))
    assert len(wired.server.requests) == 1


async def test_a_reason_to_be_done_is_an_end(wired: OllamaScenario) -> None:
    # Some relayed streams end so, without ``done``.
    reply = streamed(text_line("a"), line(done_reason="length"))

    result = await result_of(wired, reply)

    assert result == ChatResult("a", FinishReason.LENGTH, Usage())


async def test_an_endless_error_is_cut_off(wired: OllamaScenario) -> None:
    reply = Reply(tuple([b"x" * 2**14] * 9), 500, ending=Ending.HANG)

    result = await result_of(wired, reply)

    assert is_failure(result)
    async with asyncio.timeout(LIMIT_S):
        await wired.server.hung_up()


@pytest.mark.parametrize("arguments", ["{}", None, []], ids=["text", "null", "array"])
async def test_arguments_that_are_no_object_go_no_further(
    wired: OllamaScenario, arguments: object
) -> None:
    call = {"function": {"name": "f", "arguments": arguments}}

    result = await result_of(wired, streamed(line({"tool_calls": [call]}), done_line()))

    assert isinstance(result, ServiceError) or result.tool_calls[0].arguments == "{}"


async def test_answers_follow_each_other_on_one_connection(wired: OllamaScenario) -> None:
    results = [await result_of(wired, streamed(DATA)) for _ in range(3)]
    await wired.llm.check()
    refused = await result_of(wired, answered({"error": "x"}))

    assert results == [ANSWER] * 3
    assert is_failure(refused)
    assert wired.server.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(streamed(ending=Ending.HANG), id="no head"),
        pytest.param(streamed(b"", ending=Ending.HANG), id="head"),
        pytest.param(streamed(text_line("a"), ending=Ending.HANG), id="text"),
        pytest.param(Reply((b'{"err',), 500, ending=Ending.HANG), id="half an error"),
    ],
)
async def test_a_cancelled_answer_hangs_up(wired: OllamaScenario, reply: Reply) -> None:
    working = asyncio.create_task(result_of(wired, reply))

    async with asyncio.timeout(LIMIT_S):
        await wired.server.arrived("/api/chat")
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        await wired.server.hung_up()
        await wired.server.disconnected()


async def test_an_answer_closed_early_hangs_up(wired: OllamaScenario) -> None:
    wired.server.script("/api/chat", streamed(text_line("a"), ending=Ending.HANG))

    stream = await wired.llm.stream(ASK)
    await anext(stream)
    await stream.aclose()

    async with asyncio.timeout(LIMIT_S):
        await wired.server.hung_up()
        await wired.server.disconnected()


async def test_closing_the_pool_hangs_up(wired: OllamaScenario) -> None:
    await wired.llm.check()
    await wired.upstream.aclose()

    async with asyncio.timeout(LIMIT_S):
        await wired.server.disconnected()
