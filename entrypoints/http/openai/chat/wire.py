"""The JSON of Chat Completions (OpenAI's OpenAPI document, CreateChatCompletion*)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from entrypoints.http.openai.engine import EngineFields
from entrypoints.http.openai.fields import (
    CacheRetention,
    Effort,
    Fraction,
    ImageURL,
    Metadata,
    Name,
    Penalty,
    Seed,
    ShortText,
    StreamOptions,
    Temperature,
    Tokens,
    TopLogprobs,
    Verbosity,
)

ServiceTier = Literal["auto", "default", "flex", "scale", "priority", "fast"]
# Names that a caller offers beside OpenAI's; the same as Ollama's own.
Think = bool | Literal["low", "medium", "high", "max"]


class TextPart(Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    """Text."""

    text: str
    prompt_cache_breakpoint: msgspec.Raw | UnsetType = UNSET


class ImagePart(Struct, tag_field="type", tag="image_url", forbid_unknown_fields=True):
    """An image; a bare string stands for its URL in the wild."""

    image_url: ImageURL | str
    prompt_cache_breakpoint: msgspec.Raw | UnsetType = UNSET


class AudioPart(Struct, tag_field="type", tag="input_audio"):
    """Audio, which is refused."""

    supported: ClassVar[bool] = False


class FilePart(Struct, tag_field="type", tag="file"):
    """A file, which is refused."""

    supported: ClassVar[bool] = False


class RefusalPart(Struct, tag_field="type", tag="refusal", forbid_unknown_fields=True):
    """An assistant's refusal."""

    refusal: str


Part = TextPart | ImagePart | AudioPart | FilePart | RefusalPart
Parts = Annotated[list[Part], Meta(min_length=1)]


class FunctionCall(Struct, forbid_unknown_fields=True):
    """What an assistant called; the arguments are JSON text."""

    name: str
    arguments: str = ""


class HistoryCall(Struct, tag_field="type", tag="function", forbid_unknown_fields=True):
    """A call in the history."""

    id: str
    function: FunctionCall
    index: int | UnsetType = UNSET


class SystemMessage(Struct, tag_field="role", tag="system", forbid_unknown_fields=True):
    """Instructions."""

    content: str | Parts
    name: str | None = None


class DeveloperMessage(Struct, tag_field="role", tag="developer", forbid_unknown_fields=True):
    """Instructions, by their newer name."""

    content: str | Parts
    name: str | None = None


class UserMessage(Struct, tag_field="role", tag="user", forbid_unknown_fields=True):
    """What the user says."""

    content: str | Parts
    name: str | None = None


class AssistantMessage(Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True):
    """An earlier answer. Clients send back what they got, nulls and all."""

    content: str | Parts | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[HistoryCall] | None = None
    function_call: FunctionCall | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    annotations: msgspec.Raw | UnsetType = UNSET
    audio: msgspec.Raw | UnsetType = UNSET


class ToolMessage(Struct, tag_field="role", tag="tool", forbid_unknown_fields=True):
    """A tool's result."""

    content: str | Parts
    tool_call_id: str
    name: str | None = None


class FunctionMessage(Struct, tag_field="role", tag="function", forbid_unknown_fields=True):
    """A function's result, in the deprecated form, which errors do not tell of."""

    supported: ClassVar[bool] = False

    name: str
    content: str | None = None


Message = (
    SystemMessage
    | DeveloperMessage
    | UserMessage
    | AssistantMessage
    | ToolMessage
    | FunctionMessage
)


class FunctionDefinition(Struct, forbid_unknown_fields=True):
    """A function on offer."""

    name: Name
    description: str | None = None
    parameters: msgspec.Raw | UnsetType = UNSET
    strict: bool | None = None


class FunctionTool(Struct, tag_field="type", tag="function", forbid_unknown_fields=True):
    """A function as a tool."""

    function: FunctionDefinition


class CustomTool(Struct, tag_field="type", tag="custom"):
    """A tool with free input, which is refused."""

    supported: ClassVar[bool] = False


Tool = FunctionTool | CustomTool


class NamedFunction(Struct, forbid_unknown_fields=True):
    """A function's name."""

    name: str


class FunctionToolChoice(Struct, tag_field="type", tag="function", forbid_unknown_fields=True):
    """This function and no other."""

    function: NamedFunction


class CustomToolChoice(Struct, tag_field="type", tag="custom"):
    """A custom tool, which is refused."""

    supported: ClassVar[bool] = False


class AllowedTools(Struct, forbid_unknown_fields=True):
    """Some of the tools."""

    mode: Literal["auto", "required"]
    tools: Annotated[list[FunctionToolChoice], Meta(min_length=1)]


class AllowedToolChoice(Struct, tag_field="type", tag="allowed_tools", forbid_unknown_fields=True):
    """Only some of the tools."""

    allowed_tools: AllowedTools


ToolChoice = (
    Literal["none", "auto", "required"] | FunctionToolChoice | CustomToolChoice | AllowedToolChoice
)


class TextResponseFormat(Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    """Free text."""


class JSONObjectResponseFormat(
    Struct, tag_field="type", tag="json_object", forbid_unknown_fields=True
):
    """A JSON object."""


class JSONSchema(Struct, forbid_unknown_fields=True):
    """A named schema."""

    name: Name
    description: str | None = None
    schema: msgspec.Raw | UnsetType = UNSET
    strict: bool | None = None


class JSONSchemaResponseFormat(
    Struct, tag_field="type", tag="json_schema", forbid_unknown_fields=True
):
    """JSON that satisfies a schema."""

    json_schema: JSONSchema


ResponseFormat = TextResponseFormat | JSONObjectResponseFormat | JSONSchemaResponseFormat


class ChatCompletionRequest(EngineFields, forbid_unknown_fields=True):
    """The body of POST /v1/chat/completions: OpenAI's fields, then those for local models."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    temperature: Temperature | None = None
    top_p: Fraction | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    max_completion_tokens: Tokens | None = None
    max_tokens: Tokens | None = None
    stop: str | Annotated[list[str], Meta(min_length=1, max_length=4)] | None = None
    seed: Seed | None = None
    logprobs: bool | None = None
    top_logprobs: TopLogprobs | None = None
    logit_bias: dict[str, float] | None = None
    response_format: ResponseFormat | None = None
    tools: Annotated[list[Tool], Meta(max_length=128)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[FunctionDefinition], Meta(min_length=1, max_length=128)] | None = None
    function_call: Literal["none", "auto"] | NamedFunction | None = None
    reasoning_effort: Effort | None = None
    verbosity: Verbosity | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: msgspec.Raw | UnsetType = UNSET
    prediction: msgspec.Raw | UnsetType = UNSET
    web_search_options: msgspec.Raw | UnsetType = UNSET
    moderation: msgspec.Raw | UnsetType = UNSET
    service_tier: ServiceTier | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    user: str | None = None
    safety_identifier: ShortText | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: CacheRetention | None = None
    prompt_cache_options: msgspec.Raw | UnsetType = UNSET
    think: Think | None = None
