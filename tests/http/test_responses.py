"""POST /v1/responses: one answer, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.sampling import ReasoningEffort, Verbosity
from tests.support.responses import CALL, CALLED, TOOL, WEATHER, ask, message, response

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service


async def test_a_response_is_whole(service: Service) -> None:
    answer = await ask(service)

    assert answer.status == 200
    assert answer.json == response(message())


async def test_what_was_applied_is_repeated(service: Service, llm: FakeLLM) -> None:
    llm.play([CALL, CALLED])
    sent: dict[str, Any] = {
        "model": "thinker",
        "instructions": "Be brief.",
        "max_output_tokens": 64,
        "max_tool_calls": 3,
        "metadata": {"topic": "tea"},
        "parallel_tool_calls": False,
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
        "prompt_cache_key": "k",
        "reasoning": {"effort": "low", "summary": "auto"},
        "safety_identifier": "s",
        "store": False,
        "temperature": 1.5,
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "tool_choice": "auto",
        "tools": [TOOL],
        "top_logprobs": 2,
        "top_p": 0.5,
        "truncation": "auto",
        "user": "u",
    }

    answer = await ask(service, **sent, service_tier="auto")

    assert answer.json | sent == answer.json
    request = llm.requests[0]
    assert request.sampling.max_tokens == 64
    assert request.sampling.top_p == 0.5
    assert request.sampling.presence_penalty == 0.5
    assert request.sampling.frequency_penalty == -0.5
    assert request.reasoning is ReasoningEffort.LOW
    assert request.verbosity is Verbosity.LOW
    assert request.tools == (WEATHER,)
    assert not request.parallel_tool_calls
    assert request.engine.truncate
    assert request.top_logprobs is None


async def test_null_means_not_given(service: Service) -> None:
    names = (
        "model instructions stream stream_options store background previous_response_id "
        "conversation include temperature top_p max_output_tokens max_tool_calls top_logprobs "
        "tools tool_choice parallel_tool_calls text reasoning truncation metadata user "
        "safety_identifier prompt_cache_key prompt_cache_retention prompt_cache_options "
        "service_tier prompt moderation context_management"
    )

    answer = await ask(service, **dict.fromkeys(names.split()))

    assert answer.json == response(message())
    assert "x-ignored-parameters" not in answer.headers


async def test_unknown_fields_inside_are_left_out_and_named(service: Service) -> None:
    answer = await ask(
        service,
        input=[{"role": "user", "content": "Hi", "cache_control": {}}],
        context_management=[{"type": "compaction"}],
        session_id="s",
    )

    assert answer.status == 200
    named = answer.headers["x-ignored-parameters"].split(", ")
    assert sorted(named) == ["context_management", "input[].cache_control", "session_id"]
