"""Tool calls as constrained output.

A model server that has no notion of a forced call, or a model that was not trained to make
calls, can still be held to a JSON Schema. The model then answers with an envelope: either
``{"tool_calls": [{"name": ..., "arguments": {...}}, ...]}`` or, where it may also just answer,
``{"reply": ...}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from domain.errors import InvalidRequestError
from domain.json_schema import DEFINITIONS, plain
from domain.messages import Message, Role
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, OutputFormat, TextFormat
from domain.tools import JSONObject, ToolDefinition

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLS = "tool_calls"
REPLY = "reply"

# What a schema says of itself as a document; within another it is none.
_DOCUMENTS_OWN = frozenset({"$id", "$schema"})

# A weak model would repeat itself until its tokens run out.
_MOST_CALLS = 8
_LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the model may do.

    Attributes:
        tools: the tools on offer; not empty.
        may_reply: whether it may answer instead of calling.
        parallel: whether it may make several calls.
        output: the form of a reply.
    """

    tools: tuple[ToolDefinition, ...]
    may_reply: bool
    parallel: bool
    output: OutputFormat

    def schema(self) -> JSONObject:
        """Return the JSON Schema of the envelope.

        Raises:
            InvalidRequestError: a schema refers to what is not in it.
        """
        lifting = _Lifting(len(self.tools))
        kinds = [
            _object(
                {
                    "name": {"const": tool.name},
                    "arguments": {"type": "object", **lifting.lift(tool.parameters, "tools")},
                }
            )
            for tool in self.tools
        ]
        calls = {
            "type": "array",
            "items": kinds[0] if len(kinds) == 1 else {"anyOf": kinds},
            "minItems": 1,
            "maxItems": _MOST_CALLS if self.parallel else 1,
        }
        envelope = _object({CALLS: calls})
        if self.may_reply:
            reply = _object({REPLY: self._reply(lifting)})
            envelope = {"anyOf": [envelope, reply]}
        return envelope | {DEFINITIONS: lifting.definitions} if lifting.definitions else envelope

    def rule(self, tools_text: str) -> str:
        """Return the instruction that goes with the schema.

        Args:
            tools_text: the tools' names, descriptions and parameters as JSON text.
        """
        call = f'{{"{CALLS}": [{{"name": <tool name>, "arguments": <its arguments>}}]}}'
        lines = ["You can call these tools:", tools_text]
        if self.may_reply:
            lines.append(f"To call a tool, answer with JSON of the form {call}.")
            lines.append(f'To answer without a tool, answer with JSON: {{"{REPLY}": <answer>}}.')
        else:
            lines.append(f"Call a tool now: answer with JSON of the form {call}.")
        return "\n".join(lines)

    def _reply(self, lifting: _Lifting) -> JSONObject:
        match self.output:
            case JSONSchemaFormat(_, schema):
                return lifting.lift(schema, "response_format")
            case JSONObjectFormat():
                return {"type": "object"}
            case TextFormat():
                return {"type": "string"}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


class _Lifting:
    """Takes references out of schemas; those that must stay find their target in ``definitions``.

    Args:
        schemas: how many are to come.
    """

    def __init__(self, schemas: int) -> None:
        self.definitions: dict[str, Any] = {}
        self._schemas = schemas
        self._number = 0

    def lift(self, schema: JSONObject, param: str) -> dict[str, Any]:
        """Return ``schema`` without its definitions.

        Where another has their names for something else, they get new ones.
        """
        self._number += 1
        found = plain(schema, among=self._schemas)
        if found.lost:
            reference = found.lost[0][:_LONGEST_SHOWN]
            message = f"The JSON Schema refers to {reference!r}, which is not a place in it."
            raise InvalidRequestError(message, code="invalid_json_schema", param=param)
        plain_ = {key: value for key, value in found.schema.items() if key not in _DOCUMENTS_OWN}
        # The second is taken only where a client has such names itself, the third never.
        for ending in ("", f"_{self._number}", f"_{self._number}_of_{self._schemas}"):
            lifted = _renamed(plain_, ending)
            if self._agrees(lifted):
                self.definitions |= lifted.pop(DEFINITIONS, {})
                return lifted
        message = "The definitions of several JSON Schemas have names that cannot be told apart."
        raise InvalidRequestError(message, code="invalid_json_schema", param=param)

    def _agrees(self, schema: Mapping[str, Any]) -> bool:
        """Return whether no name of a definition of ``schema`` has another meaning already."""
        return all(
            self.definitions.get(name, definition) == definition
            for name, definition in schema.get(DEFINITIONS, {}).items()
        )


def _renamed(schema: Mapping[str, Any], ending: str) -> dict[str, Any]:
    """Return ``schema`` with ``ending`` at the names of its definitions, and in references."""
    out: dict[str, Any] = {key: _referring(value, ending) for key, value in schema.items()}
    if DEFINITIONS in out:
        named = out[DEFINITIONS]
        out[DEFINITIONS] = {name + ending: definition for name, definition in named.items()}
    return out


def _referring(node: object, ending: str) -> Any:  # noqa: ANN401 - JSON is anything
    if isinstance(node, list):
        return [_referring(item, ending) for item in cast("list[object]", node)]
    if not isinstance(node, Mapping):
        return node
    return {
        key: value + ending
        if key == "$ref" and isinstance(value, str)
        else _referring(value, ending)
        for key, value in cast("Mapping[str, object]", node).items()
    }


def as_text(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return a conversation in which calls and their results are plain text.

    For models whose templates know no calls: what was called reads as the envelope that the
    model writes, and a result as something that the user says.
    """
    return tuple(_as_text(message) for message in messages)


def _as_text(message: Message) -> Message:
    if message.tool_calls:
        calls = ", ".join(
            f'{{"name": "{call.name}", "arguments": {call.arguments}}}'
            for call in message.tool_calls
        )
        text = f'{{"{CALLS}": [{calls}]}}'
        return Message(Role.ASSISTANT, f"{message.text}\n{text}" if message.text else text)
    if message.role is Role.TOOL:
        return Message(Role.USER, f"The tool {message.tool_name or ''} answered: {message.text}")
    return message
