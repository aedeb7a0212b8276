"""Ollama's completions, vectors and lists of models, where the bytes matter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.ollama.llm import OllamaLLM
from adapters.ollama.requests import ContextWindows
from domain.chat import EngineOptions, FinishReason, TokenLogprob, Usage
from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest, pack
from domain.errors import InvalidRequestError, ServiceError, UpstreamProtocolError
from domain.events import TextDelta
from domain.models import ModelSummary
from domain.sampling import Sampling
from tests.support import fake_ollama_answers as answers
from tests.support.fake_ollama_answers import TEXT
from tests.support.fake_ollama_http import JSON, Framing, Reply
from tests.support.fake_system import CountingIds
from tests.support.streams import flat, fold, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.chat import ChatResult
    from domain.events import ChatEvent
    from tests.contract.conftest import OllamaScenario

ASK = CompletionRequest("smollm2:135m", "Hi", sampling=Sampling(max_tokens=16))
EMBED = EmbedRequest("embedder", ("Hello", "Wörld"))


async def batches(llm: OllamaLLM, request: CompletionRequest) -> list[Sequence[ChatEvent]]:
    taken: list[Sequence[ChatEvent]] = []
    await take(await llm.complete_prompt(request), taken)
    return taken


async def whole(llm: OllamaLLM, request: CompletionRequest) -> ChatResult:
    return fold(await batches(llm, request))


async def test_a_prompt_goes_past_the_template(wired: OllamaScenario) -> None:
    result = await whole(wired.llm, ASK)

    assert (result.content, result.finish_reason) == (TEXT, FinishReason.STOP)
    assert result.usage == Usage(26, 6)
    assert wired.server.asked("/api/generate")[0].json == {
        "model": "smollm2:135m",
        "prompt": "Hi",
        "stream": True,
        "raw": True,
        "options": {"num_predict": 16},
        "truncate": False,
        "shift": False,
    }


async def test_a_suffix_goes_through_the_template(wired: OllamaScenario) -> None:
    await whole(wired.llm, replace(ASK, model="filler", suffix="!"))

    body = wired.server.asked("/api/generate")[0].json
    assert body["suffix"] == "!"
    assert "raw" not in body


async def test_a_suffix_that_the_model_cannot_place_is_refused(wired: OllamaScenario) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await whole(wired.llm, replace(ASK, suffix="!"))

    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "suffix")


async def test_all_that_a_completion_can_ask_keeps_to_the_contract(wired: OllamaScenario) -> None:
    sampling = Sampling(0.5, 0.9, 0.1, 0.2, 7, 9, ("a", "b"))
    engine = EngineOptions({"num_ctx": 4096}, "5m", truncate=True)

    await whole(wired.llm, replace(ASK, sampling=sampling, top_logprobs=2, engine=engine))

    assert wired.server.violations == []


async def test_log_probabilities_come_with_a_completions_text(wired: OllamaScenario) -> None:
    events = flat(await batches(wired.llm, replace(ASK, top_logprobs=0)))

    assert events[0] == TextDelta("Hel", (TokenLogprob("Hel", -0.1054, b"Hel"),))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(
            answers.failed(
                400,
                '{"error":{"code":400,"message":"too long","type":"exceed_context_size_error",'
                '"n_prompt_tokens":9001,"n_ctx":4096}}',
            ),
            id="status",
        ),
        pytest.param(
            answers.streamed(answers.error_line("exceeds the available context size")),
            id="stream",
        ),
    ],
)
async def test_a_prompt_that_is_too_long_is_called_the_prompt(
    wired: OllamaScenario, reply: Reply
) -> None:
    wired.server.script("/api/generate", reply)

    with pytest.raises(InvalidRequestError) as caught:
        await whole(wired.llm, ASK)

    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "prompt")


async def test_the_answer_to_a_wish_to_load_is_no_completion(wired: OllamaScenario) -> None:
    loaded = {"model": "m", "response": "", "done": True, "done_reason": "load"}
    wired.server.script("/api/generate", answers.answered(loaded))

    with pytest.raises(UpstreamProtocolError):
        await whole(wired.llm, ASK)


async def test_vectors_are_packed_as_they_come(wired: OllamaScenario) -> None:
    body = {"embeddings": [[0.6, -0.8], [1, 0]], "prompt_eval_count": 5}
    wired.server.script("/api/embed", answers.answered(body))

    result = await wired.llm.embed(replace(EMBED, dimensions=2))

    assert result.vectors == (pack([0.6, -0.8]), pack([1.0, 0.0]))
    assert result.prompt_tokens == 5
    assert wired.server.asked("/api/embed")[0].json == {
        "model": "embedder",
        "input": ["Hello", "Wörld"],
        "truncate": False,
        "dimensions": 2,
    }


async def test_a_large_answer_is_read_like_a_small_one(wired: OllamaScenario) -> None:
    components = [0.001 * place for place in range(1024)]
    texts = tuple(map(str, range(128)))
    body = {"embeddings": [components] * len(texts)}
    wired.server.script("/api/embed", answers.answered(body))

    result = await wired.llm.embed(replace(EMBED, texts=texts))

    assert result.vectors == (pack(components),) * len(texts)


async def test_a_text_may_be_cut_where_that_is_asked(wired: OllamaScenario) -> None:
    engine = EngineOptions(keep_alive=-1, truncate=True)

    await wired.llm.embed(replace(EMBED, engine=engine))

    body = wired.server.asked("/api/embed")[0].json
    assert (body["truncate"], body["keep_alive"]) == (True, -1)


async def test_every_request_asks_for_the_same_context(wired: OllamaScenario) -> None:
    llm = OllamaLLM(wired.upstream, CountingIds(), ContextWindows(2048))

    await whole(llm, ASK)
    await llm.embed(EMBED)

    generate, embed = wired.server.requests
    assert generate.json["options"]["num_ctx"] == 2048
    assert embed.json["options"] == {"num_ctx": 2048}


async def test_a_text_that_is_too_long_is_called_an_input(wired: OllamaScenario) -> None:
    wired.server.script(
        "/api/embed", answers.failed(400, "the input length exceeds the context length")
    )

    with pytest.raises(InvalidRequestError) as caught:
        await wired.llm.embed(EMBED)

    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "input")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b'{"embeddings":[[1,null]]}', id="null"),
        pytest.param(b'{"embeddings":[["a"]]}', id="text"),
        pytest.param(b'{"embeddings":[[1e39]]}', id="too large"),
        pytest.param(b'{"embeddings":{}}', id="no list"),
    ],
)
async def test_vectors_that_are_none_are_a_failure(wired: OllamaScenario, body: bytes) -> None:
    reply = Reply((body,), headers=JSON, framing=Framing.SIZED)
    wired.server.script("/api/embed", reply)

    with pytest.raises(UpstreamProtocolError):
        await wired.llm.embed(EMBED)


async def test_the_list_tells_what_is_loaded_and_how_models_were_made(
    wired: OllamaScenario,
) -> None:
    models = {model.name: model for model in await wired.llm.list_models()}

    assert models["smollm2:135m"] == ModelSummary(
        "smollm2:135m", 1_786_871_462, "F16", "134.52M", loaded=True, context_length=4096
    )
    assert models["viewer:latest"].loaded is False


async def test_the_list_tells_the_context_that_requests_ask_for(wired: OllamaScenario) -> None:
    windows = ContextWindows(2048, {"viewer": 1024})
    llm = OllamaLLM(wired.upstream, CountingIds(), windows)

    models = {model.name: model.context_length for model in await llm.list_models()}

    assert (models["smollm2:135m"], models["viewer:latest"]) == (2048, 1024)


@pytest.mark.parametrize("reply", [answers.plain("404 page not found", 404)])
async def test_an_old_server_does_not_tell_what_is_loaded(
    wired: OllamaScenario, reply: Reply
) -> None:
    wired.server.always("/api/ps", reply)
    wired.server.always("/api/tags", answers.answered({"models": [{"name": "old:latest"}]}))

    assert await wired.llm.list_models() == [ModelSummary("old:latest", 0)]


async def test_details_are_kept_while_the_list_shows_no_change(wired: OllamaScenario) -> None:
    await wired.llm.list_models()
    first = await wired.llm.show_model("viewer")
    await wired.llm.show_model("thinker")
    await wired.llm.list_models()
    kept = await wired.llm.show_model("viewer")
    assert len(wired.server.asked("/api/show")) == 2

    pulled = {"models": [{"model": "viewer:latest", "digest": "another"}]}
    wired.server.script("/api/tags", answers.answered(pulled))
    await wired.llm.list_models()
    again = await wired.llm.show_model("viewer")

    assert len(wired.server.asked("/api/show")) == 3
    assert first == kept == again
    assert (first.context_length, first.embedding_length) == (8192, 4)


async def test_details_of_a_deleted_model_are_forgotten(wired: OllamaScenario) -> None:
    await wired.llm.show_model("viewer")
    await wired.llm.delete_model("viewer:latest")
    await wired.llm.show_model("viewer")

    assert len(wired.server.asked("/api/show")) == 2
    assert wired.server.asked("/api/delete")[0].json == {"model": "viewer:latest"}


async def test_a_refused_deletion_is_told(wired: OllamaScenario) -> None:
    wired.server.script("/api/delete", answers.failed(500, "no"))

    with pytest.raises(ServiceError):
        await wired.llm.delete_model("viewer")


@pytest.mark.parametrize("path", ["/api/tags", "/api/show"])
async def test_a_catalogue_that_fails_is_told(wired: OllamaScenario, path: str) -> None:
    wired.server.always(path, answers.failed(500, "no"))
    asking = wired.llm.list_models() if path == "/api/tags" else wired.llm.show_model("viewer")

    with pytest.raises(ServiceError):
        await asking


async def test_a_catalogue_that_is_none_is_told(wired: OllamaScenario) -> None:
    wired.server.script("/api/tags", answers.plain("<html>"))

    with pytest.raises(UpstreamProtocolError):
        await wired.llm.list_models()


async def test_details_of_very_many_models_are_not_all_kept(wired: OllamaScenario) -> None:
    wired.server.always("/api/show", answers.answered({"capabilities": ["completion"]}))

    for number in range(257):
        await wired.llm.show_model(f"model-{number}")
    await wired.llm.show_model("model-0")

    assert len(wired.server.asked("/api/show")) == 258
