"""Items to the stores' form and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.stores import form
from domain.chat import TokenLogprob, TopLogprob
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
    ItemStatus,
    MessageItem,
    ReasoningItem,
    Refusal,
)
from domain.messages import ImageLink, ImagePart, Role, TextPart

if TYPE_CHECKING:
    from collections.abc import Sequence


def pack_item(item: Item) -> form.Item:  # noqa: PLR0911 - one for each kind
    """Return ``item`` in the stores' form."""
    status = item.status.value
    match item:
        case MessageItem(id_, role, content, _, phase):
            return form.Message(id_, role.value, [_pack_part(p) for p in content], status, phase)
        case FunctionCallItem(id_, call_id, name, arguments, _, namespace):
            return form.Call(id_, call_id, name, arguments, status, namespace)
        case FunctionOutputItem(id_, call_id, output):
            return form.Output(id_, call_id, _pack_output(output), status)
        case CustomCallItem(id_, call_id, name, text, arguments, _, namespace):
            return form.CustomCall(id_, call_id, name, text, arguments, status, namespace)
        case CustomOutputItem(id_, call_id, output):
            return form.CustomOutput(id_, call_id, _pack_output(output), status)
        case ReasoningItem(id_, summary, thoughts):
            return form.Reasoning(id_, list(summary), list(thoughts), status)
        case CompactionItem(id_, text):
            return form.Compaction(id_, text, status)


def unpack_item(packed: form.Item) -> Item:  # noqa: PLR0911 - one for each kind
    """Return the item that ``packed`` is the form of.

    Raises:
        ValueError: a word in it is unknown.
    """
    status = ItemStatus(packed.status)
    match packed:
        case form.Message():
            content = tuple(map(_unpack_part, packed.content))
            return MessageItem(packed.id, Role(packed.role), content, status, packed.phase)
        case form.Call():
            return FunctionCallItem(
                packed.id,
                packed.call_id,
                packed.name,
                packed.arguments,
                status,
                packed.namespace,
            )
        case form.Output():
            output = _unpack_output(packed.output)
            return FunctionOutputItem(packed.id, packed.call_id, output, status)
        case form.CustomCall():
            return CustomCallItem(
                packed.id,
                packed.call_id,
                packed.name,
                packed.input,
                packed.arguments,
                status,
                packed.namespace,
            )
        case form.CustomOutput():
            output = _unpack_output(packed.output)
            return CustomOutputItem(packed.id, packed.call_id, output, status)
        case form.Reasoning():
            return ReasoningItem(packed.id, tuple(packed.summary), tuple(packed.content), status)
        case form.Compaction():
            return CompactionItem(packed.id, packed.summary, status)


def _pack_output(output: str | Sequence[ItemPart]) -> str | list[form.Part]:
    return output if isinstance(output, str) else [_pack_part(part) for part in output]


def _unpack_output(output: str | Sequence[form.Part]) -> str | tuple[ItemPart, ...]:
    return output if isinstance(output, str) else tuple(map(_unpack_part, output))


def _pack_part(part: ItemPart) -> form.Part:
    match part:
        case TextPart(text):
            return form.Text(text)
        case AnswerText(text, logprobs):
            return form.Answer(text, [_pack_logprob(entry) for entry in logprobs])
        case Refusal(text):
            return form.Refusal(text)
        case ImageInput(image, detail):
            if isinstance(image, ImagePart):
                return form.Image(image.media_type, image.base64, detail)
            return form.Link(image.url, image.param, detail)


def _unpack_part(packed: form.Part) -> ItemPart:
    match packed:
        case form.Text(text):
            return TextPart(text)
        case form.Answer(text, logprobs):
            return AnswerText(text, tuple(map(_unpack_logprob, logprobs)))
        case form.Refusal(text):
            return Refusal(text)
        case form.Image(media_type, data, detail):
            return ImageInput(ImagePart(media_type, data), detail)
        case form.Link(url, param, detail):
            return ImageInput(ImageLink(url, param), detail)


def _pack_logprob(entry: TokenLogprob) -> form.Logprob:
    top = [form.Logprob(other.token, other.logprob, other.utf8) for other in entry.top]
    return form.Logprob(entry.token, entry.logprob, entry.utf8, top)


def _unpack_logprob(packed: form.Logprob) -> TokenLogprob:
    top = tuple(TopLogprob(other.token, other.logprob, other.utf8) for other in packed.top)
    return TokenLogprob(packed.token, packed.logprob, packed.utf8, top)
