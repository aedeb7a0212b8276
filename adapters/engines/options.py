"""What an option of an engine must be."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from domain.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value must be, for msgspec and for people."""

    type: object
    words: str

    def check(self, name: str, value: object) -> object:
        """Return the value of the option ``name``.

        Raises:
            InvalidRequestError: it is of another kind.
        """
        try:
            return msgspec.convert(value, self.type)
        except msgspec.ValidationError as error:
            message = f"The option '{name}' must be {self.words}."
            param = f"options.{name}"
            raise InvalidRequestError(message, code="invalid_type", param=param) from error


WHOLE = Kind(int, "a whole number")
NUMBER = Kind(float, "a number")
TEXTS = Kind(list[str], "a list of texts")
