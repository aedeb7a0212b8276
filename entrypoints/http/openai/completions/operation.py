"""POST /v1/completions for the OpenAPI document."""

from __future__ import annotations

from entrypoints.http.openai.completions import wire
from entrypoints.http.openai.operations import Content, operation

_STREAM = "".join(
    'data: {"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"llama3",'
    f'"system_fingerprint":"fp_local","choices":[{{"text":{text},"index":0,"logprobs":null,'
    f'"finish_reason":{reason}}}]}}\n\n'
    for text, reason in (('" Paris"', "null"), ('"."', "null"), ('""', '"stop"'))
)

CREATE = operation(
    "completions",
    Content(
        wire.Completion,
        {
            "Text": {
                "id": "cmpl-1",
                "object": "text_completion",
                "created": 1_700_000_000,
                "model": "llama3",
                "system_fingerprint": "fp_local",
                "choices": [
                    {"text": " Paris.", "index": 0, "logprobs": None, "finish_reason": "stop"}
                ],
                "usage": {"prompt_tokens": 6, "completion_tokens": 2, "total_tokens": 8},
            }
        },
    ),
    body=Content(
        wire.CompletionRequest,
        {
            "A prompt": {"prompt": "The capital of France is", "max_tokens": 8},
            "Fill in the middle": {
                "prompt": "def add(a, b):\n",
                "suffix": "\n\nprint(add(1, 2))",
                "max_tokens": 32,
            },
            "Streamed": {"prompt": "Once upon a time", "stream": True},
        },
    ),
    stream=Content(wire.Completion, {"Text": f"{_STREAM}data: [DONE]\n\n"}),
)
