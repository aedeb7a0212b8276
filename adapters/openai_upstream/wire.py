"""OpenAI's JSON as engines speak it, as far as it is used.

What is read are vLLM's, SGLang's, llama.cpp's, Ollama's and this service's own answers, which
differ in what they add and leave out: nearly everything may be missing or null.
"""

from __future__ import annotations

from msgspec import Struct

from adapters.engines.wire import TokenLogprob


class Function(Struct):
    """Part of a call's function: the name once, then pieces of the arguments."""

    name: str | None = None
    arguments: str | None = None


class CallDelta(Struct):
    """Part of a call; the id comes with its first part."""

    index: int = 0
    id: str | None = None
    function: Function | None = None


class Delta(Struct, gc=False):
    """What a chunk adds; thoughts go by two names."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[CallDelta] | None = None


class Logprobs(Struct):
    """The drawn tokens of a chunk: in chat's form, or in parallel lists as completions have it."""

    content: list[TokenLogprob] | None = None
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None


class Choice(Struct, gc=False):
    """The part of a chunk that belongs to one answer; completions have ``text``."""

    delta: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class PromptDetails(Struct):
    """Where the prompt's tokens came from."""

    cached_tokens: int | None = None


class CompletionDetails(Struct):
    """What the answer's tokens are."""

    reasoning_tokens: int | None = None


class Usage(Struct):
    """Counts of the answer so far."""

    prompt_tokens: int = 0
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class Failure(Struct):
    """Why there is no answer; the counts are llama.cpp's, of a prompt that is too long."""

    message: str | None = None
    type: str | None = None
    param: str | None = None
    code: int | str | None = None
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class Chunk(Struct, gc=False):
    """One event of a stream."""

    choices: list[Choice] = []
    usage: Usage | None = None
    error: Failure | str | None = None


class ErrorBody(Struct):
    """Body of an answer with an error status: OpenAI's form."""

    error: Failure | str


class Embedding(Struct):
    """A vector: numbers, or floats of 32 bits in base64."""

    embedding: str | list[float]
    index: int = 0


class EmbedAnswer(Struct):
    """Vectors (POST /v1/embeddings)."""

    data: list[Embedding]
    usage: Usage | None = None


class ModelMeta(Struct):
    """What llama.cpp tells of a model."""

    n_ctx_train: int | None = None
    n_embd: int | None = None


class Model(Struct):
    """A model; ``max_model_len`` is vLLM's, ``capabilities`` and lengths are this service's."""

    id: str
    created: float | None = None
    max_model_len: int | None = None
    context_length: int | None = None
    embedding_length: int | None = None
    capabilities: list[str] | None = None
    loaded: bool | None = None
    meta: ModelMeta | None = None


class Models(Struct):
    """GET /v1/models."""

    data: list[Model] | None = None
