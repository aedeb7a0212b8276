"""What becomes of exchanges as a real Ollama has them; see ``tests/transcripts``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import ChatResult
from domain.errors import ServiceError, UpstreamError
from domain.models import Capability
from tests.support import builders
from tests.support.streams import outcome
from tests.support.transcripts import Transcript, entries, named

if TYPE_CHECKING:
    from tests.contract.conftest import OllamaScenario

ASK = builders.ChatRequestFactory.build()


async def replayed(wired: OllamaScenario, transcript: Transcript) -> ChatResult | ServiceError:
    wired.server.script(transcript.path, transcript.reply())
    return await outcome(wired.llm, ASK)


def parsed(transcript: Transcript) -> list[dict[str, Any]]:
    return [json.loads(line) for line in transcript.body.split(b"\n") if line]


def joined(transcript: Transcript, key: str) -> str:
    return "".join(line["message"].get(key, "") for line in parsed(transcript))


@pytest.mark.parametrize(
    "transcript",
    [
        pytest.param(entry, id=entry.name)
        for entry in entries()
        if entry.outcome == "ok" and entry.name not in {"chat-load", "chat-unload"}
    ],
)
async def test_good_transcripts_are_understood(
    wired: OllamaScenario, transcript: Transcript
) -> None:
    result = await replayed(wired, transcript)

    lines = parsed(transcript)
    calls = [call["function"] for line in lines for call in line["message"].get("tool_calls", ())]
    assert isinstance(result, ChatResult)
    assert result.content == joined(transcript, "content")
    assert result.reasoning == joined(transcript, "thinking")
    assert [(call.name, json.loads(call.arguments)) for call in result.tool_calls] == [
        (call["name"], call["arguments"]) for call in calls
    ]
    assert [entry.token for entry in result.logprobs] == [
        entry["token"] for line in lines for entry in line.get("logprobs", ())
    ]
    assert result.usage.prompt_tokens == lines[-1].get("prompt_eval_count", 0)
    assert result.usage.completion_tokens == lines[-1].get("eval_count", 0)


@pytest.mark.parametrize(
    "transcript",
    [
        pytest.param(entry, id=entry.name)
        for entry in entries()
        if entry.outcome in {"stream_error", "truncated"}
    ],
)
async def test_bad_transcripts_fail(wired: OllamaScenario, transcript: Transcript) -> None:
    assert isinstance(await replayed(wired, transcript), UpstreamError)


@pytest.mark.parametrize(
    "transcript",
    [pytest.param(entry, id=entry.name) for entry in entries() if entry.outcome == "http_error"],
)
async def test_errors_are_told_in_our_own_words(
    wired: OllamaScenario, transcript: Transcript
) -> None:
    wired.server.script("/api/chat", transcript.reply())

    with pytest.raises(ServiceError) as caught:
        await wired.llm.stream(ASK)

    assert caught.value.message
    assert transcript.body.decode() not in caught.value.message
    assert "internal" not in caught.value.message


@pytest.mark.parametrize(
    "transcript", [pytest.param(entry, id=entry.name) for entry in entries("/api/tags")]
)
async def test_listed_models_are_understood(wired: OllamaScenario, transcript: Transcript) -> None:
    wired.server.script("/api/tags", transcript.reply())

    models = await wired.llm.list_models()

    listed = json.loads(transcript.body)["models"]
    assert [model.name for model in models] == [entry["name"] for entry in listed]
    assert all(model.created > 1_600_000_000 for model in models)


@pytest.mark.parametrize(
    ("name", "capabilities", "context_length"),
    [
        pytest.param(
            "show",
            {Capability.COMPLETION, Capability.TOOLS, Capability.THINKING},
            40960,
            id="chat",
        ),
        pytest.param("show-embedding", {Capability.EMBEDDING}, 512, id="embedding"),
    ],
)
async def test_a_shown_model_is_understood(
    wired: OllamaScenario, name: str, capabilities: set[Capability], context_length: int
) -> None:
    wired.server.script("/api/show", named(name).reply())

    details = await wired.llm.show_model("m")

    assert details.name == "m"
    assert set(details.capabilities or ()) == capabilities
    assert details.context_length == context_length
