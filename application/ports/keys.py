"""The port to the file that keys are kept in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class KeyFileError(Exception):
    """The file cannot be used; the text says why, and nothing of what is in it."""


class KeyFilePort(Protocol):
    """A text that others may change at any time."""

    def stamp(self) -> tuple[int, ...] | None:
        """Return what changes with the file; None where there is none to be seen."""
        ...

    def read(self) -> str:
        """Return the text.

        Raises:
            KeyFileError: there is none, or it cannot be read.
        """
        ...

    def is_private(self) -> bool:
        """Return whether nobody but its owner may read or change the file."""
        ...

    def edit(self, change: Callable[[str], str]) -> None:
        """Put ``change`` of the text in its place, all at once; a missing file is an empty text.

        Raises:
            KeyFileError: it cannot be read or written, or is being edited by someone else.
        """
        ...
