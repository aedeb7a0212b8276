from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.support import raw_http
from tests.support.fake_ollama import ContractViolationError, FakeOllama
from tests.support.fake_ollama_answers import (
    TEXT,
    THINKING,
    TOKENS,
    answered,
    done_line,
    encoded,
    error_line,
    failed,
    in_pieces,
    line,
    streamed,
    text_line,
)
from tests.support.fake_ollama_http import Ending, Framing, Reply
from tests.support.transcripts import Transcript, entries, named

ASK = {"model": "smollm2:135m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def client_of(server: FakeOllama) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=5)


def port_of(server: FakeOllama) -> int:
    return int(server.url.rpartition(":")[2])


async def post(server: FakeOllama, body: object, path: str = "/api/chat") -> httpx.Response:
    async with client_of(server) as client:
        return await client.post(path, json=body)


def lines_of(response: httpx.Response) -> list[Any]:
    return [json.loads(each) for each in response.content.split(b"\n") if each]


async def test_a_stream_has_a_line_for_each_token_and_a_done_line_with_counts() -> None:
    async with FakeOllama() as server:
        response = await post(server, ASK)

    lines = lines_of(response)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert [each["message"]["content"] for each in lines] == [*TOKENS, ""]
    assert lines[-1] | {"done": True, "done_reason": "stop", "eval_count": len(TOKENS)} == lines[-1]


async def test_an_answer_without_a_stream_is_one_object() -> None:
    async with FakeOllama() as server:
        response = await post(server, ASK | {"stream": False})

    assert response.json()["message"] == {"role": "assistant", "content": TEXT}
    assert response.json()["done"] is True


async def test_a_thinking_model_thinks_unless_told_not_to() -> None:
    async with FakeOllama() as server:
        thinking = await post(server, ASK | {"model": "thinker", "stream": False})
        silent = await post(server, ASK | {"model": "thinker", "stream": False, "think": False})

    assert thinking.json()["message"]["thinking"] == THINKING
    assert "thinking" not in silent.json()["message"]


async def test_a_token_limit_cuts_the_answer() -> None:
    async with FakeOllama() as server:
        response = await post(server, ASK | {"options": {"num_predict": 2}})

    assert [each["message"]["content"] for each in lines_of(response)] == [*TOKENS[:2], ""]
    assert lines_of(response)[-1]["done_reason"] == "length"


async def test_log_probabilities_come_when_asked_for() -> None:
    async with FakeOllama() as server:
        response = await post(server, ASK | {"logprobs": True, "top_logprobs": 2})

    first = lines_of(response)[0]["logprobs"][0]
    assert first["token"] == TOKENS[0]
    assert len(first["top_logprobs"]) == 2


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param({"model": "nope"}, 404, "model 'nope' not found", id="unknown model"),
        pytest.param({"model": "embedder"}, 400, '"embedder" does not support chat', id="no chat"),
        pytest.param(
            {"think": True}, 400, '"smollm2:135m" does not support thinking', id="no thinking"
        ),
    ],
)
async def test_a_model_refuses_what_it_cannot_do(
    body: dict[str, object], status: int, error: str
) -> None:
    async with FakeOllama() as server:
        response = await post(server, ASK | body)

    assert (response.status_code, response.json()) == (status, {"error": error})


async def test_models_are_listed_shown_and_embed() -> None:
    async with FakeOllama() as server, client_of(server) as client:
        tags = (await client.get("/api/tags")).json()
        ps = (await client.get("/api/ps")).json()
        version = (await client.get("/api/version")).json()
        root = (await client.get("/")).text
        shown = (await client.post("/api/show", json={"model": "Viewer"})).json()
        missing = await client.post("/api/show", json={"model": "x"})
        vectors = (
            await client.post("/api/embed", json={"model": "embedder", "input": ["a", "b"]})
        ).json()

    assert tags["models"][0]["model"] == "thinker:latest"
    assert ps["models"][0]["context_length"] == 4096
    assert version == {"version": "0.32.15"}
    assert root == "Ollama is running"
    assert shown["capabilities"] == ["completion", "vision"]
    assert (missing.status_code, missing.json()) == (404, {"error": "model 'x:latest' not found"})
    assert len(vectors["embeddings"]) == 2


