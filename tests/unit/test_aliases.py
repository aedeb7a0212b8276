"""Further names of models."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.aliases import AliasedLLM, aliased
from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest
from domain.errors import InvalidRequestError, NotFoundError
from domain.models import ModelSummary
from tests.support import builders
from tests.support.fake_llm import FakeLLM, details
from tests.support.streams import answer

NAMES = {"gpt-4o": "llama3", "text-embedding-3-small": "embedder", "gone": "no-such-model"}


@pytest.fixture
def port(llm: FakeLLM) -> AliasedLLM:
    return AliasedLLM(llm, NAMES)


def test_without_aliases_there_is_nothing_in_between(llm: FakeLLM) -> None:
    assert aliased(llm, {}) is llm
    assert aliased(llm, NAMES) is not llm


@pytest.mark.parametrize("name", ["gpt-4o", "gpt-4o:latest", "GPT-4o"])
async def test_an_alias_is_asked_for_as_what_it_stands_for(
    port: AliasedLLM, llm: FakeLLM, name: str
) -> None:
    await answer(port, builders.ChatRequestFactory.build(model=name))
    await (await port.complete_prompt(CompletionRequest(name, "Hi"))).aclose()

    assert [llm.requests[0].model, llm.prompts[0].model] == ["llama3", "llama3"]


async def test_other_names_go_through(port: AliasedLLM, llm: FakeLLM) -> None:
    await answer(port, builders.ChatRequestFactory.build(model="viewer"))

    assert llm.requests[0].model == "viewer"


async def test_vectors_come_from_what_the_alias_stands_for(port: AliasedLLM, llm: FakeLLM) -> None:
    await port.embed(EmbedRequest("text-embedding-3-small", ("a",)))

    assert llm.embedded[0].model == "embedder"


async def test_aliases_are_listed_where_there_is_a_model(port: AliasedLLM, llm: FakeLLM) -> None:
    llm.models = {name: details(name) for name in ("llama3", "other")}

    assert await port.list_models() == [
        ModelSummary("llama3", 1_700_000_000),
        ModelSummary("gpt-4o", 1_700_000_000, alias_of="llama3"),
        ModelSummary("other", 1_699_999_999),
    ]


async def test_an_alias_hides_the_model_of_its_name(llm: FakeLLM) -> None:
    llm.models = {name: details(name) for name in ("llama3", "gpt-4o:latest")}

    models = await AliasedLLM(llm, {"gpt-4o": "llama3"}).list_models()

    assert [(model.name, model.alias_of) for model in models] == [
        ("llama3", None),
        ("gpt-4o", "llama3"),
    ]


async def test_an_alias_is_described_under_its_own_name(port: AliasedLLM, llm: FakeLLM) -> None:
    assert await port.show_model("gpt-4o") == replace(llm.models["llama3"], name="gpt-4o")


async def test_an_alias_of_nothing_is_not_found(port: AliasedLLM) -> None:
    with pytest.raises(NotFoundError, match="no-such-model"):
        await port.show_model("gone")


async def test_an_alias_is_not_deleted_and_its_model_stays(port: AliasedLLM, llm: FakeLLM) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await port.delete_model("gpt-4o:latest")

    assert (caught.value.code, caught.value.param) == ("model_is_alias", "model")
    assert "llama3" in llm.models


async def test_a_model_is_deleted(port: AliasedLLM, llm: FakeLLM) -> None:
    await port.delete_model("viewer")

    assert "viewer" not in llm.models


async def test_the_rest_is_the_servers(port: AliasedLLM, llm: FakeLLM) -> None:
    await port.check()
    llm.failure = NotFoundError("no")

    with pytest.raises(NotFoundError):
        await port.check()
    await port.aclose()
