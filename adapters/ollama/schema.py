"""JSON Schema, made plain for Ollama.

Only some keys of a tool's schema reach the model's prompt (Ollama `api/types.go`,
ToolFunctionParameters and ToolProperty): ``$ref``, ``oneOf``, ``allOf`` and ``const`` in a
property are dropped without a word. What has an equal in the keys that survive is rewritten.
The grammar of ``format`` takes references at the top only. A reference that leads back to
itself has no plain form and stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from domain.json_schema import inline_references

if TYPE_CHECKING:
    from collections.abc import Mapping


def for_tool(schema: Mapping[str, Any], *, among: int = 1) -> dict[str, Any]:
    """Return the parameters of one of so many tools in the keys that Ollama keeps."""
    plain = _kept(inline_references(schema, among=among))
    plain.setdefault("type", "object")
    plain.setdefault("properties", {})
    return plain


def _kept(node: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in node.items():
        match key:
            case "const":
                out["enum"] = [value]
            case "oneOf" | "anyOf" if isinstance(value, list):
                out["anyOf"] = [_kept_or_any(item) for item in cast("list[object]", value)]
            case "properties" if isinstance(value, dict):
                named = cast("dict[str, object]", value)
                out[key] = {name: _kept_or_any(item) for name, item in named.items()}
            case "items":
                out[key] = _kept_or_any(value)
            case _:
                out[key] = value
    return out


def _kept_or_any(node: object) -> dict[str, Any]:
    """Return a schema; one that takes anything is written ``true``, which Ollama refuses."""
    return _kept(cast("dict[str, Any]", node)) if isinstance(node, dict) else {}
