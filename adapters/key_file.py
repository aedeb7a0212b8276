"""The keys of a team, in a file."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from application.ports.keys import KeyFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

_LARGEST_BYTES = 4 * 1024 * 1024
_OTHERS = 0o077
_PRIVATE = 0o600


class KeyFile:
    """A file, read whole and replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def stamp(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino

    def read(self) -> str:
        try:
            with self._path.open("rb") as file:
                content = file.read(_LARGEST_BYTES + 1)
        except OSError as error:
            message = f"it cannot be read ({error.strerror})"
            raise KeyFileError(message) from error
        if len(content) > _LARGEST_BYTES:
            message = "it is larger than 4 MiB"
            raise KeyFileError(message)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            # What does not decode is not shown: the cause would hold it.
            message = "it is not UTF-8 text"
            raise KeyFileError(message) from None

    def is_private(self) -> bool:
        try:
            return not self._path.stat().st_mode & _OTHERS
        except OSError:
            return True

    def edit(self, change: Callable[[str], str]) -> None:
        # A link stays one: what it leads to is replaced.
        path = self._path.resolve()
        try:
            with _replacement(path) as file:
                text = self.read() if path.exists() else ""
                file.write(change(text).encode())
        except FileExistsError as error:
            message = f"someone else is changing it; if not, remove {_beside(path).name}"
            raise KeyFileError(message) from error
        except OSError as error:
            message = f"it cannot be written ({error.strerror})"
            raise KeyFileError(message) from error


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


@contextmanager
def _replacement(path: Path) -> Generator[BinaryIO]:
    """Yield a new file that takes the place of ``path`` at the end; only one at a time."""
    beside = _beside(path)
    number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    try:
        with os.fdopen(number, "wb") as file:
            _give(number, path)
            yield file
            file.flush()
            os.fsync(number)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _give(number: int, path: Path) -> None:
    """Let the new file belong to whom the old one does: a service that reads it goes on to."""
    with suppress(FileNotFoundError):
        old = path.stat()
        os.fchown(number, old.st_uid, old.st_gid)
