"""Who has a key, and what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import InvalidRequestError, NotFoundError
from domain.key_lines import BAD_NAME, KeyLines, added, is_model, is_name, parse, without
from domain.keys import Key, digest, owner_of_name

if TYPE_CHECKING:
    from application.ports.keys import KeyFilePort
    from application.ports.system import IdPort
    from domain.keys import KeyLimits

_PREFIX = "sk-local-"


class KeysService:
    """Makes keys, and takes them back; in the file are their digests alone."""

    def __init__(self, file: KeyFilePort, ids: IdPort) -> None:
        self._file = file
        self._ids = ids

    def create(self, name: str, limits: KeyLimits) -> str:
        """Return a new key of this name. Nobody can tell it later.

        Raises:
            InvalidRequestError: the name or a model is none, or there is a key of this name.
            KeyFileError: the file cannot be read or written.
        """
        _check(name, limits)
        plain = self._ids.secret(_PREFIX)
        key = Key(digest(plain.encode()), owner_of_name(name), name, limits)

        def change(text: str) -> str:
            if without(text, name) != text:
                message = f"There is a key named '{name}'; revoke it first."
                raise InvalidRequestError(message)
            return added(text, key)

        self._file.edit(change)
        return plain

    def list(self) -> KeyLines:
        """Return the keys, and what is wrong with other lines.

        Raises:
            KeyFileError: the file cannot be read.
        """
        return parse(self._file.read())

    def revoke(self, name: str) -> None:
        """Take the keys of this name back. What was made with them stays the name's.

        Raises:
            NotFoundError: there are none.
            KeyFileError: the file cannot be read or written.
        """

        def change(text: str) -> str:
            left = without(text, name)
            if left == text:
                message = f"There is no key named '{name}'."
                raise NotFoundError(message)
            return left

        self._file.edit(change)


def _check(name: str, limits: KeyLimits) -> None:
    if not is_name(name):
        message = f"'{name}' is no name: {BAD_NAME}."
        raise InvalidRequestError(message)
    if not all(map(is_model, limits.models)):
        message = "Models are names with commas between them."
        raise InvalidRequestError(message)
