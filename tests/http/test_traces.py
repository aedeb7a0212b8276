"""Traces, as a collector sees them."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from entrypoints.settings import SettingsError, load
from tests.support import raw_http
from tests.support.collector import collecting
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import done_line, error_line, streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.process import started
from tests.support.service import ASK, CHAT, MODEL, service_of
from tests.support.sockets import connected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.fake_ollama_http import Reply

MARK = "zebra"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
BEGUN = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1", "cookie": MARK}
ASKED = {"messages": [{"role": "user", "content": MARK}], "temperature": 0.5}


async def traced(
    body: Any, headers: Mapping[str, str] | None = None, path: str = CHAT, *replies: Any
) -> tuple[list[dict[str, Any]], FakeOllama, bytes]:
    """Return the spans of a request, the model server, and all that the collector got."""
    with collecting() as collector:
        async with (
            FakeOllama() as server,
            service_of(server.url, otel_exporter_otlp_endpoint=collector.url) as service,
        ):
            server.script("/api/chat", *replies)
            await service.ask(body, path, headers)
        return collector.spans, server, b"".join(collector.bodies)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_request_goes_on_with_its_clients_trace(stream: bool) -> None:  # noqa: FBT001 - a case
    spans, server, _ = await traced(ASKED | {"stream": stream}, BEGUN)
    (request,) = (span for span in spans if span["name"] == f"POST {CHAT}")
    (call,) = (span for span in spans if span["name"] == f"chat {MODEL}")
    (asked,) = server.asked("/api/chat")

    assert (request["trace"], request["parent"]) == (TRACE, PARENT)
    assert (call["trace"], call["parent"]) == (TRACE, request["id"])
    assert asked.headers["traceparent"] == f"00-{TRACE}-{call['id']}-01"
    assert asked.headers["tracestate"] == "vendor=1"
    assert request["attributes"] == {
        "http.request.method": "POST",
        "http.route": CHAT,
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": MODEL,
        "gen_ai.usage.input_tokens": 26,
        "gen_ai.usage.output_tokens": 6,
    }
    assert call["attributes"] == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": MODEL,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 26,
        "gen_ai.usage.output_tokens": 6,
    }
    assert [request["failed"], call["failed"]] == [False, False]


async def test_without_one_a_request_begins_a_trace() -> None:
    spans, server, _ = await traced(ASK)
    request, call = sorted(spans, key=lambda span: bool(span["parent"]))

    assert request["parent"] == ""
    assert call["parent"] == request["id"]
    assert call["trace"] in server.asked("/api/chat")[0].headers["traceparent"]


async def test_nothing_that_was_said_is_in_a_trace() -> None:
    spoken = streamed(text_line(MARK), done_line())
    headers = BEGUN | {"x-api-key": MARK, "user-agent": MARK}
    _, server, sent = await traced(ASKED, headers, f"{CHAT}?q={MARK}", spoken)

    assert sent
    assert MARK.encode() not in sent
    assert MARK not in str(server.asked("/api/chat")[0].headers)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_failure_of_the_model_server_is_one_of_both_spans(stream: bool) -> None:  # noqa: FBT001 - a case
    cut = streamed(text_line("a"), error_line("odd"))
    spans, _, _ = await traced(ASK | {"stream": stream}, None, CHAT, cut)

    assert [span["failed"] for span in spans] == [True, True]
    assert {span["attributes"]["error.type"] for span in spans} == {"upstream_error"}
    assert not any(name.startswith("gen_ai.usage.") for it in spans for name in it["attributes"])


@pytest.mark.parametrize(
    ("limit", "reply"),
    [
        ("first_token", streamed(ending=Ending.HANG)),
        ("idle", streamed(text_line("a"), ending=Ending.HANG)),
    ],
)
async def test_a_model_server_that_is_too_slow_failed(limit: str, reply: Reply) -> None:
    with collecting() as collector:
        async with (
            FakeOllama() as server,
            service_of(
                server.url,
                otel_exporter_otlp_endpoint=collector.url,
                **{f"{limit}_timeout_s": 0.2},
            ) as service,
        ):
            server.script("/api/chat", reply)
            answer = await service.ask(ASK)

    assert answer.status == 504
    assert {span["attributes"]["error.type"] for span in collector.spans} == {f"{limit}_timeout"}


async def test_what_a_client_did_wrong_is_no_failure() -> None:
    spans, _, _ = await traced({"messages": 1})

    assert [(span["name"], span["failed"]) for span in spans] == [(f"POST {CHAT}", False)]
    assert spans[0]["attributes"]["http.response.status_code"] == 400


async def test_an_answer_whose_client_left_was_abandoned() -> None:
    with collecting() as collector:
        async with (
            FakeOllama() as server,
            service_of(server.url, otel_exporter_otlp_endpoint=collector.url) as service,
        ):
            server.script("/api/chat", streamed(text_line("a"), ending=Ending.HANG))
            _, writer = await raw_http.send(service.port, CHAT, ASK)
            await server.arrived("/api/chat")
            await raw_http.hang_up(writer)
            await server.hung_up()
        kinds = {span["attributes"]["error.type"] for span in collector.spans if span["failed"]}

    assert "abandoned" in kinds


async def test_a_websocket_is_a_span_around_those_of_its_turns() -> None:
    with collecting() as collector:
        async with (
            FakeOllama() as server,
            service_of(server.url, otel_exporter_otlp_endpoint=collector.url) as service,
            asyncio.timeout(10),
            connected(service) as socket,
        ):
            for _ in range(2):
                await socket.answer()
        *calls, connection = collector.spans

    assert connection["attributes"] == {
        "http.request.method": "GET",
        "http.route": "/v1/responses",
        "http.response.status_code": 101,
    }
    assert [call["parent"] for call in calls] == [connection["id"]] * 2
    assert [call["attributes"]["gen_ai.usage.output_tokens"] for call in calls] == [6, 6]


async def test_vectors_and_bare_prompts_are_spans() -> None:
    with collecting() as collector:
        async with (
            FakeOllama() as server,
            service_of(server.url, otel_exporter_otlp_endpoint=collector.url) as service,
        ):
            await service.ask({"prompt": "Hi"}, "/v1/completions")
            await service.ask({"input": "Hi", "model": "embedder"}, "/v1/embeddings")
        names = {span["name"] for span in collector.spans}

    assert {f"text_completion {MODEL}", "embeddings embedder"} <= names


async def test_a_collector_that_is_not_there_holds_nothing_up(tmp_path: Path) -> None:
    async with (
        FakeOllama() as server,
        started(
            tmp_path, OLLAMA_URL=server.url, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"
        ) as process,
    ):
        head, _ = await raw_http.fetch(await process.port(), CHAT, ASK | {"model": MODEL})

    assert head.status == 200


async def test_without_the_setting_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    async with (
        FakeOllama() as server,
        started(tmp_path, OLLAMA_URL=server.url, PYTHONVERBOSE="1") as process,
    ):
        port = await process.port()
        await raw_http.fetch(port, CHAT, ASK | {"model": MODEL}, BEGUN)
        loaded = b"import 'opentelemetry.sdk" in process.output
        (asked,) = server.asked("/api/chat")

    assert not loaded
    assert b"import 'litestar" in process.output
    assert "traceparent" not in asked.headers


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost"})

    assert "OTEL_EXPORTER_OTLP_ENDPOINT: expected an address" in str(caught.value)


def test_missing_packages_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_hooks", [])
    for name in [name for name in sys.modules if name.split(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(SettingsError) as caught:
        load({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"})

    assert "pip install -r requirements-tracing.txt" in str(caught.value)
