"""POST /v1/embeddings."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import EngineOptions
from domain.embeddings import EmbedRequest, EmbedResult, cut, pack, unpack
from tests.support.fake_llm import FakeLLM, vector
from tests.support.service import service_of

if TYPE_CHECKING:
    from tests.support.service import Answer, Service

PATH = "/v1/embeddings"


class Wide(FakeLLM):
    """A server with vectors of 768 components."""

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        whole = await super().embed(request)
        return EmbedResult(
            tuple(pack([0.1 * place for place in range(768)]) for _ in whole.vectors),
            whole.prompt_tokens,
        )


async def ask(service: Service, given: object, **fields: object) -> Answer:
    return await service.ask({"model": "embedder", "input": given, **fields}, PATH)


async def test_a_text_has_one_vector(service: Service) -> None:
    answer = await ask(service, "Say hello.")

    assert answer.status == 200
    assert answer.json == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": list(unpack(vector("Say hello.")))}
        ],
        "model": "embedder",
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }


async def test_base64_and_numbers_agree_bit_for_bit(service: Service) -> None:
    numbers = await ask(service, ["a", "bc"], encoding_format="float")
    text = await ask(service, ["a", "bc"], encoding_format="base64")

    for one, other in zip(numbers.json["data"], text.json["data"], strict=True):
        packed = base64.b64decode(other["embedding"], validate=True)
        assert struct.pack("<4f", *one["embedding"]) == packed
        assert tuple(one["embedding"]) == struct.unpack("<4f", packed)
        assert one["index"] == other["index"]


@pytest.mark.parametrize("encoding_format", ["float", "base64"])
async def test_two_thousand_inputs_come_back_in_order(encoding_format: str) -> None:
    texts = [f"text {number}" for number in range(2048)]
    async with service_of(Wide()) as service:
        answer = await ask(service, texts, encoding_format=encoding_format)

    data: list[dict[str, Any]] = answer.json["data"]
    assert [entry["index"] for entry in data] == list(range(2048))
    assert answer.json["usage"]["prompt_tokens"] == 2 * 2048


async def test_dimensions_cut_and_normalise(service: Service) -> None:
    answer = await ask(service, "Hi", dimensions=2)

    assert answer.json["data"][0]["embedding"] == list(unpack(cut(vector("Hi"), 2)))


async def test_the_engines_options_go_through(service: Service, llm: FakeLLM) -> None:
    answer = await ask(
        service, "Hi", truncate=True, keep_alive="5m", options={"num_ctx": 512}, user="me"
    )

    assert answer.status == 200
    assert llm.embedded == [
        EmbedRequest(
            "embedder",
            ("Hi",),
            engine=EngineOptions({"num_ctx": 512}, "5m", truncate=True),
        )
    ]


async def test_a_hint_that_does_nothing_is_told(service: Service) -> None:
    answer = await ask(service, "Hi", input_type="query")

    assert answer.headers["x-ignored-parameters"] == "input_type"


async def test_without_a_model_the_default_is_asked(llm: FakeLLM) -> None:
    async with service_of(llm, default_model="embedder") as service:
        answer = await service.ask({"input": "Hi"}, PATH)

    assert (answer.status, answer.json["model"]) == (200, "embedder")


async def test_tokens_without_a_vocabulary_name_the_clients_setting(service: Service) -> None:
    answer = await ask(service, [[9906, 11, 1917], [15339]])

    if answer.status != 200:  # the package bpe-openai is optional
        assert answer.status == 400
        assert answer.json["error"]["param"] == "input"
        assert "check_embedding_ctx_length=False" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        pytest.param({}, "input", "missing_required_parameter", id="no input"),
        pytest.param({"input": ""}, "input", "empty_string", id="empty text"),
        pytest.param({"input": []}, "input", "empty_array", id="empty list"),
        pytest.param({"input": ["a", ""]}, "input[1]", "empty_string", id="empty entry"),
        pytest.param({"input": ["a"] * 2049}, "input", "array_above_max_length", id="too many"),
        pytest.param({"input": [True]}, "input[0]", "invalid_type", id="bool"),
        pytest.param({"input": [-1]}, "input[0]", "integer_below_min_value", id="negative"),
        pytest.param({"input": [1.5]}, "input[0]", "invalid_type", id="fraction"),
        pytest.param({"input": ["a", 1]}, "input", "invalid_type", id="mixed"),
        pytest.param({"input": {"a": 1}}, "input", "invalid_type", id="object"),
        pytest.param({"input": "a", "dimensions": 0}, "dimensions", "integer_below_min_value"),
        pytest.param({"input": "a", "dimensions": 5}, "dimensions", "integer_above_max_value"),
        pytest.param({"input": "a", "encoding_format": "int8"}, "encoding_format", "invalid_value"),
        pytest.param({"input": "a", "foo": 1}, "foo", "unknown_parameter", id="unknown"),
        pytest.param({"input": "a", "model": "viewer"}, "model", "unsupported_model", id="chat"),
    ],
)
async def test_what_cannot_be_embedded_is_refused_by_its_field(
    service: Service, fields: dict[str, object], param: str, code: str
) -> None:
    answer = await service.ask({"model": "embedder", **fields}, PATH)

    assert answer.status == 400
    assert (answer.json["error"]["param"], answer.json["error"]["code"]) == (param, code)


async def test_an_unknown_model_is_not_found(service: Service) -> None:
    answer = await ask(service, "Hi", model="nope")

    assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found")
