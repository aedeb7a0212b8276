"""The port to vocabularies of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Vocabulary(Protocol):
    """The texts of one encoding's tokens."""

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text that ``tokens`` encode.

        Raises:
            KeyError: a token is not one of this encoding.
        """
        ...


class VocabularyPort(Protocol):
    """Where vocabularies come from."""

    async def load(self, encoding: str) -> Vocabulary | None:
        """Return an encoding's vocabulary (``cl100k_base``); None where it is not to be had."""
        ...
