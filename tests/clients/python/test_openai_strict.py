"""Two answers that OpenAI's own client, made strict, takes from nobody: it is its types.

They describe whole completions and vectors of numbers. OpenAI streams completions whose finish
reason is null until the last, and the client asks for vectors in base64 by itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx2
import pytest
from openai import APIResponseValidationError, OpenAI
from openai.types import Completion
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

# A record of a stream in the form that OpenAI's OpenAPI document shows for one.
RECORD = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1690759702,
    "choices": [{"text": "This", "index": 0, "logprobs": None, "finish_reason": None}],
    "model": "gpt-3.5-turbo-instruct",
    "system_fingerprint": "fp_1",
}


@pytest.fixture
def ours() -> OpenAI:
    return OpenAI(_strict_response_validation=True)


@pytest.fixture
def documented() -> OpenAI:
    """Give a client of a server that streams what OpenAI documents."""
    body = f"data: {json.dumps(RECORD)}\n\ndata: [DONE]\n\n"
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text=body, headers=headers))
    return OpenAI(http_client=httpx2.Client(transport=transport), _strict_response_validation=True)


def text(client: OpenAI) -> None:
    for _ in client.completions.create(model="scripted", prompt="a", suffix="b", stream=True):
        pass


def vector(client: OpenAI) -> None:
    client.embeddings.create(model="embedder", input="a")


def faults(ask: Callable[[OpenAI], None], client: OpenAI) -> list[tuple[object, ...]]:
    """Return the fields that the client refuses, each with the kind of the fault."""
    with pytest.raises(APIResponseValidationError) as caught:
        ask(client)
    cause = caught.value.__cause__
    assert isinstance(cause, ValidationError)
    return [(*fault["loc"], fault["type"]) for fault in cause.errors()]


def test_a_streamed_completion_is_refused_for_the_field_that_openai_sends_so(
    ours: OpenAI, documented: OpenAI
) -> None:
    assert faults(text, ours) == faults(text, documented)
    assert faults(text, ours) == [("choices", 0, "finish_reason", "literal_error")]


def test_all_else_in_a_streamed_completion_is_valid(ours: OpenAI) -> None:
    ask = ours.completions.with_streaming_response.create
    with ask(model="scripted", prompt="a", suffix="b", stream=True) as answer:
        *records, done = [line.removeprefix("data: ") for line in answer.iter_lines() if line]

    for record in map(json.loads, records):
        record["choices"][0]["finish_reason"] = "stop"
        Completion.model_validate(record, strict=True)
    assert (len(records) > 1, done) == (True, "[DONE]")


def test_vectors_are_refused_in_the_form_that_the_client_asks_for(ours: OpenAI) -> None:
    assert faults(vector, ours) == [("data", 0, "embedding", "list_type")]
    loose = OpenAI().embeddings.create(model="embedder", input="a")
    assert {type(component) for component in loose.data[0].embedding} == {float}
