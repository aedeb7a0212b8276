"""Every request that the adapter can write, held against Ollama's contract.

The server's own checks judge (``tests/support/fake_ollama_checks.py``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.chat import ChatRequest, ChatResult, EngineOptions, FinishReason, Usage
from domain.messages import Message, Role
from domain.sampling import JSONObjectFormat, ReasoningEffort, Sampling
from tests.support import builders
from tests.support.fake_ollama_answers import TEXT, THINKING, TOKENS
from tests.support.streams import outcome

if TYPE_CHECKING:
    from tests.contract.conftest import OllamaScenario

ASK = builders.ChatRequestFactory.build()
REQUESTS = {
    "sampling": replace(ASK, sampling=Sampling(0, 1, 0.5, -0.5, 7, 9, ("a", "b"))),
    "json": replace(ASK, output=JSONObjectFormat()),
    "schema": replace(ASK, output=builders.JSONSchemaFormatFactory.build()),
    "logprobs": replace(ASK, top_logprobs=0),
    "alternatives": replace(ASK, top_logprobs=20),
    "engine": replace(
        ASK, engine=EngineOptions({"num_ctx": 4096, "top_k": 1}, "5m", truncate=True)
    ),
    "seconds": replace(ASK, engine=EngineOptions(keep_alive=-1)),
    "tools": replace(
        ASK, model="tools-model", tools=(builders.ToolDefinitionFactory.build(strict=True),)
    ),
    "bare tool": replace(
        ASK,
        model="tools-model",
        tools=(builders.ToolDefinitionFactory.build(description=None, parameters={}),),
    ),
    "image": replace(
        ASK,
        model="viewer",
        messages=(
            builders.MessageFactory.build(
                content=(builders.TextPartFactory.build(), builders.ImagePartFactory.build())
            ),
        ),
    ),
    "history": replace(
        ASK,
        model="thinker",
        messages=(
            Message(Role.SYSTEM, "Be brief."),
            Message(Role.USER, "Weather?"),
            Message(
                Role.ASSISTANT, tool_calls=(builders.ToolCallFactory.build(),), reasoning="Hm."
            ),
            Message(Role.TOOL, "18", tool_call_id="call_1", tool_name="get_weather"),
        ),
    ),
} | {
    f"effort {effort}": replace(ASK, model="thinker", reasoning=effort)
    for effort in ReasoningEffort
}


@pytest.mark.parametrize(
    "request_", [pytest.param(request, id=name) for name, request in REQUESTS.items()]
)
async def test_requests_keep_to_ollamas_contract(
    wired: OllamaScenario, request_: ChatRequest
) -> None:
    result = await outcome(wired.llm, request_)

    assert isinstance(result, ChatResult)
    assert wired.server.violations == []


async def test_the_usual_answer_is_understood(wired: OllamaScenario) -> None:
    assert await outcome(wired.llm, ASK) == ChatResult(TEXT, FinishReason.STOP, Usage(26, 6))


async def test_a_token_limit_is_obeyed(wired: OllamaScenario) -> None:
    result = await outcome(wired.llm, replace(ASK, sampling=Sampling(max_tokens=1)))

    assert result == ChatResult(TOKENS[0], FinishReason.LENGTH, Usage(26, 1))


async def test_thinking_can_be_had_and_left_out(wired: OllamaScenario) -> None:
    ask = replace(ASK, model="thinker")

    thought = await outcome(wired.llm, replace(ask, reasoning=ReasoningEffort.HIGH))
    silent = await outcome(wired.llm, replace(ask, reasoning=ReasoningEffort.NONE))

    assert isinstance(thought, ChatResult)
    assert isinstance(silent, ChatResult)
    assert (thought.reasoning, silent.reasoning) == (THINKING, "")


@pytest.mark.parametrize(
    ("seed", "sent"),
    [
        pytest.param(0, 0, id="zero"),
        pytest.param(2**32 - 2, 2**32 - 2, id="the highest"),
        pytest.param(2**32 - 1, 0, id="the engine's own for chance"),
        pytest.param(-1, 2**32 - 2, id="Ollama's own for chance"),
        pytest.param(2**63 - 1, (2**63 - 1) % (2**32 - 1), id="far beyond"),
    ],
)
async def test_a_seed_is_one_that_the_server_reads_as_it_is(
    wired: OllamaScenario, seed: int, sent: int
) -> None:
    await outcome(wired.llm, replace(ASK, sampling=Sampling(seed=seed)))

    assert wired.server.asked("/api/chat")[0].json["options"]["seed"] == sent


async def test_seeds_side_by_side_stay_apart(wired: OllamaScenario) -> None:
    for number in range(20):
        await outcome(wired.llm, replace(ASK, sampling=Sampling(seed=2**63 - 1 + number)))

    sent = [asked.json["options"]["seed"] for asked in wired.server.asked("/api/chat")]
    assert len({float(seed) for seed in sent}) == 20


@pytest.mark.parametrize("cut", [True, False])
async def test_the_question_is_forgotten_in_the_answers_course_only_where_that_is_asked(
    wired: OllamaScenario,
    cut: bool,  # noqa: FBT001 - a case
) -> None:
    await outcome(wired.llm, replace(ASK, engine=EngineOptions(truncate=cut)))

    sent = wired.server.asked("/api/chat")[0].json
    assert (sent["truncate"], sent["shift"]) == (cut, cut)
