"""What a response and a conversation must remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.chat import ChatRequest, Usage
from domain.items import InputItem, Item


class ResponseStatus(StrEnum):
    """How far a response has come."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether it will change no more."""
        return self not in (ResponseStatus.QUEUED, ResponseStatus.IN_PROGRESS)


class Shortfall(StrEnum):
    """Why an answer is incomplete."""

    MAX_OUTPUT_TOKENS = "max_output_tokens"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a response failed: a stable word and one sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response, finished or under way.

    Attributes:
        id: unguessable, begins with ``resp_``.
        created: when it was asked for, in whole Unix seconds; so is ``completed``.
        model: by the caller's name.
        echo: the request's own settings in the words of the edge that took it, to be shown
            again as they are; nothing inside reads them.
        input: what this request added to the context, without what it follows.
        output: what the model answered.
        previous_id: the response that this one follows.
        conversation_id: the conversation that this one is part of.
        background: whether it goes on when its caller leaves.
        completed: set where ``status`` is completed.
        usage: None until known.
    """

    id: str
    created: int
    model: str
    status: ResponseStatus
    echo: bytes = b"{}"
    input: tuple[Item, ...] = ()
    output: tuple[Item, ...] = ()
    previous_id: str | None = None
    conversation_id: str | None = None
    background: bool = False
    completed: int | None = None
    usage: Usage | None = None
    failure: Failure | None = None
    shortfall: Shortfall | None = None


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A request for a response.

    Attributes:
        chat: what to ask the model; its messages are this request's instructions alone, and
            the context comes after them.
        input: what this request adds to the context; items without an id get one.
        echo, previous_id, conversation_id, background: as in ``StoredResponse``.
        store: whether the response can be had again.
        custom: those of the tools that take any text; each is a function of one string
            called ``input`` here.
        compacts: what is wanted is one item that stands for the whole context.
        namespaces: of the tools that are in one, its name and their own, by their full names.
    """

    chat: ChatRequest
    input: tuple[InputItem, ...]
    echo: bytes = b"{}"
    previous_id: str | None = None
    conversation_id: str | None = None
    background: bool = False
    store: bool = True
    compacts: bool = False
    custom: frozenset[str] = frozenset()
    namespaces: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation that outlives responses; its items are kept beside it."""

    id: str
    created: int
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
