"""The domain's answers to Chat Completions' wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from domain.chat import ChatResult, FinishReason, TokenLogprob, Usage
from entrypoints.http.openai.chat import answer, wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.generation import Generation

_encode = msgspec.json.Encoder().encode

# Names what made the answer; nothing here changes between two answers of one release.
FINGERPRINT = "fp_local"


def completion(
    generation: Generation,
    results: Sequence[ChatResult],
    body: wire.ChatCompletionRequest,
) -> bytes:
    """Return the chat completion object of ``results``, one choice each."""
    old = bool(body.functions)
    logprobs = bool(body.logprobs)
    choices = [
        answer.Choice(
            index,
            _message(result, old=old),
            choice_logprobs(result.logprobs) if logprobs else None,
            finish_reason(result.finish_reason, old=old),
        )
        for index, result in enumerate(results)
    ]
    return _encode(
        answer.ChatCompletion(
            id=generation.id,
            created=generation.created,
            model=generation.model,
            choices=choices,
            usage=usage([result.usage for result in results]),
            system_fingerprint=FINGERPRINT,
            metadata=UNSET if body.metadata is None else body.metadata,
        )
    )


def _message(result: ChatResult, *, old: bool) -> answer.AnswerMessage:
    message = answer.AnswerMessage(content=result.content)
    if result.reasoning:
        message.reasoning = message.reasoning_content = result.reasoning
    if result.tool_calls:
        message.content = result.content or None
        if old:
            call = result.tool_calls[0]
            message.function_call = answer.CallFunction(call.name, call.arguments)
        else:
            message.tool_calls = [
                answer.ToolCall(id=call.id, function=answer.CallFunction(call.name, call.arguments))
                for call in result.tool_calls
            ]
    return message


def finish_reason(reason: FinishReason, *, old: bool) -> str:
    """Return OpenAI's word; the deprecated form has one of its own for calls."""
    return "function_call" if old and reason is FinishReason.TOOL_CALLS else reason.value


def usage(used: Sequence[Usage]) -> answer.Usage:
    """Return the usage of choices that share a prompt: it counts once."""
    prompt = max(one.prompt_tokens for one in used)
    completion = sum(one.completion_tokens for one in used)
    return answer.Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=answer.PromptTokensDetails(max(one.cached_tokens for one in used)),
        completion_tokens_details=answer.CompletionTokensDetails(
            sum(one.reasoning_tokens for one in used)
        ),
    )


def choice_logprobs(entries: Sequence[TokenLogprob]) -> answer.ChoiceLogprobs:
    """Return log probabilities in OpenAI's shape."""
    return answer.ChoiceLogprobs(
        [
            answer.TokenLogprob(
                entry.token,
                entry.logprob,
                _bytes(entry.utf8),
                [answer.Logprob(top.token, top.logprob, _bytes(top.utf8)) for top in entry.top],
            )
            for entry in entries
        ]
    )


def _bytes(utf8: bytes | None) -> list[int] | None:
    return None if utf8 is None else list(utf8)
