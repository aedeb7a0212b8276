"""The tables of the fields of legacy completions and of embeddings are complete, and true.

The fields come from the official client's types: a new release shows here what is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from openai.types import completion_create_params, embedding_create_params

from domain.chat import FinishReason, TokenLogprob
from domain.events import Finished, TextDelta
from domain.models import Capability
from entrypoints.http.openai.completions import support as completions
from entrypoints.http.openai.completions import wire as completions_wire
from entrypoints.http.openai.embeddings import support as embeddings
from entrypoints.http.openai.embeddings import wire as embeddings_wire
from entrypoints.http.openai.support import Status, Table
from tests.compat import fields
from tests.compat.asked import Asked
from tests.support.fake_llm import USAGE, FakeLLM, details
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping


IN_MODULE = pytest.mark.asyncio(loop_scope="module")

BARE = {"model": "llama3", "prompt": "Once"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint, its table, and bodies that have every field of it between them."""

    path: str
    table: Table
    wire: type[completions_wire.CompletionRequest | embeddings_wire.EmbeddingsRequest]
    typed: Sequence[str]
    samples: Sequence[dict[str, Any]]


COMPLETIONS = Endpoint(
    "/v1/completions",
    completions.FIELDS,
    completions_wire.CompletionRequest,
    fields.typed(
        completion_create_params.CompletionCreateParamsNonStreaming,
        completion_create_params.CompletionCreateParamsStreaming,
    ),
    [
        {
            **BARE,
            "echo": True,
            "stream": True,
            "stream_options": {"include_usage": True, "include_obfuscation": False},
            "n": 2,
            "max_tokens": 5,
            "temperature": 0.1,
            "top_p": 0.5,
            "frequency_penalty": 0.5,
            "presence_penalty": 0.5,
            "seed": 1,
            "stop": ["x"],
            "user": "u",
            "options": {"repeat_last_n": 5},
            "top_k": 3,
            "min_p": 0.1,
            "typical_p": 0.9,
            "repeat_penalty": 1.5,
            "num_ctx": 4096,
            "keep_alive": "5m",
            "truncate": True,
            "litellm_metadata": {},
            "provider": {},
            "session_id": "s",
            "tags": ["t"],
            "trace_id": "t",
        },
        {**BARE, "best_of": 2},
        {**BARE, "logprobs": 2, "repetition_penalty": 1.5},
        {**BARE, "model": "filler", "suffix": "."},
        {**BARE, "suffix": ".", "n": 2, "stream": True, "stop": ["x"], "max_tokens": 5},
        {**BARE, "logit_bias": {"5": 1}},
    ],
)
EMBEDDINGS = Endpoint(
    "/v1/embeddings",
    embeddings.FIELDS,
    embeddings_wire.EmbeddingsRequest,
    fields.typed(embedding_create_params.EmbeddingCreateParams),
    [
        {
            "model": "embedder",
            "input": "Hi",
            "encoding_format": "base64",
            "dimensions": 2,
            "user": "u",
            "options": {"num_ctx": 512},
            "keep_alive": "5m",
            "truncate": True,
            "input_type": "query",
            "litellm_metadata": {},
            "priority": 1,
            "task": "t",
        }
    ],
)
BOTH = [pytest.param(endpoint, id=endpoint.path) for endpoint in (COMPLETIONS, EMBEDDINGS)]


def rows(*wanted: Status) -> list[Any]:
    return [
        pytest.param(endpoint, path, id=f"{endpoint.path} {path}")
        for endpoint in (COMPLETIONS, EMBEDDINGS)
        for path, support in endpoint.table.items()
        if support.status in wanted
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked() -> AsyncGenerator[Mapping[str, Asked]]:
    said = TextDelta("Hi", (TokenLogprob("Hi", -0.5, None),))
    llm = FakeLLM([said, Finished(FinishReason.STOP, USAGE)])
    llm.models["filler"] = details("filler", Capability.INSERT)
    async with service_of(llm) as running:
        yield {each.path: Asked(llm, running, each.path) for each in (COMPLETIONS, EMBEDDINGS)}


@pytest.mark.parametrize("endpoint", BOTH)
def test_every_field_of_the_official_client_has_a_status(endpoint: Endpoint) -> None:
    missing = [path for path in endpoint.typed if fields.entry(endpoint.table, path) is None]

    assert missing == [], "say in support.py what becomes of these"
    assert len(endpoint.typed) >= 5


@pytest.mark.parametrize("endpoint", BOTH)
def test_every_field_of_the_parser_has_a_status(endpoint: Endpoint) -> None:
    known = endpoint.wire.__struct_fields__

    assert [name for name in known if name not in endpoint.table] == []


@IN_MODULE
@pytest.mark.parametrize(("endpoint", "path"), rows(Status.HONOURED, Status.EMULATED))
async def test_what_is_honoured_makes_a_difference(
    asked: Mapping[str, Asked], endpoint: Endpoint, path: str
) -> None:
    await asked[endpoint.path].notices(*fields.sample(endpoint.samples, path))


@IN_MODULE
@pytest.mark.parametrize(("endpoint", "path"), rows(Status.ACCEPTED))
async def test_what_is_accepted_makes_none(
    asked: Mapping[str, Asked], endpoint: Endpoint, path: str
) -> None:
    await asked[endpoint.path].passes_over(*fields.sample(endpoint.samples, path))


@IN_MODULE
@pytest.mark.parametrize(("endpoint", "path"), rows(Status.REFUSED))
async def test_what_is_refused_is_named(
    asked: Mapping[str, Asked], endpoint: Endpoint, path: str
) -> None:
    body, way = fields.sample(endpoint.samples, path)

    assert await asked[endpoint.path].refuses(body) == fields.param(body, way)
