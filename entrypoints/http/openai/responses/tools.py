"""Tools of a request, and the choice among them, to the domain's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from domain.errors import InvalidRequestError
from domain.tools import ToolChoice, ToolDefinition
from entrypoints.http.openai.parsing import check_together, free_form
from entrypoints.http.openai.responses import wire
from entrypoints.http.openai.responses.parts import missing

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
# What a custom tool is for a model: a function of one text.
_ANY_TEXT: dict[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}

# What works in place of tools that OpenAI runs, by how their types begin.
_INSTEAD = {
    "web_search": "offer a function that searches, and run it in your program",
    "file_search": "put the passages into the input, or offer a function that finds them",
    "code_interpreter": "offer a function that takes code, and run it in your program",
    "computer": "offer functions that act, and images of the screen as their output",
    "image_generation": "offer a function that takes a description of the image",
    "mcp": "connect to the MCP server in your program, and offer its tools as functions",
    "local_shell": "offer a function that takes a command",
    "shell": "offer a function that takes a command",
    "apply_patch": "offer a function that takes a patch",
}
_FUNCTIONS = "offer functions"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a request offers.

    Attributes:
        offered: those that a model can be offered; narrowed down to those that it may call.
        custom: the names of those that are custom tools.
        shown: all that can be offered, as they were sent, with what became of their schemas.
        skipped: paths of those that are passed over.
        one_call: one call at most is wanted.
    """

    offered: tuple[ToolDefinition, ...] = ()
    custom: frozenset[str] = frozenset()
    shown: tuple[tuple[wire.OfferedTool, ToolDefinition], ...] = ()
    skipped: tuple[str, ...] = ()
    choice: ToolChoice = ToolChoice.AUTO
    one_call: bool = False


def tools(given: Sequence[wire.OfferedTool], choice: str | wire.ToolChoiceObject | None) -> Tools:
    """Return what is offered, and how it is to be used.

    Tools that are not run here are passed over where others remain.

    Raises:
        InvalidRequestError: a tool is not well-formed; none of them can be run here, or the one
            that must be called; the choice names one that is not there.
    """
    check_together((it.parameters for it in given), "tools")
    shown: list[tuple[wire.OfferedTool, ToolDefinition]] = []
    refused: list[tuple[str, InvalidRequestError]] = []
    for index, tool in enumerate(given):
        path = f"tools[{index}]"
        if (fault := _fault(tool, path)) is not None:
            refused.append((path, fault))
        else:
            shown.append((tool, _definition(tool, path)))
    if refused and not shown:
        raise refused[0][1]
    offered = Tools(
        offered=tuple(definition for _, definition in shown),
        custom=frozenset(d.name for tool, d in shown if tool.type == "custom"),
        shown=tuple(shown),
        skipped=tuple(path for path, _ in refused),
    )
    return _chosen(offered, choice)


def _fault(tool: wire.OfferedTool, path: str) -> InvalidRequestError | None:
    """Return why a tool cannot be offered to a model, or None."""
    if tool.type == "function":
        return None
    if tool.type == "custom":
        if tool.format is None or tool.format.type == "text":
            return None
        message = (
            "Grammars of custom tools cannot be enforced here: leave out 'format', or offer a "
            "function with a JSON Schema."
        )
        return InvalidRequestError(message, code="unsupported_value", param=f"{path}.format")
    return _hosted(tool.type, f"{path}.type")


def _hosted(kind: str, param: str) -> InvalidRequestError:
    instead = next((text for name, text in _INSTEAD.items() if kind.startswith(name)), _FUNCTIONS)
    message = f"Tools of the type '{kind}' are not run here: {instead}."
    return InvalidRequestError(message, code="unsupported_value", param=param)


def _definition(tool: wire.OfferedTool, path: str) -> ToolDefinition:
    if tool.name is None:
        raise missing(path, "name")
    if tool.type == "custom":
        return ToolDefinition(tool.name, tool.description, _ANY_TEXT)
    parameters = _NO_PARAMETERS
    if tool.parameters is not UNSET and bytes(tool.parameters) != b"null":
        param = f"{path}.parameters"
        parameters = free_form(tool.parameters, param)
        if parameters.get("type", "object") != "object":
            message = f"Invalid schema for function '{tool.name}': its type must be 'object'."
            raise InvalidRequestError(message, code="invalid_function_parameters", param=param)
    return ToolDefinition(tool.name, tool.description, parameters, strict=bool(tool.strict))


def _chosen(given: Tools, choice: str | wire.ToolChoiceObject | None) -> Tools:
    if choice is None:
        return given
    if isinstance(choice, str):
        if choice == "required" and not given.offered:
            raise _needs_tools()
        return replace(given, choice=ToolChoice(choice))
    if choice.type == "allowed_tools":
        return _allowed(given, choice)
    if choice.type not in ("function", "custom"):
        raise _hosted(choice.type, "tool_choice.type")
    if choice.name is None:
        path = "tool_choice"
        raise missing(path, "name")
    offered = _named(given, [choice.name])
    return replace(given, offered=offered, choice=ToolChoice.REQUIRED, one_call=True)


def _allowed(given: Tools, choice: wire.ToolChoiceObject) -> Tools:
    path = "tool_choice"
    if choice.tools is None:
        raise missing(path, "tools")
    names = [tool.name for tool in choice.tools if tool.name and tool.type != "mcp"]
    if not names:
        raise _hosted(choice.tools[0].type, f"{path}.tools")
    return replace(given, offered=_named(given, names), choice=ToolChoice(choice.mode or "auto"))


def _named(given: Tools, names: Sequence[str]) -> tuple[ToolDefinition, ...]:
    if not given.offered:
        raise _needs_tools()
    known = {tool.name for tool in given.offered}
    for name in names:
        if name not in known:
            message = f"Invalid value for 'tool_choice': the tool '{name}' is not in 'tools'."
            raise InvalidRequestError(message, code="invalid_value", param="tool_choice")
    return tuple(tool for tool in given.offered if tool.name in names)


def _needs_tools() -> InvalidRequestError:
    message = "Invalid value for 'tool_choice': it is only allowed when tools are specified."
    return InvalidRequestError(message, param="tool_choice")
