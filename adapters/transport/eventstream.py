"""Bytes to the data of server-sent events (WHATWG HTML, 9.2.6)."""

from __future__ import annotations

from domain.errors import UpstreamProtocolError

# As for lines of NDJSON: more than any answer's piece, and a bound all the same.
EVENT_LIMIT_BYTES = 8 * 1024 * 1024


class EventStream:
    """Gives each event's data; names, ids and comments are dropped.

    Unfinished input is kept in pieces: joining on every read is quadratic.
    """

    def __init__(self, limit_bytes: int = EVENT_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._pieces: list[bytes] = []
        self._rest_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._after_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of the events that ``chunk`` completes.

        Raises:
            UpstreamProtocolError: an event is longer than the limit.
        """
        if self._after_return or b"\r" in chunk:
            chunk = self._plain(chunk)
        events: list[bytes] = []
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines:
            if self._pieces:
                lines[0] = b"".join([*self._pieces, lines[0]])
                self._pieces.clear()
                self._rest_bytes = 0
            for line in lines:
                self._take(line, events)
        if rest:
            self._pieces.append(rest)
            self._rest_bytes += len(rest)
        if self._rest_bytes + self._data_bytes > self._limit:
            message = "The model server sent an event that is too long."
            raise UpstreamProtocolError(message, code="upstream_too_large")
        return events

    def finish(self) -> list[bytes]:
        """Return the data of an event that the end of the input leaves unended, or nothing."""
        events: list[bytes] = []
        self._take(b"".join(self._pieces), events)
        self._pieces.clear()
        self._take(b"", events)
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if line.startswith(b"data:"):
            data = line[6:] if line[5:6] == b" " else line[5:]
            self._data.append(data)
            self._data_bytes += len(data)
        elif not line and self._data:
            events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
            self._data.clear()
            self._data_bytes = 0

    def _plain(self, chunk: bytes) -> bytes:
        """Return ``chunk`` with line feeds only; a return and its feed may lie in two reads."""
        if not chunk:
            return chunk
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
