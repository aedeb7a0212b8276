"""Every error class of the official client, and how often it asks again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest

from domain.errors import (
    OverloadedError,
    ServiceError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from domain.events import TextDelta
from tests.compat.conftest import in_thread, official, serving_openai
from tests.compat.test_openai_python import ASK, END, Person
from tests.compat.test_openai_python_tools import TOOLS
from tests.support.fake_llm import FakeLLM

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def ask(client: AsyncOpenAI, model: str = "llama3", *, stream: bool = False) -> None:
    """Ask, and read what there is to read."""
    answer = await client.chat.completions.create(model=model, messages=ASK, stream=stream)
    if isinstance(answer, openai.AsyncStream):
        async for _ in answer:
            pass


async def test_a_request_that_makes_no_sense(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model="llama3", messages=ASK, temperature=3)

    error = caught.value
    assert (error.param, error.code) == ("temperature", "decimal_above_max_value")
    assert (error.type, error.status_code) == ("invalid_request_error", 400)
    assert (error.request_id or "").startswith("req_")


async def test_a_request_that_makes_no_sense_to_the_synchronous_client(base_url: str) -> None:
    def wrong(client: OpenAI) -> None:
        client.chat.completions.create(model="llama3", messages=[])

    with pytest.raises(openai.BadRequestError) as caught:
        await in_thread(base_url, wrong)

    assert (caught.value.param, caught.value.code) == ("messages", "empty_array")


async def test_an_unknown_field(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(
            model="llama3", messages=ASK, extra_body={"temprature": 1}
        )

    assert (caught.value.param, caught.value.code) == ("temprature", "unknown_parameter")


async def test_a_model_that_cannot(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model="llama3", messages=ASK, tools=TOOLS)

    assert (caught.value.param, caught.value.code) == ("tools", "unsupported_parameter")


async def test_a_schema_that_is_none(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(
            model="llama3",
            messages=ASK,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"type": "nothing"}},
            },
        )

    assert caught.value.code == "invalid_json_schema"
    assert (caught.value.param or "").startswith("response_format")


@pytest.mark.parametrize("key", ["wrong", "a-key-of-this-tes"], ids=["other", "shorter"])
async def test_a_wrong_key(base_url: str, key: str) -> None:
    async with official(base_url, key=key) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            await ask(client)

    assert caught.value.code == "invalid_api_key"
    assert caught.value.response.headers["www-authenticate"] == "Bearer"


@STREAMED
async def test_a_model_that_is_not_there(client: AsyncOpenAI, *, stream: bool) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await ask(client, "nonesuch", stream=stream)

    assert (caught.value.param, caught.value.code) == ("model", "model_not_found")


async def test_a_path_that_is_not_there(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await client.post("/nonesuch", body={}, cast_to=object)

    assert caught.value.code == "unknown_url"


UPSTREAM: list[tuple[ServiceError, type[openai.APIStatusError], int]] = [
    (OverloadedError("Busy.", code="server_busy"), openai.RateLimitError, 429),
    (UpstreamUnavailableError("Gone.", code="gone"), openai.InternalServerError, 503),
    (UpstreamTimeoutError("Slow.", code="slow"), openai.InternalServerError, 504),
    (UpstreamProtocolError("What?", code="what"), openai.InternalServerError, 502),
    (UpstreamError("Broken.", code="broken"), openai.InternalServerError, 502),
]


@STREAMED
@pytest.mark.parametrize(
    ("failure", "kind", "status"), UPSTREAM, ids=[str(case[0].code) for case in UPSTREAM]
)
async def test_a_model_server_that_fails(
    client: AsyncOpenAI,
    llm: FakeLLM,
    failure: ServiceError,
    kind: type[openai.APIStatusError],
    status: int,
    *,
    stream: bool,
) -> None:
    llm.play(failure)

    with pytest.raises(kind) as caught:
        await ask(client, stream=stream)

    assert (caught.value.status_code, caught.value.code) == (status, failure.code)
    assert caught.value.message.endswith(failure.message)


async def test_a_bug(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play(ZeroDivisionError("a secret"))

    with pytest.raises(openai.InternalServerError) as caught:
        await ask(client)

    assert (caught.value.status_code, caught.value.code) == (500, "internal_error")
    assert "secret" not in str(caught.value)


async def test_a_service_that_is_not_there() -> None:
    async with serving_openai(FakeLLM()) as url:
        pass

    async with official(url) as client:
        with pytest.raises(openai.APIConnectionError):
            await ask(client)


async def test_a_lasting_failure_is_not_asked_for_again(base_url: str, llm: FakeLLM) -> None:
    llm.script = ([TextDelta("no JSON"), END],)

    async with official(base_url, max_retries=2) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.parse(
                model="llama3", messages=ASK, response_format=Person
            )

    assert caught.value.code == "invalid_output"
    assert caught.value.response.headers["x-should-retry"] == "false"
    # The second time is the service's own attempt to mend it.
    assert len(llm.requests) == 2


async def test_a_passing_failure_is_asked_for_again(base_url: str, llm: FakeLLM) -> None:
    llm.play(UpstreamError("Broken.", code="broken"))

    async with official(base_url, max_retries=1) as client:
        await ask(client)

    assert len(llm.requests) == 2
