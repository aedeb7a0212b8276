"""Chat Completions' wire to the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from domain.chat import ChatRequest
from domain.errors import InvalidRequestError
from domain.sampling import (
    TEXT,
    JSONObjectFormat,
    JSONSchemaFormat,
    OutputFormat,
    ReasoningEffort,
    Sampling,
    Verbosity,
)
from domain.tools import ToolChoice, ToolDefinition
from entrypoints.http.openai.chat import wire
from entrypoints.http.openai.chat.history import messages
from entrypoints.http.openai.engine import engine_options, sampling_options, stops
from entrypoints.http.openai.parsing import check_together, free_form

if TYPE_CHECKING:
    from application.defaults import Defaults

_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}


def to_domain(body: wire.ChatCompletionRequest, defaults: Defaults) -> ChatRequest:
    """Return the request that ``body`` makes.

    Raises:
        InvalidRequestError: fields contradict each other, or ask for what is not supported.
    """
    _refuse(body)
    _check_together(body)
    tools = _tools(body)
    choice, tools, one_call = _choice(body, tools)
    return ChatRequest(
        model=body.model or defaults.model,
        messages=messages(body.messages),
        sampling=_sampling(body, defaults.temperature),
        output=_output(body.response_format),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=body.parallel_tool_calls is not False and not one_call,
        reasoning=_reasoning(body),
        verbosity=Verbosity(body.verbosity) if body.verbosity else None,
        top_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        engine=engine_options(body),
    )


def _refuse(body: wire.ChatCompletionRequest) -> None:
    if body.logit_bias:
        msg = "logit_bias"
        raise _unsupported(msg, "the model server cannot bias single tokens")
    if body.modalities and "audio" in body.modalities:
        msg = "modalities"
        raise _unsupported(msg, "answers are text only")
    for name, why in (
        ("audio", "answers are text only"),
        ("prediction", "the model server cannot use predicted output"),
        ("web_search_options", "this server never leaves the machine; offer a tool instead"),
        ("moderation", "this server does not moderate"),
    ):
        value = getattr(body, name)
        if value is not UNSET and bytes(value) != b"null":
            raise _unsupported(name, why)


def _unsupported(param: str, why: str) -> InvalidRequestError:
    message = f"Unsupported parameter: '{param}': {why}."
    return InvalidRequestError(message, code="unsupported_parameter", param=param)


def _check_together(body: wire.ChatCompletionRequest) -> None:
    if body.stream_options is not None and not body.stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise InvalidRequestError(message, param="stream_options")
    if body.top_logprobs is not None and not body.logprobs:
        message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        raise InvalidRequestError(message, param="top_logprobs")
    both = body.max_tokens is not None and body.max_completion_tokens is not None
    if both and body.max_tokens != body.max_completion_tokens:
        message = "'max_tokens' and 'max_completion_tokens' differ; give one of them."
        raise InvalidRequestError(message, code="invalid_parameter_combination", param="max_tokens")
    if body.functions and body.tools:
        message = "'functions' is the old form of 'tools'; give one of them."
        raise InvalidRequestError(message, code="invalid_parameter_combination", param="functions")


def _sampling(body: wire.ChatCompletionRequest, temperature: float | None) -> Sampling:
    options = body.options
    if options is not None and options.temperature is not UNSET:
        temperature = None
    sampling = Sampling(
        temperature=temperature if body.temperature is None else body.temperature,
        top_p=body.top_p,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        seed=body.seed,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        stop=stops(body.stop),
    )
    return sampling if options is None else sampling_options(sampling, options)


def _output(wanted: wire.ResponseFormat | None) -> OutputFormat:
    match wanted:
        case wire.JSONObjectResponseFormat():
            return JSONObjectFormat()
        case wire.JSONSchemaResponseFormat(schema):
            param = "response_format.json_schema.schema"
            if schema.schema is UNSET:
                message = f"Missing required parameter: '{param}'."
                raise InvalidRequestError(message, code="missing_required_parameter", param=param)
            form = free_form(schema.schema, param)
            if schema.description:
                # A model is shown the schema and nothing else of this.
                form = {"description": schema.description, **form}
            return JSONSchemaFormat(schema.name, form, strict=bool(schema.strict))
        case _:
            return TEXT


def _tools(body: wire.ChatCompletionRequest) -> tuple[ToolDefinition, ...]:
    if body.functions:
        check_together((it.parameters for it in body.functions), "functions")
        return tuple(_tool(f, f"functions[{i}]") for i, f in enumerate(body.functions))
    if not body.tools:
        return ()
    tools: list[ToolDefinition] = []
    functions = (it.function for it in body.tools if not isinstance(it, wire.CustomTool))
    check_together((it.parameters for it in functions), "tools")
    for index, tool in enumerate(body.tools):
        if isinstance(tool, wire.CustomTool):
            msg = f"tools[{index}].type"
            raise _no_custom(msg)
        tools.append(_tool(tool.function, f"tools[{index}].function"))
    return tuple(tools)


def _tool(function: wire.FunctionDefinition, path: str) -> ToolDefinition:
    parameters = _NO_PARAMETERS
    if function.parameters is not UNSET and bytes(function.parameters) != b"null":
        param = f"{path}.parameters"
        parameters = free_form(function.parameters, param)
        if parameters.get("type", "object") != "object":
            message = f"Invalid schema for function '{function.name}': its type must be 'object'."
            raise InvalidRequestError(message, code="invalid_function_parameters", param=param)
    return ToolDefinition(
        function.name, function.description, parameters, strict=bool(function.strict)
    )


def _no_custom(param: str) -> InvalidRequestError:
    message = "Custom tools are not supported; offer a function with one string parameter instead."
    return InvalidRequestError(message, code="unsupported_value", param=param)


def _choice(
    body: wire.ChatCompletionRequest, tools: tuple[ToolDefinition, ...]
) -> tuple[ToolChoice, tuple[ToolDefinition, ...], bool]:
    """Return how tools are used, the tools on offer, and whether one call at most is wanted."""
    choice = body.function_call if body.functions else body.tool_choice
    param = "function_call" if body.functions else "tool_choice"
    match choice:
        case None:
            return ToolChoice.AUTO, tools, bool(body.functions)
        case str():
            if choice == "required" and not tools:
                raise _needs_tools(param)
            return ToolChoice(choice), tools, bool(body.functions)
        case wire.CustomToolChoice():
            msg = f"{param}.type"
            raise _no_custom(msg)
        case wire.AllowedToolChoice(allowed):
            names = [tool.function.name for tool in allowed.tools]
            return ToolChoice(allowed.mode), _named(tools, names, param), False
        case wire.FunctionToolChoice(function) | (wire.NamedFunction() as function):
            return ToolChoice.REQUIRED, _named(tools, [function.name], param), True


def _named(
    tools: tuple[ToolDefinition, ...], names: list[str], param: str
) -> tuple[ToolDefinition, ...]:
    if not tools:
        raise _needs_tools(param)
    known = {tool.name for tool in tools}
    for name in names:
        if name not in known:
            message = f"Invalid value for '{param}': the tool '{name}' is not in 'tools'."
            raise InvalidRequestError(message, code="invalid_value", param=param)
    return tuple(tool for tool in tools if tool.name in names)


def _needs_tools(param: str) -> InvalidRequestError:
    message = f"Invalid value for '{param}': '{param}' is only allowed when tools are specified."
    return InvalidRequestError(message, param=param)


def _reasoning(body: wire.ChatCompletionRequest) -> ReasoningEffort | None:
    if body.think is None:
        return ReasoningEffort(body.reasoning_effort) if body.reasoning_effort else None
    if isinstance(body.think, str):
        return ReasoningEffort(body.think)
    return ReasoningEffort.ON if body.think else ReasoningEffort.NONE
