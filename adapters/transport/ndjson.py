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

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that ``data`` completes, without their ends; blank ones left out.

        Raises:
            UpstreamProtocolError: a line is longer than the limit.
        """
        if b"\n" not in data:
            self._keep(data)
            return []
        lines = data.split(b"\n")
        rest = lines.pop()
        if self._pieces:
            self._pieces.append(lines[0])
            lines[0] = b"".join(self._pieces)
            self._pieces.clear()
            self._size = 0
        if rest:
            self._keep(rest)
        return [line for line in lines if line and not line.isspace()]

    def finish(self) -> list[bytes]:
        """Return what is left when the input has ended: an unended last line, or nothing."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        return [rest] if rest and not rest.isspace() else []

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            message = "The model server sent a line that is too long."
            raise UpstreamProtocolError(message)
        self._pieces.append(data)
