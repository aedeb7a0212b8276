"""Asking for responses, and what they look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.chat import FinishReason
from domain.events import Finished, ToolCallDelta
from domain.messages import ImagePart
from domain.tools import ToolDefinition
from tests.support.fake_llm import USAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.service import Answer, Service

PATH = "/v1/responses"
OPENAI = {"x-responses-shape": "openai"}
STOP = Finished(FinishReason.STOP, USAGE)
CALLED = Finished(FinishReason.TOOL_CALLS, USAGE)
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather",
    "parameters": PARAMETERS,
    "strict": True,
}
WEATHER = ToolDefinition("get_weather", "Weather", PARAMETERS, strict=True)
CALL = ToolCallDelta(0, "call_1", "get_weather", '{"city":"Rome"}')
GIF = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
PIXEL = ImagePart("image/gif", "R0lGODlhAQABAAAAACw=")


def message(text: str = "Hello", id_: str = "msg_4", **more: Any) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "type": "message",
        "id": id_,
        "status": "completed",
        "role": "assistant",
        "content": [part],
        **more,
    }


def response(*output: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_2",
        "object": "response",
        "created_at": 1_700_000_000,
        "completed_at": 1_700_000_000,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": "smollm2:135m",
        "output": list(output),
        "previous_response_id": None,
        "usage": {
            "input_tokens": 7,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 9,
        },
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 0.7,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        **more,
    }


async def ask(service: Service, headers: Mapping[str, str] = OPENAI, /, **body: Any) -> Answer:
    return await service.ask({"input": "Hi"} | body, PATH, headers)
