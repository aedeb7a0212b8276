"""Items: what the input and the output of a response are made of, in their order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from domain.chat import TokenLogprob
from domain.messages import ImageLink, ImagePart, Role, TextPart


class ItemStatus(StrEnum):
    """How far an item has come."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class ImageInput:
    """An image that someone shows the model; ``detail`` is kept for the record only."""

    image: ImagePart | ImageLink
    detail: str = "auto"


@dataclass(frozen=True, slots=True)
class AnswerText:
    """Text that an assistant wrote."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An assistant's refusal."""

    text: str


ItemPart: TypeAlias = TextPart | ImageInput | AnswerText | Refusal


@dataclass(frozen=True, slots=True)
class MessageItem:
    """What someone says.

    Attributes:
        phase: whether an assistant's message is a ``commentary`` or the ``final_answer``.
    """

    id: str
    role: Role
    content: tuple[ItemPart, ...]
    status: ItemStatus = ItemStatus.COMPLETED
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionCallItem:
    """A function that the model wants called; ``arguments`` is the text of a JSON object."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: ItemStatus = ItemStatus.COMPLETED
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class FunctionOutputItem:
    """What a function returned."""

    id: str
    call_id: str
    output: str | tuple[ItemPart, ...]
    status: ItemStatus = ItemStatus.COMPLETED


@dataclass(frozen=True, slots=True)
class CustomCallItem:
    """A custom tool that the model wants called, with any text as ``input``.

    Attributes:
        arguments: the same as one of a function, for models that know functions only.
    """

    id: str
    call_id: str
    name: str
    input: str
    arguments: str
    status: ItemStatus = ItemStatus.COMPLETED
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class CustomOutputItem:
    """What a custom tool returned."""

    id: str
    call_id: str
    output: str | tuple[ItemPart, ...]
    status: ItemStatus = ItemStatus.COMPLETED


@dataclass(frozen=True, slots=True)
class ReasoningItem:
    """What the model thought, for show (``summary``) and as it was (``content``)."""

    id: str
    summary: tuple[str, ...]
    content: tuple[str, ...] = ()
    status: ItemStatus = ItemStatus.COMPLETED


@dataclass(frozen=True, slots=True)
class CompactionItem:
    """``summary`` stands for a part of a conversation that is left out."""

    id: str
    summary: str
    status: ItemStatus = ItemStatus.COMPLETED


Item: TypeAlias = (
    MessageItem
    | FunctionCallItem
    | FunctionOutputItem
    | CustomCallItem
    | CustomOutputItem
    | ReasoningItem
    | CompactionItem
)


@dataclass(frozen=True, slots=True)
class ItemReference:
    """An item that the caller does not repeat, by its id."""

    id: str


InputItem: TypeAlias = Item | ItemReference

# How the ids of items begin; clients tell kinds apart by them.
PREFIXES: dict[type[Item], str] = {
    MessageItem: "msg_",
    FunctionCallItem: "fc_",
    FunctionOutputItem: "fco_",
    CustomCallItem: "ctc_",
    CustomOutputItem: "ctco_",
    ReasoningItem: "rs_",
    CompactionItem: "cmp_",
}

_OWN_CHARACTERS = 12


def item_id(response_id: str, prefix: str, own: str) -> str:
    """Return the id of an item of a response; ``own`` are 12 characters that no other one has."""
    return f"{prefix}{response_id.partition('_')[2]}{own}"


def response_of(id_: str) -> str:
    """Return the id of the response that an item is of, if its id is one of ``item_id``.

    Whether there is such a response, and it has the item, is another question.
    """
    return f"resp_{id_.partition('_')[2][:-_OWN_CHARACTERS]}"


def size(item: Item) -> int:
    """Return about how many characters ``item`` holds; what bounds count with."""
    match item:
        case MessageItem(_, _, parts):
            return sum(map(_part_size, parts))
        case FunctionCallItem(arguments=text) | CustomCallItem(arguments=text):
            return len(text)
        case FunctionOutputItem(output=output) | CustomOutputItem(output=output):
            return len(output) if isinstance(output, str) else sum(map(_part_size, output))
        case ReasoningItem(_, summary, content):
            return sum(map(len, summary + content))
        case CompactionItem(_, summary):
            return len(summary)


def _part_size(part: ItemPart) -> int:
    match part:
        case ImageInput(image):
            return len(image.base64 if isinstance(image, ImagePart) else image.url)
        case TextPart(text) | AnswerText(text) | Refusal(text):
            return len(text)
