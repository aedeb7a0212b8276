"""The domain's responses to Responses' wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from domain.items import (
    AnswerText,
    CompactionItem,
    CustomCallItem,
    CustomOutputItem,
    FunctionCallItem,
    FunctionOutputItem,
    ImageInput,
    Item,
    ItemPart,
    MessageItem,
    ReasoningItem,
    Refusal,
)
from domain.messages import ImagePart, TextPart
from entrypoints.http.openai.responses import answer
from entrypoints.http.openai.responses.opaque import Sealed, seal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.chat import TokenLogprob, TopLogprob, Usage
    from domain.conversation import Failure, StoredResponse

_encode = msgspec.json.Encoder().encode


def response(stored: StoredResponse, *, encrypted: bool = False) -> bytes:
    """Return the Response object.

    Args:
        stored: the response.
        encrypted: reasoning items bring what a client can send back to us.
    """
    head = answer.Head(
        id=stored.id,
        created_at=stored.created,
        completed_at=stored.completed,
        status=stored.status.value,
        background=stored.background,
        error=None if stored.failure is None else _error(stored.failure),
        incomplete_details=None
        if stored.shortfall is None
        else answer.IncompleteDetails(stored.shortfall.value),
        model=stored.model,
        output=[item(each, encrypted=encrypted) for each in stored.output],
        previous_response_id=stored.previous_id,
        conversation=UNSET
        if stored.conversation_id is None
        else answer.ConversationReference(stored.conversation_id),
        usage=None if stored.usage is None else usage(stored.usage),
    )
    # The rest was encoded when the request came in, by `echo.py`; it is never empty.
    return _encode(head)[:-1] + b"," + stored.echo[1:]


def simple(stored: StoredResponse) -> bytes:
    """Return the answer in the simple shape."""
    text = "".join(
        part.text
        for each in stored.output
        if isinstance(each, MessageItem)
        for part in each.content
        if isinstance(part, AnswerText)
    )
    return simple_piece(stored.model, text)


def simple_piece(model: str, text: str) -> bytes:
    """Return an answer, or a piece of one, in the simple shape."""
    return _encode(answer.SimpleResponse(model, answer.SimpleOutput("assistant", text)))


def item(given: Item, *, encrypted: bool = False) -> answer.Item:  # noqa: PLR0911 - one for each kind
    """Return an item as it is shown."""
    status = given.status.value
    match given:
        case MessageItem(id_, role, content, _, phase):
            shown = [part(each) for each in content]
            return answer.Message(id_, status, role.value, shown, phase or UNSET)
        case FunctionCallItem(id_, call_id, name, arguments, _, namespace):
            return answer.FunctionCall(id_, status, call_id, name, arguments, namespace or UNSET)
        case FunctionOutputItem(id_, call_id, output):
            return answer.FunctionCallOutput(id_, status, call_id, _output(output))
        case CustomCallItem(id_, call_id, name, text, _, _, namespace):
            return answer.CustomToolCall(id_, status, call_id, name, text, namespace or UNSET)
        case CustomOutputItem(id_, call_id, output):
            return answer.CustomToolCallOutput(id_, status, call_id, _output(output))
        case ReasoningItem():
            return _reasoning(given, encrypted=encrypted)
        case CompactionItem(id_, summary):
            return answer.Compaction(id_, seal(Sealed.SUMMARY, summary))


def part(given: ItemPart) -> answer.Part:
    """Return a part of a message as it is shown."""
    match given:
        case TextPart(text):
            return answer.InputText(text)
        case AnswerText(text, entries):
            return answer.OutputText(text, logprobs=logprobs(entries))
        case Refusal(text):
            return answer.Refusal(text)
        case ImageInput(image, detail):
            if isinstance(image, ImagePart):
                url = f"data:{image.media_type};base64,{image.base64}"
                return answer.InputImage(url, detail)
            return answer.InputImage(image.url, detail)


def logprobs(entries: Iterable[TokenLogprob]) -> list[answer.Logprob]:
    """Return log probabilities in OpenAI's shape."""
    return [
        answer.Logprob(
            entry.token,
            entry.logprob,
            _bytes(entry),
            [answer.TopLogprob(top.token, top.logprob, _bytes(top)) for top in entry.top],
        )
        for entry in entries
    ]


def usage(used: Usage) -> answer.Usage:
    """Return the count of tokens."""
    return answer.Usage(
        input_tokens=used.prompt_tokens,
        input_tokens_details=answer.InputTokensDetails(used.cached_tokens),
        output_tokens=used.completion_tokens,
        output_tokens_details=answer.OutputTokensDetails(used.reasoning_tokens),
        total_tokens=used.prompt_tokens + used.completion_tokens,
    )


def _reasoning(given: ReasoningItem, *, encrypted: bool) -> answer.Reasoning:
    shown = answer.Reasoning(
        given.id, given.status.value, [answer.SummaryText(text) for text in given.summary]
    )
    if given.content:
        shown.content = [answer.ReasoningText(text) for text in given.content]
    if encrypted:
        thought = "\n\n".join(given.content or given.summary)
        shown.encrypted_content = seal(Sealed.THOUGHT, thought)
    return shown


def _output(output: str | Sequence[ItemPart]) -> str | list[answer.Part]:
    return output if isinstance(output, str) else [part(each) for each in output]


def _error(failure: Failure) -> answer.Error:
    return answer.Error(failure.code, failure.message, "server_error")


def _bytes(entry: TokenLogprob | TopLogprob) -> list[int]:
    return list(entry.token.encode() if entry.utf8 is None else entry.utf8)


def deleted(response_id: str) -> bytes:
    """Return what the deletion of a response is answered with."""
    return _encode(answer.Deleted(response_id))


def item_list(items: Sequence[Item], *, has_more: bool, encrypted: bool = False) -> bytes:
    """Return a page of items."""
    return _encode(
        answer.ItemList(
            data=[item(each, encrypted=encrypted) for each in items],
            first_id=items[0].id if items else "",
            last_id=items[-1].id if items else "",
            has_more=has_more,
        )
    )
