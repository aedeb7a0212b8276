"""Bytes to lines."""

from __future__ import annotations

from domain.errors import UpstreamProtocolError

# Ollama's own client takes lines of up to 8 MB (its source, api/client.go, maxBufferSize).
LINE_LIMIT_BYTES = 8 * 1024 * 1024


class LineSplitter:
    """Cuts at the byte 0x0A and nowhere else.

    JSON text may hold U+2028, U+0085 and their kin unescaped, so ``str.splitlines`` cuts
    inside strings. Unfinished input is kept in pieces: joining on every read is quadratic.
    """

    def __init__(self, limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """Return the lines that ``data`` completes, with their ends; possibly none.

        Raises:
            UpstreamProtocolError: a line is longer than the limit.
        """
        end = data.rfind(b"\n") + 1
        if not end:
            self._keep(data)
            return b""
        block = data[:end]
        if self._pieces:
            block = b"".join((*self._pieces, block))
            self._pieces.clear()
            self._size = 0
        if end != len(data):
            self._keep(data[end:])
        return block

    def finish(self) -> bytes:
        """Return what is left when the input has ended: an unended last line, or nothing."""
        return b"".join(self._pieces)

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            message = "The model server sent a line that is too long."
            raise UpstreamProtocolError(message, code="upstream_too_large")
        self._pieces.append(data)


def split(block: bytes) -> list[bytes]:
    """Return the lines of ``block`` without their ends; blank ones left out."""
    return [line for line in block.split(b"\n") if line and not line.isspace()]
