"""The JSON of legacy completions (OpenAI's OpenAPI document, CreateCompletion*)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from entrypoints.http.openai.engine import EngineFields
from entrypoints.http.openai.fields import Fraction, Penalty, Seed, StreamOptions, Temperature
from entrypoints.http.openai.inputs import Inputs


class CompletionRequest(EngineFields, forbid_unknown_fields=True):
    """The body of POST /v1/completions: OpenAI's fields, then those for local models."""

    prompt: Inputs | None = None
    model: str | None = None
    suffix: str | None = None
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    best_of: Annotated[int, Meta(ge=0, le=20)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: Fraction | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: Seed | None = None
    # Editors send a stop for every token of their template; OpenAI takes four.
    stop: str | Annotated[list[str], Meta(min_length=1, max_length=64)] | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = None


class Logprobs(Struct):
    """Log probabilities in the legacy form: lists side by side, one entry a token."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class Choice(Struct):
    """One completion, or in a stream more of it."""

    text: str
    index: int
    logprobs: Logprobs | None
    finish_reason: str | None


class Usage(Struct):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(Struct, kw_only=True):
    """The whole answer, or one record of a stream: they have the same form."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    system_fingerprint: Literal["fp_local"] = "fp_local"
    choices: list[Choice]
    usage: Usage | UnsetType | None = UNSET
