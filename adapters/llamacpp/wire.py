"""llama.cpp's chunks, as far as they are used."""

from __future__ import annotations

import msgspec

from adapters.engines.wire import TokenLogprob


class Function(msgspec.Struct):
    """Part of a call: the name once, then pieces of the arguments."""

    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct):
    """Part of a call; ``id`` on its first part."""

    function: Function
    index: int = 0
    id: str | None = None


class Delta(msgspec.Struct):
    """What a chunk adds to the message."""

    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None


class Logprobs(msgspec.Struct):
    """The drawn tokens of a chunk."""

    content: list[TokenLogprob] | None = None


class Choice(msgspec.Struct):
    """The part of a chunk that belongs to one answer."""

    delta: Delta
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class PromptTokensDetails(msgspec.Struct):
    """Where the prompt's tokens came from."""

    cached_tokens: int = 0


class Usage(msgspec.Struct):
    """Counts of a whole answer."""

    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: PromptTokensDetails = msgspec.field(default_factory=PromptTokensDetails)


class Failure(msgspec.Struct):
    """Why there is no answer; the counts only where the prompt is too long."""

    message: str = ""
    type: str = ""
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class Chunk(msgspec.Struct):
    """One chunk; the last one holds ``usage`` and no choices."""

    choices: list[Choice] = []
    usage: Usage | None = None
    error: Failure | None = None


class TextChoice(msgspec.Struct):
    """The part of a chunk that goes on with a bare prompt."""

    text: str = ""
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class TextChunk(msgspec.Struct):
    """One chunk of a completion; the last one holds ``usage``, too."""

    choices: list[TextChoice] = []
    usage: Usage | None = None
    error: Failure | None = None


class Embedding(msgspec.Struct):
    """A vector of floats of 32 bits in base64."""

    index: int
    embedding: bytes


class EmbeddingUsage(msgspec.Struct):
    """Counts of all inputs."""

    prompt_tokens: int = 0


class Embeddings(msgspec.Struct):
    """Vectors, or why there are none."""

    data: list[Embedding] = []
    usage: EmbeddingUsage = msgspec.field(default_factory=EmbeddingUsage)
    error: Failure | None = None


class GenerationSettings(msgspec.Struct):
    """How every slot generates; ``n_ctx`` is the context of one slot."""

    n_ctx: int


class Props(msgspec.Struct):
    """What GET /props tells of the loaded model."""

    default_generation_settings: GenerationSettings
