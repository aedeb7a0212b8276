"""What an operator sees of the service at ``/metrics``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from domain.errors import UpstreamProtocolError, UpstreamUnavailableError
from domain.events import TextDelta
from tests.support import raw_http
from tests.support.fake_llm import FakeLLM
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.responses import OPENAI, PATH
from tests.support.scrape import scrape
from tests.support.service import ASK, CHAT, MODEL, service_of
from tests.support.sockets import connected

if TYPE_CHECKING:
    from tests.support.service import Service

MARK = "zebra"
KEY = f"{MARK}-key-of-the-service"
INVENTED = 200
MOST_NEW_SERIES = 40
GONE = UpstreamUnavailableError("The model server cannot be reached.", code="upstream_unavailable")
CUT = UpstreamProtocolError("It ended early.", code="upstream_truncated")
GEN_AI = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "ollama"}


async def test_an_answer_is_counted_with_its_times_and_tokens(service: Service) -> None:
    await service.ask(ASK)
    await service.ask(ASK | {"stream": True})
    seen = await scrape(service)

    labels = GEN_AI | {"gen_ai_request_model": MODEL}
    for name in ("request_duration", "time_to_first_token", "time_per_output_token"):
        assert seen.value(f"gen_ai_server_{name}_seconds_count", **labels) == 2
        assert seen.value(f"gen_ai_server_{name}_seconds_bucket", le="+Inf", **labels) == 2
    usage = {
        kind: seen.value("gen_ai_client_token_usage_sum", **labels, gen_ai_token_type=kind)
        for kind in ("input", "output")
    }
    assert usage == {"input": 14, "output": 4}
    assert seen.value("local_chat_queue_wait_seconds_count") == 2
    assert seen.value("local_chat_running_answers") == 0


async def test_a_request_is_counted_by_method_route_and_status(service: Service) -> None:
    created = await service.ask({"input": "Hi"}, PATH, OPENAI)
    await service.ask(path=f"{PATH}/{created.json['id']}")
    await service.ask(path=f"{PATH}/resp_nope")
    await service.ask(path="/healthz/")
    await service.ask({"messages": 1})
    await service.ask(path=CHAT, method="PUT")
    seen = await scrape(service)

    def count(method: str, route: str, status: int) -> float:
        return seen.value(
            "http_server_requests_total",
            http_request_method=method,
            http_route=route,
            http_response_status_code=str(status),
        )

    assert count("POST", PATH, 200) == 1
    assert count("GET", f"{PATH}/{{response_id}}", 200) == 1
    assert count("GET", f"{PATH}/{{response_id}}", 404) == 1
    assert count("GET", "/healthz", 200) == 1
    assert count("POST", CHAT, 400) == 1
    assert count("PUT", CHAT, 405) == 1
    assert seen.value("http_server_request_duration_seconds_count", http_route=PATH) == 1
    assert seen.value("http_server_active_requests") == 1


async def test_what_clients_make_up_makes_no_series() -> None:
    async with service_of(FakeLLM(), api_key=KEY) as service:
        headers = {"x-api-key": KEY}
        await service.ask(ASK, headers=headers)
        before = await scrape(service, headers)
        for number in range(INVENTED // 8):
            name = f"{MARK}-{number}"
            await service.ask(ASK | {"model": name}, headers=headers)
            await service.ask({"model": name, "prompt": "Hi"}, "/v1/completions", headers)
            await service.ask({"model": name, "input": "Hi"}, "/v1/embeddings", headers)
            await service.ask(path=f"/{name}?{name}", headers=headers)
            await service.ask(path=f"/v1/responses/{name}", headers=headers)
            await service.ask(path=f"/v1/models/{name}", headers=headers)
            await service.ask(ASK, headers={"x-api-key": name})
            await service.ask(path="/", headers=headers, method=f"{MARK.upper()}{number}")
        after = await scrape(service, headers)

    # Every kind of request that is new here has its status, and its durations.
    kinds = {labels for name, labels in after.series if name == "http_server_requests_total"}
    assert len(kinds) < 16
    new = {
        series
        for series in after.series.keys() - before.series.keys()
        if not series[0].startswith("http_server_")
    }
    assert len(new) < MOST_NEW_SERIES
    assert MARK not in after.text.casefold()


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings", CHAT, "/{name}"])
async def test_names_alone_make_next_to_no_series(service: Service, path: str) -> None:
    await service.ask(ASK)
    await scrape(service)
    before = await scrape(service)
    for number in range(INVENTED):
        name = f"{MARK}-{number}"
        body = ASK | {"model": name, "prompt": "Hi", "input": "Hi"}
        wanted = {"/v1/completions": ("prompt",), "/v1/embeddings": ("input",)}
        fields = ("model", *wanted.get(path, ("messages",)))
        await service.ask({k: body[k] for k in fields}, path.format(name=name))
    after = await scrape(service)

    assert len(after.series) - len(before.series) < MOST_NEW_SERIES


async def test_a_server_that_answers_to_any_name_does_not_fill_the_memory() -> None:
    names = {f"{MARK}-{number}": FakeLLM().models[MODEL] for number in range(INVENTED)}
    async with service_of(FakeLLM(models=names)) as service:
        for name in names:
            await service.ask(ASK | {"model": name})
        seen = await scrape(service)

    models = {
        dict(labels)["gen_ai_request_model"]
        for name, labels in seen.series
        if name == "gen_ai_client_token_usage_sum"
    }
    assert len(models) == 65
    assert seen.value("gen_ai_server_request_duration_seconds_count") == INVENTED


async def test_all_spellings_of_a_name_are_one_model() -> None:
    async with FakeOllama() as server, service_of(server.url) as service:
        for name in ("thinker", "thinker:latest", "Thinker"):
            await service.ask(ASK | {"model": name})
        seen = await scrape(service)

    asked = "gen_ai_server_request_duration_seconds_count"
    assert seen.value(asked) == seen.value(asked, gen_ai_request_model="thinker:latest") == 3


async def test_vectors_and_bare_prompts_are_operations_of_their_own(service: Service) -> None:
    await service.ask({"prompt": "Hi"}, "/v1/completions")
    await service.ask({"model": "embedder", "input": "two words"}, "/v1/embeddings")
    seen = await scrape(service)

    asked = "gen_ai_server_request_duration_seconds_count"
    assert seen.value(asked, gen_ai_operation_name="text_completion") == 1
    assert seen.value(asked, gen_ai_operation_name="embeddings") == 1
    usage = "gen_ai_client_token_usage_sum"
    assert seen.value(usage, gen_ai_operation_name="embeddings") == 2
    first = "gen_ai_server_time_to_first_token_seconds_count"
    assert seen.value(first, gen_ai_operation_name="embeddings") == 0


async def test_who_waits_and_who_is_refused_is_seen() -> None:
    llm = FakeLLM()
    llm.gate = asyncio.Event()
    async with service_of(llm, max_concurrency=1, max_queue=1) as service:
        stream = await raw_http.send(service.port, CHAT, ASK | {"stream": True})
        await raw_http.read_head(stream[0])
        waiting = asyncio.create_task(service.ask(ASK))
        while (during := await scrape(service)).value("local_chat_queue_depth") == 0:
            pass
        refused = await service.ask(ASK)
        llm.gate.set()
        await waiting
        await raw_http.hang_up(stream[1])
        after = await scrape(service)

    assert during.value("local_chat_running_answers") == 1
    assert during.value("local_chat_running_answers_limit") == 1
    assert during.value("local_chat_queue_limit") == 1
    assert during.value("local_chat_open_streams", transport="sse") == 1
    assert refused.status == 429
    assert after.value("local_chat_queue_refusals_total", error_type="queue_full") == 1
    assert after.value("local_chat_queue_depth") == 0
    assert after.value("local_chat_queue_wait_seconds_count") == 2
    assert after.value("local_chat_queue_wait_seconds_sum") > 0


async def test_failures_of_the_model_server_are_counted_by_kind(
    service: Service, llm: FakeLLM
) -> None:
    llm.play([TextDelta("Hel")], CUT)
    await service.ask(ASK)
    llm.play([TextDelta("Hel")], CUT)
    await service.ask(ASK | {"stream": True})
    llm.failure = GONE
    await service.ask(path="/v1/models")
    seen = await scrape(service)

    errors = "local_chat_upstream_errors_total"
    assert seen.value(errors, error_type="upstream_truncated") == 2
    assert seen.value(errors, error_type="upstream_unavailable") == 1
    assert seen.value("local_chat_answers_abandoned_total") == 0


async def test_each_model_server_is_seen_by_itself_though_another_answers_for_it() -> None:
    async with FakeOllama() as there, FakeOllama() as gone:
        await gone.stop()
        async with service_of(f"{there.url},{gone.url}") as service:
            listed = [await service.ask(path="/v1/models") for _ in range(6)]
            answer = await service.ask(ASK)
            seen = await scrape(service)
            await gone.start()
            await there.stop()
            ready = await service.ask(path="/readyz")
            after = await scrape(service)

    assert {each.status for each in (*listed, answer, ready)} == {200}
    alone, unanswered = "local_chat_upstream_left_alone", "local_chat_upstream_unanswered_total"
    assert seen.value("local_chat_upstream_answered_total", upstream=there.url) > 0
    assert seen.value("local_chat_upstream_answered_total", upstream=gone.url) == 0
    assert seen.value(unanswered, upstream=there.url) == 0
    assert seen.value(unanswered, upstream=gone.url) == 5
    assert seen.value(alone, upstream=there.url) == 0
    assert seen.value(alone, upstream=gone.url) == 1
    assert seen.value("local_chat_upstream_errors_total") == 0
    assert after.value(alone, upstream=gone.url) == 0


async def test_models_of_this_process_have_no_server() -> None:
    async with service_of(FakeLLM(), llm_backend="scripted") as service:
        seen = await scrape(service)

    assert not any(name.startswith("local_chat_upstream_") for name in seen.names)


async def test_a_model_server_that_is_too_slow_is_counted() -> None:
    async with FakeOllama() as server, service_of(server.url, idle_timeout_s=0.01) as service:
        server.script("/api/chat", streamed(text_line("a"), ending=Ending.HANG))
        await service.ask(ASK)
        seen = await scrape(service)

    assert seen.value("local_chat_upstream_errors_total", error_type="idle_timeout") == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_clients_that_leave_are_counted(stream: bool) -> None:  # noqa: FBT001 - a case
    async with FakeOllama() as server, service_of(server.url) as service:
        server.script("/api/chat", streamed(text_line("a"), ending=Ending.HANG))
        _, writer = await raw_http.send(service.port, CHAT, ASK | {"stream": stream})
        await server.arrived("/api/chat")
        await raw_http.hang_up(writer)
        await server.hung_up()
        async with asyncio.timeout(10):
            while not (seen := await scrape(service)).value("local_chat_clients_left_total"):
                pass

    assert seen.value("local_chat_clients_left_total", http_route=CHAT) == 1
    assert seen.value("local_chat_open_streams") == 0
    assert seen.value("http_server_active_requests") == 1


async def test_open_web_sockets_are_counted(service: Service) -> None:
    async with connected(service) as socket:
        await socket.answer()
        during = await scrape(service)
    async with asyncio.timeout(10):
        while (after := await scrape(service)).value("local_chat_open_streams"):
            pass

    assert during.value("local_chat_open_streams", transport="websocket") == 1
    assert (
        after.value("http_server_requests_total", http_route=PATH, http_response_status_code="101")
        == 1
    )


async def test_what_the_store_does_is_counted(service: Service) -> None:
    created = await service.ask({"input": "Hi"}, PATH, OPENAI)
    await service.ask(path=f"{PATH}/{created.json['id']}")
    seen = await scrape(service)

    times = "local_chat_store_operation_duration_seconds_count"
    assert seen.value(times, operation="put") == 1
    assert seen.value(times, operation="get") == 1
    assert seen.value("local_chat_store_errors_total") == 0


async def test_the_process_and_its_loop_are_seen(service: Service) -> None:
    async with asyncio.timeout(10):
        while not (seen := await scrape(service)).value("local_chat_event_loop_lag_seconds_count"):
            pass

    assert seen.value("process_resident_memory_bytes") > 0
    assert seen.value("process_open_fds") > 0
    assert "python_gc_collections_total" in seen.names


async def test_the_form_is_prometheus_own(service: Service) -> None:
    answer = await service.ask(path="/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE gen_ai_client_token_usage histogram\n" in answer.body


@pytest.mark.parametrize(
    ("public", "key", "status"), [(False, "", 401), (False, KEY, 200), (True, "", 200)]
)
async def test_metrics_need_the_key_unless_they_are_public(
    public: bool,  # noqa: FBT001 - a case
    key: str,
    status: int,
) -> None:
    async with service_of(FakeLLM(), api_key=KEY, metrics_public=public) as service:
        answer = await service.ask(path="/metrics", headers={"x-api-key": key} if key else None)
        models = await service.ask(path="/v1/models")

    assert answer.status == status
    assert models.status == 401
    assert KEY.encode() not in answer.body