def message(**fields: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": "Hi"} | fields]}


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALLED = [{"function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param({"tool_choice": "auto"}, 200, "", id="unknown key"),
        pytest.param({"options": {"tempreature": 1}}, 200, "", id="unknown option"),
        pytest.param({"options": {"seed": None}}, 200, "", id="null option"),
        pytest.param({"options": {"stop": "END"}}, 500, 'option "stop" must be', id="stop"),
        pytest.param({"options": {"seed": True}}, 500, "of type integer", id="boolean option"),
        pytest.param({"options": {"top_p": "1"}}, 500, "of type float32", id="text option"),
        pytest.param(message(name="me"), 200, "", id="unknown message key"),
        pytest.param(message(tool_name="f"), 200, "", id="key of another role"),
        pytest.param(message(role="developer"), 400, "", id="role"),
        pytest.param(message(content=[]), 400, "cannot unmarshal", id="content parts"),
        pytest.param(message(content=None), 400, "cannot unmarshal", id="null content"),
        pytest.param(message(images=["data:image/png;base64,AA=="]), 400, "base64", id="image"),
        pytest.param(
            message(role="assistant", tool_calls=CALLED), 400, "Value looks", id="arguments"
        ),
        pytest.param({"format": "yaml"}, 500, "invalid format", id="format"),
        pytest.param({"format": None}, 200, "", id="null format"),
        pytest.param(
            {"model": "tools-model", "format": "json", "tools": [TOOL]}, 200, "", id="format+tools"
        ),
        pytest.param({"keep_alive": "300"}, 400, "missing unit", id="keep_alive"),
        pytest.param({"keep_alive": "soon"}, 400, "invalid duration", id="keep_alive text"),
        pytest.param({"think": "minimal"}, 400, 'invalid think value: "minimal"', id="think"),
        pytest.param(
            {"logprobs": True, "top_logprobs": 21}, 400, "between 0 and 20", id="top_logprobs"
        ),
        pytest.param({"top_logprobs": 2}, 200, "", id="top_logprobs alone"),
        pytest.param({"model": ""}, 400, "model is required", id="model"),
        pytest.param({"_debug_render_only": True}, 200, "", id="debug"),
    ],
)
async def test_a_broken_rule_is_recorded_and_answered_as_ollama_would(
    body: dict[str, object], status: int, error: str
) -> None:
    async with FakeOllama(strict=False) as server:
        response = await post(server, ASK | body)

    assert len(server.violations) == 1
    assert response.status_code == status
    assert error in lines_of(response)[0].get("error", "")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"keep_alive": "1h30m"}, id="duration"),
        pytest.param({"keep_alive": -1}, id="seconds"),
        pytest.param(
            {"options": {"temperature": 0, "stop": ["a"], "use_mmap": True}}, id="options"
        ),
        pytest.param({"format": {"type": "object"}, "truncate": False}, id="schema"),
        pytest.param(message(images=["R0lGODlhAQABAAAAACw="]), id="image"),
        pytest.param({"model": "tools-model", "tools": [TOOL]}, id="tools"),
        pytest.param({"model": "thinker", "think": "max"}, id="level"),
    ],
)
async def test_a_well_formed_request_breaks_no_rule(body: dict[str, object]) -> None:
    async with FakeOllama() as server:
        response = await post(server, ASK | body)

    assert response.status_code == 200
    assert server.violations == []


async def test_a_forgotten_stream_flag_is_a_broken_rule() -> None:
    async with FakeOllama(strict=False) as server:
        await post(server, {key: value for key, value in ASK.items() if key != "stream"})

    assert server.violations == ["POST /api/chat: Object missing required field `stream`"]


async def test_a_key_passed_on_is_a_broken_rule() -> None:
    async with FakeOllama(strict=False) as server, client_of(server) as client:
        await client.get("/api/tags", headers={"authorization": "Bearer x"})

    assert server.violations == ["GET /api/tags: the header authorization was passed on"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("DELETE", "/api/copy", 404, id="unknown"),
        pytest.param("GET", "/api/chat", 405, id="method"),
    ],
)
async def test_an_unknown_endpoint_is_a_broken_rule(method: str, path: str, status: int) -> None:
    async with FakeOllama(strict=False) as server, client_of(server) as client:
        response = await client.request(method, path)

    assert response.status_code == status
    assert server.violations == [f"{method} {path}: not an endpoint"]


async def test_leaving_a_strict_server_tells_of_broken_rules() -> None:
    with pytest.raises(ContractViolationError, match="unknown field `n`"):
        async with FakeOllama() as server:
            await post(server, ASK | {"n": 2})


