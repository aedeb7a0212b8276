"""Reading the stream of a response, and the rules that every one keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})


def read(body: bytes) -> list[dict[str, Any]]:
    """Return the records of an SSE body; a comment is none.

    Raises:
        ValueError: it is not of the form that responses have.
    """
    *frames, rest = body.decode().split("\n\n")
    if rest:
        message = "the last record has no end"
        raise ValueError(message)
    frames = [frame for frame in frames if not frame.startswith(":")]
    if frames and frames[-1] == "data: [DONE]":
        frames.pop()
    return [_record(frame) for frame in frames]


def faults(records: Sequence[dict[str, Any]]) -> list[str]:
    """Return what is wrong with the order of a stream's records; nothing where all is well."""
    types = [record["type"] for record in records]
    rules = {
        "numbers": [r["sequence_number"] for r in records] == list(range(len(records))),
        "begin": types[:2] == ["response.created", "response.in_progress"],
        "one end": sum(kind in TERMINAL for kind in types) == 1,
        "end last": types[-1] in TERMINAL,
        "one id": len({r["response"]["id"] for r in records if "response" in r}) == 1,
        "items": _items(records) == records[-1]["response"]["output"],
        "deltas": all(_joined(records, item) for item in _items(records)),
    }
    return [rule for rule, kept in rules.items() if not kept]


def _record(frame: str) -> dict[str, Any]:
    first, second = frame.split("\n")
    data: dict[str, Any] = json.loads(second.removeprefix("data: "))
    if first != f"event: {data['type']}":
        message = f"{first} is not the event of {data['type']}"
        raise ValueError(message)
    return data


def _items(records: Sequence[dict[str, Any]]) -> list[Any]:
    return [r["item"] for r in records if r["type"] == "response.output_item.done"]


def _joined(records: Sequence[dict[str, Any]], item: dict[str, Any]) -> bool:
    """Return whether an item's deltas are its text, between its begin and its end."""
    own = [r for r in records if _is_of(r, item["id"])]
    begin, end = own[0]["type"], own[-1]["type"]
    framed = (begin, end) == ("response.output_item.added", "response.output_item.done")
    return framed and "".join(r.get("delta", "") for r in own) == _text(item)


def _is_of(record: dict[str, Any], item_id: str) -> bool:
    return item_id in (record.get("item_id"), record.get("item", {}).get("id"))


def _text(item: dict[str, Any]) -> str:
    match item["type"]:
        case "message":
            return "".join(part["text"] for part in item["content"])
        case "reasoning":
            return "".join(part["text"] for part in item["summary"])
        case "function_call":
            return str(item["arguments"])
        case _:
            return str(item["input"])
