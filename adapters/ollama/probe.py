"""Is there an Ollama?"""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

_PATIENCE_S = 0.5
_OK = 200


def answers(base_url: str) -> bool:
    """Return whether an Ollama answers at ``base_url``; asked once, at start, so it may block."""
    parts = urlsplit(base_url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/api/version")
        answer = connection.getresponse()
        return answer.status == _OK and b"version" in answer.read(1024)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
