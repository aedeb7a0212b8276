"""Tools of a request, and the choice among them, to the domain's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET

from domain.errors import InvalidRequestError
from domain.tools import ToolChoice, ToolDefinition, full_name
from entrypoints.http.openai.parsing import check_together, free_form
from entrypoints.http.openai.responses.parts import missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entrypoints.http.openai.responses import wire

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
class Tool:
    """A tool that a model can be offered.

    Attributes:
        name, description: as they were sent; ``definition`` has what the model is told.
    """

    name: str
    description: str | None
    definition: ToolDefinition
    custom: bool


@dataclass(frozen=True, slots=True)
class Namespace:
    """Tools under one name."""

    name: str
    description: str | None
    tools: tuple[Tool, ...]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a request offers.

    Attributes:
        offered: those that a model can be offered; narrowed down to those that it may call.
        custom: the names of those that are custom tools.
        namespaces: of those that are in one, its name and their own, by the model's names.
        shown: all that can be offered, as they were sent, with what became of their schemas.
        skipped: paths of those that are passed over.
        one_call: one call at most is wanted.
    """

    offered: tuple[ToolDefinition, ...] = ()
    custom: frozenset[str] = frozenset()
    namespaces: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    shown: tuple[Tool | Namespace, ...] = ()
    skipped: tuple[str, ...] = ()
    choice: ToolChoice = ToolChoice.AUTO
    one_call: bool = False


_Refused: TypeAlias = list[tuple[str, InvalidRequestError]]


def tools(given: Sequence[wire.OfferedTool], choice: str | wire.ToolChoiceObject | None) -> Tools:
    """Return what is offered, and how it is to be used.

    Tools that are not run here are passed over where others remain.

    Raises:
        InvalidRequestError: a tool is not well-formed; none of them can be run here, or the one
            that must be called; the choice names one that is not there.
    """
    inside = (tool for outer in given for tool in outer.tools or ())
    check_together((tool.parameters for tool in chain(given, inside)), "tools")
    refused: _Refused = []
    shown: list[Tool | Namespace] = []
    for index, tool in enumerate(given):
        path = f"tools[{index}]"
        if tool.type == "namespace":
            shown.append(_namespace(tool, path, refused))
        else:
            shown += _tool(tool, path, refused)
    flat = [t for each in shown for t in (each.tools if isinstance(each, Namespace) else (each,))]
    if refused and not flat:
        raise refused[0][1]
    offered = Tools(
        offered=tuple(tool.definition for tool in flat),
        custom=frozenset(tool.definition.name for tool in flat if tool.custom),
        namespaces=_namespaces(shown),
        shown=tuple(shown),
        skipped=tuple(path for path, _ in refused),
    )
    return _chosen(offered, choice)


def _namespace(given: wire.OfferedTool, path: str, refused: _Refused) -> Namespace:
    if given.name is None:
        raise missing(path, "name")
    if given.tools is None:
        raise missing(path, "tools")
    tools: list[Tool] = []
    for index, tool in enumerate(given.tools):
        tools += _tool(tool, f"{path}.tools[{index}]", refused, given.name)
    if tools and given.description:
        # Once: a server's instructions may be long, and its tools many.
        first = tools[0].definition
        description = "\n\n".join(filter(None, (given.description, first.description)))
        tools[0] = replace(tools[0], definition=replace(first, description=description))
    return Namespace(given.name, given.description, tuple(tools))


def _namespaces(shown: Iterable[Tool | Namespace]) -> dict[str, tuple[str, str]]:
    plain = {tool.name for tool in shown if isinstance(tool, Tool)}
    found: dict[str, tuple[str, str]] = {}
    for namespace in shown:
        for tool in namespace.tools if isinstance(namespace, Namespace) else ():
            name = tool.definition.name
            if name in plain or name in found:
                message = f"Invalid value for 'tools': two of them come to the name '{name}'."
                raise InvalidRequestError(message, code="invalid_value", param="tools")
            found[name] = (namespace.name, tool.name)
    return found


def _tool(
    given: wire.OfferedTool, path: str, refused: _Refused, namespace: str = ""
) -> tuple[Tool, ...]:
    """Return the tool; none if it cannot be offered, which ``refused`` then tells."""
    if (fault := _fault(given, path)) is not None:
        refused.append((path, fault))
        return ()
    if given.name is None:
        raise missing(path, "name")
    definition = _definition(given, full_name(namespace, given.name), path)
    return (Tool(given.name, given.description, definition, given.type == "custom"),)


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


def _definition(tool: wire.OfferedTool, name: str, path: str) -> ToolDefinition:
    if tool.type == "custom":
        return ToolDefinition(name, tool.description, _ANY_TEXT)
    parameters = _NO_PARAMETERS
    if tool.parameters is not UNSET and bytes(tool.parameters) != b"null":
        param = f"{path}.parameters"
        parameters = free_form(tool.parameters, param)
        if parameters.get("type", "object") != "object":
            message = f"Invalid schema for function '{tool.name}': its type must be 'object'."
            raise InvalidRequestError(message, code="invalid_function_parameters", param=param)
    return ToolDefinition(name, tool.description, parameters, strict=bool(tool.strict))


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
    # One in a namespace goes by its own name, too.
    own = {tool.name: given.namespaces.get(tool.name, ("", ""))[1] for tool in given.offered}
    known = {*own, *own.values()}
    for name in names:
        if name not in known:
            message = f"Invalid value for 'tool_choice': the tool '{name}' is not in 'tools'."
            raise InvalidRequestError(message, code="invalid_value", param="tool_choice")
    return tuple(t for t in given.offered if t.name in names or own[t.name] in names)


def _needs_tools() -> InvalidRequestError:
    message = "Invalid value for 'tool_choice': it is only allowed when tools are specified."
    return InvalidRequestError(message, param="tool_choice")
