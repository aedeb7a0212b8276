"""The form that stored values have: structs of the stores' own, version 1."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Usage(Struct, omit_defaults=True):
    """Tokens."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0


class Failure(Struct):
    """Why a response failed."""

    code: str
    message: str


class Logprob(Struct, omit_defaults=True):
    """A token with its log probability; ``top`` is set for drawn ones."""

    token: str
    logprob: float
    utf8: bytes | None = None
    top: list[Logprob] = []


class Text(Struct, tag="text"):
    """Text of a user, or of instructions."""

    text: str


class Answer(Struct, tag="answer", omit_defaults=True):
    """Text of an assistant."""

    text: str
    logprobs: list[Logprob] = []


class Refusal(Struct, tag="refusal"):
    """A refusal."""

    text: str


class Image(Struct, tag="image"):
    """An image by its data."""

    media_type: str
    base64: str
    detail: str


class Link(Struct, tag="link"):
    """An image by its address."""

    url: str
    param: str
    detail: str


Part: TypeAlias = Text | Answer | Refusal | Image | Link


class Message(Struct, tag="message", omit_defaults=True):
    """What someone says."""

    id: str
    role: str
    content: list[Part]
    status: str = "completed"
    phase: str | None = None


class Call(Struct, tag="call", omit_defaults=True):
    """A function call."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: str = "completed"
    namespace: str = ""


class Output(Struct, tag="output", omit_defaults=True):
    """A function's output."""

    id: str
    call_id: str
    output: str | list[Part]
    status: str = "completed"


class CustomCall(Struct, tag="custom_call", omit_defaults=True):
    """A custom tool's call."""

    id: str
    call_id: str
    name: str
    input: str
    arguments: str
    status: str = "completed"
    namespace: str = ""


class CustomOutput(Struct, tag="custom_output", omit_defaults=True):
    """A custom tool's output."""

    id: str
    call_id: str
    output: str | list[Part]
    status: str = "completed"


class Reasoning(Struct, tag="reasoning", omit_defaults=True):
    """Thoughts."""

    id: str
    summary: list[str]
    content: list[str] = []
    status: str = "completed"


class Compaction(Struct, tag="compaction", omit_defaults=True):
    """A summary in place of items."""

    id: str
    summary: str
    status: str = "completed"


Item: TypeAlias = Message | Call | Output | CustomCall | CustomOutput | Reasoning | Compaction


class Response(Struct, kw_only=True, omit_defaults=True):
    """A response."""

    id: str
    created: int
    model: str
    status: str
    echo: bytes = b"{}"
    input: list[Item] = []
    output: list[Item] = []
    previous_id: str | None = None
    conversation_id: str | None = None
    background: bool = False
    completed: int | None = None
    usage: Usage | None = None
    failure: Failure | None = None
    shortfall: str | None = None


class Conversation(Struct):
    """A conversation without its items."""

    id: str
    created: int
    metadata: dict[str, str]
