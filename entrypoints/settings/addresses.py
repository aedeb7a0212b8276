"""Addresses: those that people write, and those that a client can connect to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

OLLAMA_PORT = 11434
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# What listens at all addresses of a machine, and where it is asked from there.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to listen on


def base_url(text: str, usual_port: int | None = OLLAMA_PORT) -> str:
    """Return the base URL that ``text`` means.

    Takes what ``OLLAMA_HOST`` takes (Ollama `envconfig/config.go`), and URLs that go on to
    ``/v1``, ``/api`` or ``/api/chat``.

    Args:
        text: an address in any form.
        usual_port: where an address without a scheme and a port is.

    Raises:
        ValueError: it means none.
    """
    text = text.strip().strip("\"'")
    if "://" not in text:
        text = f"http://{text if not text.startswith(':') else f'127.0.0.1{text}'}"
        default_port = usual_port
    else:
        default_port = None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        message = "expected an address such as http://localhost:11434"
        raise ValueError(message)
    if "@" in parts.netloc:
        message = "a user and a password in an address are not sent; leave them out"
        raise ValueError(message)
    port = parts.port or default_port
    path = re.sub(r"/(api(/chat)?|v1)?/*$", "", parts.path)
    return f"{parts.scheme}://{host_of_url(parts.hostname)}{f':{port}' if port else ''}{path}"


def host_of_url(host: str) -> str:
    """Return a host as a URL has it; where it listens at all addresses, one of this machine."""
    return bracketed(EVERYWHERE.get(host, host))


def bracketed(host: str) -> str:
    """Return a host as it stands before a port: an address of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
