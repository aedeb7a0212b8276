"""The JSON or TOML of a script."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from domain.models import Capability

Name = Annotated[str, Meta(min_length=1, max_length=256)]
Pattern = Annotated[str, Meta(max_length=500)]
Seconds = Annotated[float, Meta(ge=0, le=3600)]
Count = Annotated[int, Meta(ge=0)]
ErrorKind = Literal[
    "invalid_request",
    "context_length",
    "authentication",
    "permission",
    "not_found",
    "conflict",
    "overloaded",
    "upstream",
    "unavailable",
    "timeout",
    "truncated",
]


class TextMatch(Struct, forbid_unknown_fields=True):
    """What a text has to be like; all that is given has to hold."""

    equals: str | None = None
    contains: str | None = None
    regex: Pattern | None = None


class When(Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a rule is for; all that is given has to hold."""

    model: Name | None = None
    user: str | TextMatch | None = None
    tool_result: str | TextMatch | None = None


class Call(Struct, forbid_unknown_fields=True):
    """A call of a tool."""

    name: Name
    arguments: dict[str, Any] = {}


class Failure(Struct, forbid_unknown_fields=True):
    """A failure, before the first token or after so many."""

    kind: ErrorKind
    message: str | None = None
    code: str | None = None
    retry_after_s: Seconds | None = None
    after_tokens: Count = 0


class Usage(Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens; what is not given is counted."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    cached_tokens: Count = 0
    reasoning_tokens: Count | None = None


class Rule(Struct, forbid_unknown_fields=True):
    """An answer and the requests that it is for."""

    when: When = When()
    times: Annotated[int, Meta(ge=1)] | None = None
    text: str = ""
    reasoning: str = ""
    tool_calls: list[Call] = []
    finish_reason: Literal["stop", "length", "tool_calls"] | None = None
    error: Failure | None = None
    first_token_s: Seconds = 0
    between_tokens_s: Seconds = 0
    usage: Usage = Usage()


class Model(Struct, forbid_unknown_fields=True):
    """A model; with every ability unless told otherwise."""

    name: Name
    capabilities: list[Capability] | None = None
    context_length: Annotated[int, Meta(ge=1)] | None = None


class Script(Struct, forbid_unknown_fields=True):
    """Models and rules; the first rule that is for a request answers it."""

    models: list[Name | Model] = []
    rules: list[Rule] = []
