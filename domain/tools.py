"""Tools that a model may call, and its calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

# A decoded JSON object. Its values are whatever JSON holds; nothing here looks inside
# without checking.
JSONObject: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A function that the model may call.

    Attributes:
        parameters: JSON Schema of its arguments; an object schema.
        strict: the arguments must satisfy the schema.
    """

    name: str
    description: str | None
    parameters: JSONObject
    strict: bool = False


def full_name(namespace: str, name: str) -> str:
    """Return what a model knows a tool by; ``namespace`` is empty where it has none."""
    return f"{namespace}__{name}" if namespace else name


class ToolChoice(StrEnum):
    """Whether the model calls a tool.

    A choice of certain tools is made by offering only those.
    """

    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that a model made; ``arguments`` is the text of a JSON object."""

    id: str
    name: str
    arguments: str
