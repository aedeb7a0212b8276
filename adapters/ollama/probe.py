"""Is there an Ollama, and with which models? Asked once, at start, so it may block."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from adapters.engines.decoding import UNREADABLE
from adapters.ollama import requests, wire
from domain.models import Capability, canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE_S = 0.5
_OK = 200
# A list of thousands of models is not asked for what each can do.
_MOST_SHOWN = 16
_MOST_BYTES = 8 * 1024 * 1024


def answers(base_url: str) -> bool:
    """Return whether an Ollama answers at ``base_url``."""
    return b"version" in (_fetch(base_url, "GET", "/api/version") or b"")[:1024]


def default_model(base_urls: Sequence[str], usual: str) -> str:
    """Return ``usual`` if a server has it or none has any, else the newest that chats."""
    found = [(url, tag.model or tag.name) for url in base_urls for tag in _tags(url)]
    if canonical(usual) in {canonical(name) for _, name in found}:
        return usual
    return next((name for url, name in found[:_MOST_SHOWN] if _chats(url, name)), usual)


def _tags(base_url: str) -> list[wire.Tag]:
    try:
        body = _fetch(base_url, "GET", "/api/tags") or b"{}"
        return msgspec.json.decode(body, type=wire.Tags).models or []
    except UNREADABLE:
        return []


def _chats(base_url: str, model: str) -> bool:
    try:
        body = _fetch(base_url, "POST", "/api/show", requests.model(model)) or b""
        capabilities = msgspec.json.decode(body, type=wire.ShowAnswer).capabilities
    except UNREADABLE:
        return False
    return capabilities is None or Capability.COMPLETION in capabilities


def _fetch(base_url: str, method: str, path: str, body: bytes | None = None) -> bytes | None:
    """Return what is answered with status 200, else None."""
    parts = urlsplit(base_url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_PATIENCE_S)
    try:
        connection.request(method, parts.path.rstrip("/") + path, body)
        answer = connection.getresponse()
        return answer.read(_MOST_BYTES) if answer.status == _OK else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
