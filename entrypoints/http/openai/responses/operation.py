"""/v1/responses for the OpenAPI document."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, defstruct

from application.response_events import Began, Ended, ItemAdded, ItemDone, TextAdded
from domain.chat import ChatRequest, Usage
from domain.conversation import ResponseStatus, StoredResponse
from domain.items import AnswerText, ItemStatus, MessageItem
from domain.messages import Role
from domain.sampling import Sampling
from entrypoints.http.openai.operations import Content, operation
from entrypoints.http.openai.responses import (
    answer,
    applied,
    echo,
    events,
    render,
    sse,
    stream,
    wire,
)
from entrypoints.http.openai.responses.tools import Tools


def _response() -> type[Struct]:
    """Return the struct of a Response in either shape; what goes out is put together of bytes."""
    whole = [*msgspec.structs.fields(answer.Head), *msgspec.structs.fields(applied.Echo)]
    shapes: dict[str, Any] = {
        "model": str,
        "output": list[answer.Item] | answer.SimpleOutput,
    }
    fields: list[tuple[str, Any, Any]] = [
        (each.name, shapes.get(each.name, each.type) | UnsetType, UNSET) for each in whole
    ]
    return defstruct("Response", fields, kw_only=True)


Response = _response()
_KINDS = ("created", "queued", "in_progress", "completed", "incomplete", "failed")
# Events that differ in their names alone.
_LIFECYCLE: tuple[Any, ...] = tuple(
    defstruct(
        "Response" + "".join(word.title() for word in kind.split("_")),
        [("response", Response), ("sequence_number", int)],
        tag_field="type",
        tag=f"response.{kind}",
    )
    for kind in _KINDS
)
_Event: Any = (
    events.ItemAdded
    | events.ItemDone
    | events.PartAdded
    | events.PartDone
    | events.TextDelta
    | events.TextDone
    | events.SummaryPartAdded
    | events.SummaryPartDone
    | events.SummaryDelta
    | events.SummaryDone
    | events.ArgumentsDelta
    | events.ArgumentsDone
    | events.CustomInputDelta
    | events.CustomInputDone
)
for _kind in _LIFECYCLE:
    _Event |= _kind

_MODEL = "llama3"
_TEXT = "Hello there, friend."
_MESSAGE = MessageItem("msg_1", Role.ASSISTANT, (AnswerText(_TEXT),))
_BEGUN = StoredResponse(
    id="resp_1",
    created=1_700_000_000,
    model=_MODEL,
    status=ResponseStatus.IN_PROGRESS,
    echo=echo.of(
        wire.ResponsesRequest(), ChatRequest(_MODEL, (), Sampling(temperature=0.7)), Tools()
    ),
)
_ENDED = replace(
    _BEGUN,
    status=ResponseStatus.COMPLETED,
    completed=1_700_000_002,
    output=(_MESSAGE,),
    usage=Usage(9, 5),
)
_RESPONSE: dict[str, object] = msgspec.json.decode(render.response(_ENDED))


def _streamed() -> str:
    empty = MessageItem("msg_1", Role.ASSISTANT, (), ItemStatus.IN_PROGRESS)
    records = stream.ResponseEncoder(_BEGUN).feed(
        [
            Began(_BEGUN),
            ItemAdded(0, empty),
            TextAdded(0, ["Hello there,", " friend."]),
            ItemDone(0, _MESSAGE),
            Ended(_ENDED),
        ]
    )
    return b"".join(map(sse.framed, records)).decode() + "data: [DONE]\n\n"


_REQUESTS: dict[str, object] = {
    "Simple": {"input": "Say hello in three words."},
    "Simple, with instructions": {
        "input": "Why is the sky blue?",
        "instructions": "Answer in one sentence.",
        "temperature": 0.2,
    },
    "OpenAI's": {
        "input": [{"role": "user", "content": "Say hello in three words."}],
        "max_output_tokens": 64,
    },
    "OpenAI's, streamed": {
        "input": "Say hello in three words.",
        "max_output_tokens": 64,
        "stream": True,
    },
    "Going on": {"input": "And in French?", "previous_response_id": "resp_1"},
}

CREATE = operation(
    "responses",
    Content(
        Response,
        {
            "Simple": {"model": _MODEL, "output": {"role": "assistant", "content": _TEXT}},
            "OpenAI's": _RESPONSE,
        },
    ),
    body=Content(wire.ResponsesRequest, _REQUESTS),
    stream=Content(_Event, {"Text": _streamed()}),
)
GET = operation("responses", Content(Response, {"A response": _RESPONSE}))
DELETE = operation(
    "responses",
    Content(answer.Deleted, {"Gone": {"id": "resp_1", "object": "response", "deleted": True}}),
)
CANCEL = operation("responses", Content(Response, {"It had ended": _RESPONSE}))
_QUESTION = {
    "id": "msg_2",
    "type": "message",
    "status": "completed",
    "role": "user",
    "content": [{"type": "input_text", "text": "Say hello in three words."}],
}
ITEMS = operation(
    "responses",
    Content(
        answer.ItemList,
        {
            "One item": {
                "object": "list",
                "data": [_QUESTION],
                "first_id": "msg_2",
                "last_id": "msg_2",
                "has_more": False,
            }
        },
    ),
)
COUNT = operation(
    "responses",
    Content(
        answer.InputTokens, {"Counted": {"object": "response.input_tokens", "input_tokens": 9}}
    ),
    body=Content(wire.InputTokensRequest, {"A text": {"input": "Say hello in three words."}}),
)
COMPACT = operation(
    "responses",
    Content(
        answer.Compacted,
        {
            "A summary": {
                "id": "resp_3",
                "object": "response.compaction",
                "created_at": 1_700_000_000,
                "output": [
                    {"type": "compaction", "id": "cmp_1", "encrypted_content": "czE6SGVsbG8="}
                ],
                "usage": _RESPONSE["usage"],
            }
        },
    ),
    body=Content(
        wire.CompactRequest,
        {"A conversation": {"model": _MODEL, "previous_response_id": "resp_1"}},
    ),
)
