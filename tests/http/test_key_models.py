"""A key for some models knows of no others, whichever way it asks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import raw_http
from tests.support.keys import bearer, key_of, line, write
from tests.support.responses import OPENAI, PATH
from tests.support.service import CHAT, service_of
from tests.support.sockets import connected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

HI: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
async def team(llm: FakeLLM, tmp_path: Path) -> AsyncGenerator[Service]:
    path = write(
        tmp_path,
        line("all"),
        line("one", "models=llama3:latest,nope"),
        line("alias", "models=gpt-4o"),
    )
    async with service_of(
        llm,
        api_key_file=str(path),
        model_aliases="gpt-4o=llama3,gpt-4=thinker",
        allow_model_delete=True,
    ) as running:
        yield running


def refusal(model: str) -> Any:
    return {
        "error": {
            "message": f"This API key does not have access to the model '{model}'.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, HI),
        (CHAT, HI | {"stream": True}),
        (CHAT, HI | {"n": 2, "tools": [{"type": "function", "function": {"name": "f"}}]}),
        (PATH, {"input": "Hi"}),
        (PATH, {"input": "Hi", "stream": True}),
        (PATH, {"input": "Hi", "background": True}),
        (PATH, {"input": "Hi", "background": True, "stream": True}),
        (f"{PATH}/input_tokens", {"input": "Hi"}),
        (f"{PATH}/compact", {"input": "Hi"}),
        ("/v1/completions", {"prompt": "Hi"}),
        ("/v1/completions", {"prompt": "Hi", "suffix": "Ho"}),
        ("/v1/completions", {"prompt": ["Hi", "Ho"], "stream": True}),
        ("/v1/embeddings", {"input": "Hi"}),
    ],
)
async def test_other_models_are_refused_everywhere(
    team: Service, llm: FakeLLM, path: str, body: dict[str, Any]
) -> None:
    for model in ("thinker", "gpt-4", "embedder", "not-there", "llama3:8b"):
        answer = await team.ask(body | {"model": model}, path, bearer("one") | OPENAI)

        assert (answer.status, answer.json) == (403, refusal(model))
    assert (llm.requests, llm.prompts, llm.embedded) == ([], [], [])


async def test_the_default_model_is_no_exception(team: Service) -> None:
    answer = await team.ask(HI, headers=bearer("one"))

    assert (answer.status, answer.json) == (403, refusal("smollm2:135m"))


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_other_models_are_neither_described_nor_deleted(
    team: Service, llm: FakeLLM, method: str
) -> None:
    path = "/v1/models/thinker"
    answer = await team.ask(path=path, headers=bearer("one"), method=method)

    assert (answer.status, answer.json) == (403, refusal("thinker"))
    assert "thinker" in llm.models


@pytest.mark.parametrize(
    ("name", "models"),
    [("one", {"llama3", "gpt-4o"}), ("alias", {"gpt-4o"})],
)
async def test_only_ones_own_models_are_listed(team: Service, name: str, models: set[str]) -> None:
    mine = await team.ask(path="/v1/models", headers=bearer(name))
    everyones = await team.ask(path="/v1/models", headers=bearer("all"))

    assert {model["id"] for model in mine.json["data"]} == models
    assert {model["id"] for model in everyones.json["data"]} > {"llama3", "thinker", "gpt-4"}


@pytest.mark.parametrize(
    ("name", "model", "status"),
    [
        ("one", "llama3", 200),
        ("one", "LLaMA3", 404),
        ("one", "gpt-4o", 200),
        ("one", "nope", 404),
        ("alias", "gpt-4o", 200),
        ("alias", "llama3", 403),
        ("all", "thinker", 200),
    ],
)
async def test_names_mean_what_they_mean(team: Service, name: str, model: str, status: int) -> None:
    answer = await team.ask(HI | {"model": model}, headers=bearer(name))

    assert answer.status == status


async def test_a_turn_on_a_websocket_asks_no_other_model(team: Service, llm: FakeLLM) -> None:
    async with asyncio.timeout(10), connected(team, bearer("one")) as socket:
        refused = await socket.refusal(model="thinker")
        warmed = await socket.answer(model="llama3", generate=False)
        made = await socket.answer(model="llama3")

    assert (refused["code"], refused["param"]) == ("model_not_found", "model")
    assert [warmed["status"], made["status"]] == ["completed"] * 2
    assert [request.model for request in llm.requests] == ["llama3"]


async def test_probes_know_the_default_model_whatever_keys_may(team: Service) -> None:
    assert (await team.ask(path="/readyz", headers=bearer("one"))).status == 200


async def test_requests_on_one_connection_are_each_of_their_own_key(team: Service) -> None:
    asked = [json.dumps(HI | {"model": model}).encode() for model in ("llama3", "thinker")]
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", team.port)
        # Both before the first answer, as proxies do that share connections between clients.
        for name, body in zip(("one", "all"), asked, strict=True):
            head = (
                f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key_of(name)}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
        heads: list[raw_http.Head] = []
        for _ in asked:
            heads.append(await raw_http.read_head(reader))
            await raw_http.read_body(reader, heads[-1])
        await raw_http.hang_up(writer)

    assert [head.status for head in heads] == [200, 200]


@pytest.mark.parametrize("name", ["one", "alias"])
async def test_figures_of_all_models_are_for_keys_of_all_models(team: Service, name: str) -> None:
    await team.ask(HI | {"model": "thinker"}, CHAT, bearer("all"))
    refused = await team.ask(path="/metrics", headers=bearer(name))
    shown = await team.ask(path="/metrics", headers=bearer("all"))

    assert (refused.status, refused.json["error"]["code"]) == (403, "insufficient_permissions")
    assert b"thinker" not in refused.body
    assert (shown.status, b"thinker" in shown.body) == (200, True)


async def test_public_figures_are_for_all(llm: FakeLLM, tmp_path: Path) -> None:
    path = write(tmp_path, line("one", "models=llama3"))
    async with service_of(llm, api_key_file=str(path), metrics_public=True) as service:
        answers = [
            await service.ask(path="/metrics", headers=headers) for headers in (bearer("one"), {})
        ]

    assert [answer.status for answer in answers] == [200, 200]
