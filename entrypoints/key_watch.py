"""Keys that change while the service runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from application.keyring import Caller, KeyRing
    from application.ports.system import ClockPort

_log = structlog.stdlib.get_logger()
_LOOK_S = 1.0


class KeyWatch:
    """Knows the keys of now: looks at their file when one is used, once a second at most.

    A file that cannot be used changes nothing, and the log tells the lines at fault.
    """

    def __init__(self, ring: KeyRing, clock: ClockPort) -> None:
        self._ring = ring
        self._now = clock.monotonic
        self._next = self._now() + _LOOK_S
        self.closed = ring.closed
        self.reload()

    def find(self, key: bytes) -> Caller | None:
        """Return whose ``key`` is, or None."""
        self.look()
        return self._ring.find(key)

    def look(self) -> None:
        """Read the file if it has changed, and if it was not looked at just now."""
        now = self._now()
        if now >= self._next:
            self._next = now + _LOOK_S
            if self._ring.has_changed():
                self.reload()

    def reload(self) -> None:
        """Read the file now."""
        if not self._ring.has_file:
            return
        loaded = self._ring.reload()
        if not loaded.private:
            _log.warning("key_file_open_to_others", hint="chmod 600")
        if loaded.problems:
            _log.error("key_file_unusable", problems=list(loaded.problems), kept="the keys before")
        else:
            _log.info("keys_loaded", keys=loaded.keys)
