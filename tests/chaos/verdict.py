"""What an answer must be like, whatever was asked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from entrypoints.http.auth import PUBLIC
from tests.chaos.asks import KEY, Ask
from tests.support.asking import data_of
from tests.support.sockets import ENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.raw_http import Head

_SHOWN_BYTES = 600
_EMPTY = (101, 204)
_ORIGIN = re.compile(r"https?://[^/]*")
_POST = Ask("/", b"")
_FIELDS = {"message", "type", "param", "code"}


def wrong(head: Head, data: bytes, ask: Ask = _POST) -> str | None:
    """Return what is wrong with an answer; None where nothing is."""
    kind = head.headers.get("content-type", "")
    try:
        if head.status >= 500:
            well = False
        elif ask.method == "HEAD" or head.status in _EMPTY:
            well = not data
        elif kind.startswith("text/event-stream"):
            return _wrong_stream(data)
        elif kind.startswith("application/json"):
            body: Any = json.loads(data)
            well = _well(head.status, body.get("error"))
        else:
            well = bool(data) and (_is_page(head, ask) or "upgrade" in ask.headers)
    except (ValueError, AttributeError, LookupError, TypeError):
        return f"{head.status} not understood: {data[:_SHOWN_BYTES]!r}"
    return None if well else f"{head.status} {data[:_SHOWN_BYTES]!r}"


def trespass(ask: Ask, head: Head) -> str | None:
    """Return what is wrong with who was let in."""
    given = {ask.headers.get("x-api-key", KEY), *_bearers(ask)}
    named = ask.headers.keys() & {"x-api-key", "authorization"}
    # A target may be a whole URL.
    path = unquote(ask.path.partition("?")[0])
    if origin := _ORIGIN.match(path):
        path = path[origin.end() :]
    path = path.rstrip("/")
    is_open = not path or path.startswith(PUBLIC)
    if head.status < 300 and not is_open and (not named or given != {KEY}):
        return f"{head.status} without the key"
    return None


def wrong_turn(events: Sequence[dict[str, Any]]) -> str | None:
    """Return what is wrong with the events of a turn on a WebSocket."""
    last = events[-1]
    try:
        error: Any = last.get("error") or last.get("response", {}).get("error")
        if last["type"] == "error":
            well = last["status"] < 500 and error["code"] and error["message"]
        else:
            well = last["type"] in ENDS and (not error or error["type"] == "invalid_request_error")
    except (AttributeError, LookupError, TypeError):
        well = False
    return None if well else f"a turn ends with {str(last)[:_SHOWN_BYTES]}"


def _is_page(head: Head, ask: Ask) -> bool:
    return ask.method == "GET" and (head.status == 200 or "/docs" in ask.path)


def _bearers(ask: Ask) -> set[str]:
    value = ask.headers.get("authorization")
    if value is None:
        return set()
    scheme, _, key = value.partition(" ")
    return {key.strip() if scheme.lower() == "bearer" else ""}


def _well(status: int, error: Any) -> bool:
    if status == 200:
        return error is None
    return error.keys() == _FIELDS and bool(error["message"])


def _wrong_stream(data: bytes) -> str | None:
    frames = [frame for frame in data.decode().split("\n\n") if frame and frame[0] != ":"]
    last = data_of(frames[-1].partition("data: ")[2])
    if last == "[DONE]":
        return None
    record: Any = json.loads(last)
    error: Any = record.get("error") or record.get("response", {}).get("error") or {}
    if record.get("type") in ENDS and not error:
        return None
    if error.get("type") == "invalid_request_error":
        return None
    return f"a stream ends with {last[:_SHOWN_BYTES]}"