async def test_scripts_come_first_then_the_constant_answer() -> None:
    async with FakeOllama() as server, client_of(server) as client:
        server.script("/api/version", answered({"version": "1"}), answered({"version": "2"}))
        server.always("/api/version", failed(503, "busy"))
        answers = [await client.get("/api/version") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 503, 503]
    assert answers[1].json() == {"version": "2"}
    assert server.connections == 1


async def test_pieces_arrive_one_by_one() -> None:
    data = text_line("wörld")
    async with FakeOllama() as server:
        server.script("/api/chat", streamed(*in_pieces(data, 7)))
        reader, writer = await raw_http.send(port_of(server), "/api/chat", ASK)
        await raw_http.read_head(reader)
        chunks = [await raw_http.read_chunk(reader) for _ in in_pieces(data, 7)]
        end = await raw_http.read_chunk(reader)
        await raw_http.hang_up(writer)

    assert tuple(chunks) == in_pieces(data, 7)
    assert end == b""


async def test_a_gate_holds_back_what_follows() -> None:
    gate = asyncio.Event()
    async with FakeOllama() as server:
        server.script("/api/chat", streamed(text_line("a"), gate, done_line()))
        reader, writer = await raw_http.send(port_of(server), "/api/chat", ASK)
        await raw_http.read_head(reader)
        first = await raw_http.read_chunk(reader)
        held = server.open
        gate.set()
        second = await raw_http.read_chunk(reader)
        await raw_http.hang_up(writer)

    assert (first, held, second) == (text_line("a"), 1, done_line())


@pytest.mark.parametrize("leave", [raw_http.hang_up, raw_http.reset], ids=["close", "reset"])
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(streamed(asyncio.Event()), id="gate before the head"),
        pytest.param(streamed(b"", asyncio.Event()), id="gate after the head"),
        pytest.param(streamed(text_line("a"), ending=Ending.HANG), id="hang"),
        pytest.param(streamed(b"x" * 2**24, ending=Ending.HANG), id="unread bytes"),
    ],
)
async def test_a_client_that_leaves_is_seen(reply: Reply, leave: Any) -> None:
    async with FakeOllama() as server, asyncio.timeout(5):
        server.script("/api/chat", reply)
        _, writer = await raw_http.send(port_of(server), "/api/chat", ASK)
        await server.arrived("/api/chat")
        during = server.open
        await leave(writer)
        await server.hung_up()
        await server.idle()
        await server.disconnected()

    assert during == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(streamed(ending=Ending.CUT), httpx.RemoteProtocolError, id="no head"),
        pytest.param(streamed(ending=Ending.RESET), httpx.ReadError, id="reset at once"),
        pytest.param(
            streamed(text_line("a"), ending=Ending.CUT), httpx.RemoteProtocolError, id="cut"
        ),
        pytest.param(streamed(text_line("a"), ending=Ending.RESET), httpx.ReadError, id="reset"),
        pytest.param(
            Reply((b"SSH-2.0-x\r\n\r\n",), framing=Framing.RAW, ending=Ending.CUT),
            httpx.RemoteProtocolError,
            id="not HTTP",
        ),
    ],
)
async def test_a_broken_reply_breaks_as_scripted(
    reply: Reply, error: type[httpx.HTTPError]
) -> None:
    async with FakeOllama() as server:
        server.script("/api/chat", reply)

        with pytest.raises(error):
            await post(server, ASK)


async def test_a_stopped_server_refuses_connections() -> None:
    async with FakeOllama() as server:
        await server.stop()

        with pytest.raises(httpx.ConnectError):
            await post(server, ASK)


def test_lines_are_written_as_go_writes_them() -> None:
    assert encoded({"a": "<&>\u2028é\x85"}) == '{"a":"\\u003c\\u0026\\u003e\\u2028é\x85"}'.encode()
    assert b"eval_count" not in done_line(prompt=0, completion=0)
    assert error_line("x") == b'{"error":"x"}\n'
    assert json.loads(line(done_reason="stop"))["message"]["content"] == ""


@pytest.mark.parametrize(
    "transcript",
    [pytest.param(each, id=each.name) for each in entries() if each.body_end == "clean"],
)
async def test_transcripts_are_replayed_as_they_are(transcript: Transcript) -> None:
    async with FakeOllama(strict=False) as server:
        server.script("/api/chat", transcript.reply())
        response = await post(server, json.loads(transcript.request_body or b"{}"))

    assert (response.status_code, response.content) == (transcript.status, transcript.body)


def test_a_transcript_is_found_by_its_name() -> None:
    assert named("chat-stream").outcome == "ok"
