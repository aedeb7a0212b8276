"""Messages of a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from domain.tools import ToolCall


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of text."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image: its media type and its bytes in standard, padded base64."""

    media_type: str
    base64: str


@dataclass(frozen=True, slots=True)
class ImageLink:
    """An image that is still to be fetched, and the path of the request field that names it."""

    url: str
    param: str


ContentPart: TypeAlias = TextPart | ImagePart | ImageLink


@dataclass(frozen=True, slots=True)
class Message:
    """One turn.

    Attributes:
        content: plain text, or parts in their order; empty where a turn only calls tools.
        tool_calls: calls that an assistant made in this turn.
        tool_call_id: on a tool's turn, the call that it answers.
        tool_name: on a tool's turn, the function's name, where known.
        reasoning: what an assistant thought before this turn, where known.
    """

    role: Role
    content: str | tuple[ContentPart, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    tool_name: str | None = None
    reasoning: str = ""

    @property
    def text(self) -> str:
        """The text of all parts, one line break between two of them."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The images that are at hand, in order."""
        if isinstance(self.content, str):
            return ()
        return tuple(part for part in self.content if isinstance(part, ImagePart))

    @property
    def image_count(self) -> int:
        """How many images there are, those still to be fetched included."""
        if isinstance(self.content, str):
            return 0
        return sum(not isinstance(part, TextPart) for part in self.content)
