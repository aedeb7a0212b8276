"""GET and DELETE /v1/models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domain.errors import UpstreamUnavailableError
from domain.models import Capability, ModelDetails, ModelSummary
from tests.support.fake_llm import FakeLLM, details
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.service import Service

NAME = "hf.co/unsloth/SmolLM2-135M:Q4_K_M"


class Catalogue(FakeLLM):
    """A server that knows more of a model than its name."""

    async def list_models(self) -> Sequence[ModelSummary]:
        known = ModelSummary(
            NAME, 1_700_000_000, "Q4_K_M", "135M", loaded=True, context_length=4096
        )
        return [known, ModelSummary("bare:latest", 1_600_000_000)]


@pytest.fixture
def llm() -> FakeLLM:
    can = frozenset({Capability.COMPLETION, Capability.TOOLS})
    known = ModelDetails(NAME, can, context_length=8192, embedding_length=576)
    return Catalogue(models={NAME: known, "bare": ModelDetails("bare")})


KNOWN: dict[str, Any] = {
    "id": NAME,
    "object": "model",
    "created": 1_700_000_000,
    "owned_by": "unsloth",
    "context_length": 4096,
    "embedding_length": 576,
    "capabilities": ["completion", "tools"],
    "quantization": "Q4_K_M",
    "parameter_size": "135M",
    "loaded": True,
}
BARE = {"object": "model", "created": 1_600_000_000, "owned_by": "library"}


async def test_models_are_listed_with_what_is_known(service: Service) -> None:
    answer = await service.ask(path="/v1/models")

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    # The second cannot be described under this name; it is listed all the same.
    assert answer.json == {"object": "list", "data": [KNOWN, {"id": "bare:latest"} | BARE]}


@pytest.mark.parametrize(
    "spelling",
    [
        "hf.co/unsloth/SmolLM2-135M:Q4_K_M",
        "hf.co%2Funsloth%2FSmolLM2-135M:Q4_K_M",
        "hf.co%2funsloth%2fSmolLM2-135M%3AQ4_K_M",
        "hf.co/unsloth/SmolLM2-135M:Q4_K_M/",
    ],
)
async def test_a_model_is_found_in_any_spelling_of_its_name(
    service: Service, spelling: str
) -> None:
    answer = await service.ask(path=f"/v1/models/{spelling}")

    assert (answer.status, answer.json) == (200, KNOWN)


async def test_a_name_without_a_tag_is_its_latest(service: Service) -> None:
    answer = await service.ask(path="/v1/models/bare")

    assert answer.json == {"id": "bare"} | BARE


async def test_a_model_that_no_list_shows_is_described_all_the_same(
    service: Service, llm: FakeLLM
) -> None:
    llm.models["hidden"] = details("hidden")

    answer = await service.ask(path="/v1/models/hidden")

    assert (answer.json["id"], answer.json["created"]) == ("hidden", 0)


async def test_an_unknown_model_is_not_found(service: Service) -> None:
    answer = await service.ask(path="/v1/models/a%2Fb:c")

    assert answer.status == 404
    assert answer.json["error"] == {
        "message": "The model 'a/b:c' does not exist.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


async def test_a_server_that_is_gone_is_told(service: Service, llm: FakeLLM) -> None:
    llm.failure = UpstreamUnavailableError("gone")

    assert (await service.ask(path="/v1/models/bare")).status == 503


async def test_deleting_is_off(service: Service, llm: FakeLLM) -> None:
    answer = await service.ask(path=f"/v1/models/{NAME}", method="DELETE")

    assert answer.status == 403
    assert answer.json["error"]["code"] == "model_delete_disabled"
    assert "ALLOW_MODEL_DELETE=true" in answer.json["error"]["message"]
    assert NAME in llm.models


async def test_deleting_can_be_turned_on() -> None:
    llm = FakeLLM()
    async with service_of(llm, allow_model_delete=True) as service:
        answer = await service.ask(path="/v1/models/viewer", method="DELETE")
        again = await service.ask(path="/v1/models/viewer", method="DELETE")

    assert (answer.status, answer.json) == (
        200,
        {"id": "viewer", "object": "model", "deleted": True},
    )
    assert again.status == 404
    assert "viewer" not in llm.models


async def test_an_alias_answers_everywhere_under_its_own_name() -> None:
    llm = FakeLLM()
    aliases = "gpt-4o=llama3,text-embedding-3-small=embedder"
    async with service_of(llm, model_aliases=aliases, default_model="gpt-4o") as service:
        listed = await service.ask(path="/v1/models")
        found = await service.ask(path="/v1/models/gpt-4o")
        chat = await service.ask({"messages": [{"role": "user", "content": "Hi"}]})
        text = await service.ask({"model": "gpt-4o:latest", "prompt": "Hi"}, "/v1/completions")
        vectors = await service.ask(
            {"model": "text-embedding-3-small", "input": "Hi"}, "/v1/embeddings"
        )
        ready = await service.ask(path="/readyz")

    assert {"gpt-4o", "text-embedding-3-small"} < {m["id"] for m in listed.json["data"]}
    assert found.json["alias_of"] == "llama3"
    assert [chat.json["model"], text.json["model"], vectors.json["model"]] == [
        "gpt-4o",
        "gpt-4o:latest",
        "text-embedding-3-small",
    ]
    assert [llm.requests[0].model, llm.prompts[0].model] == ["llama3", "llama3"]
    assert llm.embedded[0].model == "embedder"
    assert ready.status == 200
