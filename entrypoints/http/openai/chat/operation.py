"""POST /v1/chat/completions for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from entrypoints.http.openai.chat import answer, wire
from entrypoints.http.openai.operations import Content, operation

_WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}

_REQUESTS: dict[str, object] = {
    "A question": {
        "messages": [
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "Why is the sky blue?"},
        ],
        "max_completion_tokens": 64,
    },
    "Streamed": {
        "messages": [{"role": "user", "content": "Count to five."}],
        "max_completion_tokens": 64,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "A tool on offer": {
        "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
        "tools": [_WEATHER],
        "tool_choice": "auto",
    },
    "JSON that satisfies a schema": {
        "messages": [{"role": "user", "content": "Ada Lovelace was born in 1815."}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "person",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "born": {"type": "integer"}},
                    "required": ["name", "born"],
                    "additionalProperties": False,
                },
            },
        },
    },
}


def _answer(message: dict[str, object], finish_reason: str) -> dict[str, object]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "llama3",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None,
                    "refusal": None,
                    "annotations": [],
                }
                | message,
                "logprobs": None,
                "finish_reason": finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": 24,
            "completion_tokens": 12,
            "total_tokens": 36,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": "fp_local",
    }


_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
}

_STREAM = "".join(
    'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,'
    '"model":"llama3","service_tier":"default","system_fingerprint":"fp_local","choices":'
    f'[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}]}}\n\n'
    for delta, reason in (
        ('{"role":"assistant","content":"","refusal":null}', "null"),
        ('{"content":"One"}', "null"),
        ('{"content":", two"}', "null"),
        ("{}", '"stop"'),
    )
)

CREATE = operation(
    "chat",
    Content(
        answer.ChatCompletion,
        {
            "Text": _answer({"content": "Air scatters blue light most."}, "stop"),
            "A call": _answer({"tool_calls": [_CALL]}, "tool_calls"),
        },
    ),
    body=Content(wire.ChatCompletionRequest, _REQUESTS),
    stream=Content(answer.ChatCompletionChunk, {"Text": f"{_STREAM}data: [DONE]\n\n"}),
)
