"""R18, R20 to R25, R28, R31, R32: a model server that is down, silent, cut, lying or endless."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.support import asking
from tests.support.fake_ollama_answers import (
    done_line,
    error_line,
    failed,
    in_pieces,
    plain,
    streamed,
    text_line,
)
from tests.support.fake_ollama_http import Ending, Flood, Framing, Reply
from tests.support.service import ASK
from tests.support.standing import STREAM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.fake_ollama_http import Piece
    from tests.support.standing import Stand

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEADLINE_S = 1
GRACE_S = 3
SETTINGS = {
    "CONNECT_TIMEOUT_S": str(DEADLINE_S),
    "FIRST_TOKEN_TIMEOUT_S": str(DEADLINE_S),
    "IDLE_TIMEOUT_S": str(DEADLINE_S),
    "MAX_CONCURRENCY": "4",
}
MIB = 2**20
THREE = (text_line("a"), text_line("b"), text_line("c"))


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def afresh(stand: Stand) -> None:
    await stand.forget()
    # What is left alone after failures is tried again at once.
    await stand.ask(path="/readyz")


async def streamed_by(stand: Stand) -> tuple[int, list[Any]]:
    """Return the status and the records of a stream."""
    answer = await stand.ask(STREAM)
    if answer.status != 200:
        return answer.status, [answer.json]
    frames = answer.body.decode().rstrip("\n").split("\n\n")
    assert "data: [DONE]" not in frames
    return 200, [json.loads(asking.data_of(frame)) for frame in frames]


def said(records: Sequence[Any]) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for record in records
        for choice in record.get("choices", ())
    )


async def test_down_and_up_again(stand: Stand) -> None:
    await stand.server.stop()
    async with asyncio.timeout(DEADLINE_S + GRACE_S):
        live = await stand.ask(path="/healthz")
        ready = await stand.ask(path="/readyz")
        whole = await stand.ask(ASK)
        stream = await stand.ask(STREAM)
    await stand.server.start()
    again = await stand.ask(path="/readyz")
    answer = await stand.ask(ASK)

    assert (live.status, ready.status, again.status, answer.status) == (200, 503, 200, 200)
    assert (whole.status, stream.status) == (503, 503)
    for refusal in (ready, whole, stream):
        asking.error_of(refusal.json)
        assert str(stand.server.url) not in refusal.body.decode()
    assert int(whole.headers["retry-after"]) >= 1


async def test_connections_that_are_dropped(stand: Stand) -> None:
    stand.server.always("/api/chat", streamed(ending=Ending.RESET))
    async with asyncio.timeout(DEADLINE_S + GRACE_S):
        answers = [await stand.ask(body) for body in (ASK, STREAM) * 4]
    stand.server.script_nothing()
    await stand.ask(path="/readyz")

    # After five in a row it is left alone for a while.
    assert [answer.status for answer in answers] == [502] * 5 + [503] * 3
    assert answers[-1].json["error"]["code"] == "upstream_circuit_open"
    assert (await stand.ask(ASK)).status == 200


@pytest.mark.parametrize("body", [ASK, STREAM], ids=["whole", "stream"])
async def test_silence_ends_with_the_first_tokens_deadline(stand: Stand, body: Any) -> None:
    stand.server.always("/api/chat", streamed(ending=Ending.HANG))
    async with asyncio.timeout(DEADLINE_S + 2):
        answer = await stand.ask(body)
        await stand.server.hung_up()
        await stand.server.idle()

    assert (answer.status, answer.json["error"]["code"]) == (504, "first_token_timeout")


@pytest.mark.parametrize("path", ["/api/tags", "/api/show", "/api/ps"])
async def test_silence_about_models_ends_too(stand: Stand, path: str) -> None:
    stand.server.always(path, streamed(ending=Ending.HANG))
    asked = "/v1/models/Viewer" if path == "/api/show" else "/v1/models"
    async with asyncio.timeout(DEADLINE_S + 2):
        answer = await stand.ask(path=asked)

    assert (answer.status, answer.json["error"]["code"]) == (504, "upstream_timeout")


async def test_silence_about_vectors_ends_too(stand: Stand) -> None:
    stand.server.always("/api/embed", streamed(ending=Ending.HANG))
    async with asyncio.timeout(DEADLINE_S + 2):
        answer = await stand.ask({"input": "Hi", "model": "embedder"}, "/v1/embeddings")

    assert (answer.status, answer.json["error"]["code"]) == (504, "upstream_timeout")


@pytest.mark.parametrize(
    ("pieces", "ending", "code"),
    [
        pytest.param(THREE, Ending.HANG, "idle_timeout", id="silence"),
        pytest.param(THREE, Ending.CLEAN, "upstream_truncated", id="a clean end"),
        pytest.param(THREE, Ending.CUT, "upstream_disconnected", id="FIN"),
        pytest.param(THREE, Ending.RESET, "upstream_disconnected", id="RST"),
        pytest.param(
            (*THREE, error_line("an odd thing in /srv")),
            Ending.CLEAN,
            "upstream_error",
            id="an error line",
        ),
        pytest.param((*THREE, b"<html>\n"), Ending.CLEAN, "upstream_garbage", id="garbage"),
        pytest.param(
            (*THREE, text_line("?").replace(b"?", b"\xff")),
            Ending.CLEAN,
            "upstream_garbage",
            id="no UTF-8",
        ),
    ],
)
async def test_an_answer_that_breaks_off_never_looks_complete(
    stand: Stand, pieces: Sequence[Piece], ending: Ending, code: str
) -> None:
    stand.server.always("/api/chat", streamed(*pieces, ending=ending))
    async with asyncio.timeout(DEADLINE_S + 2):
        status, records = await streamed_by(stand)
    async with asyncio.timeout(DEADLINE_S + 2):
        whole = await stand.ask(ASK)

    assert (status, said(records)) == (200, "abc")
    assert asking.error_of(records[-1])["code"] == code
    finished = [c["finish_reason"] for record in records[:-1] for c in record["choices"]]
    assert set(finished) == {None}
    assert whole.status == (504 if ending is Ending.HANG else 502)
    assert asking.error_of(whole.json)["code"] == code
    assert b"/srv" not in whole.body


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        pytest.param(failed(404, "model 'smollm2:135m' not found"), 404, id="404"),
        pytest.param(failed(400, "invalid option in /srv/x"), 502, id="400"),
        pytest.param(failed(503, "server busy, please try again"), 429, id="503"),
        pytest.param(failed(500, "panic: /srv/x\ngoroutine 1 [running]"), 502, id="500"),
        pytest.param(plain("Traceback /srv/x", 500), 502, id="500, no JSON"),
        pytest.param(plain("a" * 10 * MIB, 500), 502, id="500, long"),
        pytest.param(Reply((b"-",), 301, {"location": "http://a.example"}), 502, id="301"),
        pytest.param(failed(418, "/srv/x"), 502, id="418"),
        pytest.param(streamed(error_line("an odd thing in /srv/x")), 502, id="an error line"),
        pytest.param(Reply((b"{}\n",), headers={"content-encoding": "br"}), 502, id="compressed"),
        pytest.param(
            Reply((b"220 ready\r\n\r\n",), framing=Framing.RAW, ending=Ending.CUT),
            502,
            id="another protocol",
        ),
    ],
)
async def test_a_refusal_has_a_status_and_no_words_of_the_servers(
    stand: Stand, reply: Reply, status: int
) -> None:
    stand.server.always("/api/chat", reply)
    answers = [await stand.ask(ASK), await stand.ask(STREAM)]

    assert [answer.status for answer in answers] == [status] * 2
    for answer in answers:
        asking.error_of(answer.json)
        assert b"/srv" not in answer.body
        assert b"Traceback" not in answer.body


@pytest.mark.parametrize("body", [ASK, STREAM], ids=["whole", "stream"])
async def test_a_line_without_end_is_not_read_to_its_end(stand: Stand, body: Any) -> None:
    before, flooded = stand.process.resident_bytes, stand.server.flooded
    stand.server.always("/api/chat", streamed(text_line("a"), Flood(256 * MIB)))
    async with asyncio.timeout(30):
        answer = await stand.ask(body)
        await stand.server.idle()

    assert answer.status == (502 if body is ASK else 200)
    assert b"[DONE]" not in answer.body
    assert b"too long" in answer.body
    assert b'"upstream_too_large"' in answer.body
    assert stand.server.flooded - flooded < 64 * MIB
    assert stand.process.resident_bytes - before < 96 * MIB


async def test_an_answer_without_end_is_not_read_to_its_end(stand: Stand) -> None:
    before = stand.process.resident_bytes
    lines = text_line("a" * 1000) * 64
    stand.server.always("/api/chat", streamed(*[lines] * 4096, done_line()))
    async with asyncio.timeout(60):
        answer = await stand.ask(ASK)
        await stand.server.idle()

    assert (answer.status, answer.json["error"]["code"]) == (502, "upstream_too_large")
    assert stand.process.resident_bytes - before < 160 * MIB


@pytest.mark.parametrize("path", ["/v1/models", "/v1/embeddings"])
async def test_a_document_without_end_is_not_read_to_its_end(stand: Stand, path: str) -> None:
    before, flooded = stand.process.resident_bytes, stand.server.flooded
    for asked in ("/api/tags", "/api/embed"):
        stand.server.always(asked, streamed(b"", Flood(256 * MIB)))
    body = {"input": "Hi", "model": "embedder"} if path == "/v1/embeddings" else None
    async with asyncio.timeout(30):
        answer = await stand.ask(body, path)
        await stand.server.idle()

    assert (answer.status, answer.json["error"]["code"]) == (502, "upstream_too_large")
    assert stand.server.flooded - flooded < 64 * MIB
    assert stand.process.resident_bytes - before < 96 * MIB


async def test_connections_that_close_while_idle_lose_no_request(stand: Stand) -> None:
    statuses: list[int] = []
    for _ in range(40):
        answers = await asyncio.gather(*(stand.ask(ASK) for _ in range(4)))
        statuses += [answer.status for answer in answers]
        await stand.server.drop()

    assert statuses == [200] * 160
    assert len(stand.server.asked("/api/chat")) == 160


async def test_a_request_that_was_read_is_sent_once(stand: Stand) -> None:
    assert (await stand.ask(ASK)).status == 200
    stand.server.script("/api/chat", *[streamed(ending=Ending.RESET)] * 3)
    answers = [await stand.ask(ASK) for _ in range(3)]

    assert [answer.status for answer in answers] == [502] * 3
    assert len(stand.server.asked("/api/chat")) == 1 + 3


async def test_a_model_that_loads_for_long_is_waited_for(stand: Stand) -> None:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(DEADLINE_S / 2, gate.set)
    stand.server.always("/api/chat", streamed(gate, *in_pieces(b"".join((*THREE, done_line())), 7)))

    answer = await stand.ask(ASK)

    assert answer.json["choices"][0]["message"]["content"] == "abc"
