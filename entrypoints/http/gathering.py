"""What is written in one step of the loop is sent in one step.

uvicorn writes an answer's head and its body, or a stream's last piece and its end, one after the
other, and uvloop sends each at once: two system calls, two packets, and a client that is woken
twice. A proxied answer spends a tenth of its time on the second.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

# More than that is not held back: whoever writes must notice a client that does not read.
_HELD_BYTES = 64 * 1024


class GatheringTransport(asyncio.Transport):
    """Stands before a connection's transport and holds writes until the loop's next step."""

    def __init__(self, transport: asyncio.Transport, loop: AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send ``data`` with what else is written before the loop's next step."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(bytes(data))
        self._size += len(data)
        if self._size > _HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what is held."""
        if not self._held:
            return
        data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held.clear()
        self._size = 0
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Send what is held, then close."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Drop what is held, and the connection."""
        self._held.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """As the transport behind."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - asyncio's
        """As the transport behind."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """As the transport behind."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """As the transport behind."""
        self._transport.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """As the transport behind."""
        self._transport.set_protocol(protocol)
