"""Sockets on which several processes listen."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any

from entrypoints.settings.addresses import bracketed

if TYPE_CHECKING:
    from collections.abc import Iterable

_BACKLOG = 2048


def sockets(host: str, port: int, count: int) -> list[list[socket.socket]]:
    """Return for each process what listens at each of the host's addresses.

    On Linux each has its own, and the system spreads connections over them; as the parent keeps
    them open, those that wait for a process which ends are its successor's. Elsewhere all
    processes have the same.

    Raises:
        OSError: the address cannot be used, or another program does.
    """
    made: list[list[socket.socket]] = [[] for _ in range(count)]
    for family, address in _addresses(host, port):
        for its, listener in zip(made, _at(family, address, port, count), strict=True):
            its.append(listener)
        port = port or made[0][0].getsockname()[1]
    return made


def pause(listeners: Iterable[socket.socket]) -> None:
    """Let connections come to other processes until one listens here again.

    Those that wait already are cut.
    """
    if sys.platform == "linux":
        listening = (
            each for each in listeners if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        )
        for each in listening:
            each.shutdown(socket.SHUT_RD)


def check(host: str, port: int) -> None:
    """Return if the host's addresses are free.

    Raises:
        OSError: one cannot be used, or another program does.
    """
    for family, address in _addresses(host, port):
        _bound(family, address, shared=False).close()


def shown(listener: socket.socket) -> str:
    """Return where it listens, as in a URL."""
    host, port, *_ = listener.getsockname()
    return f"{bracketed(host)}:{port}"


def _addresses(host: str, port: int) -> Iterable[tuple[int, tuple[Any, ...]]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return dict.fromkeys((each[0], each[4]) for each in found)


def _at(family: int, address: tuple[Any, ...], port: int, count: int) -> list[socket.socket]:
    address = (address[0], port, *address[2:])
    if sys.platform != "linux":
        return [_bound(family, address, shared=False)] * count
    # Those that share an address do not notice another program that does: this one would.
    with _bound(family, address, shared=False) as alone:
        address = alone.getsockname()
    return [_bound(family, address, shared=True) for _ in range(count)]


def _bound(family: int, address: tuple[Any, ...], *, shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        if shared:
            made.listen(_BACKLOG)
    except BaseException:
        made.close()
        raise
    made.setblocking(False)  # noqa: FBT003 - the library's
    return made
