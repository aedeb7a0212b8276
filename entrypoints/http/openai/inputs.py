"""Inputs in all the forms that OpenAI takes: a text, tokens, or a list of either."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeGuard

from msgspec import Meta

from domain.errors import InvalidRequestError

Token = Annotated[int, Meta(ge=0, le=2**31 - 1)]
# Which of the forms a list has shows in its entries; msgspec knows one kind of array a union.
Inputs: TypeAlias = str | list[str | Token | list[Token]]
Entry: TypeAlias = str | list[int]

_FORMS = "a string, an array of strings, an array of integers, or an array of integer arrays"


def entries(given: Inputs, param: str, *, most: int, may_be_empty: bool) -> list[Entry]:
    """Return the inputs one by one.

    Args:
        given: the field's value.
        param: the field's name.
        most: how many inputs are taken.
        may_be_empty: whether an input may hold nothing.

    Raises:
        InvalidRequestError: the forms are mixed, or there are too many or none.
    """
    if isinstance(given, str):
        found: list[Entry] = [given]
    elif not given:
        message = f"Invalid '{param}': empty array. Expected at least one entry."
        raise InvalidRequestError(message, code="empty_array", param=param)
    elif _are_tokens(given):
        # A list of numbers is one input, not many.
        found = [given]
    elif _are_entries(given):
        found = given
    else:
        message = f"Invalid type for '{param}': expected {_FORMS}."
        raise InvalidRequestError(message, code="invalid_type", param=param)
    if len(found) > most:
        message = f"Invalid '{param}': array too long. Expected a length <= {most}."
        raise InvalidRequestError(message, code="array_above_max_length", param=param)
    if not may_be_empty and not all(found):
        raise _empty(found, param)
    return found


def _are_tokens(given: list[str | int | list[int]]) -> TypeGuard[list[int]]:
    return all(isinstance(entry, int) for entry in given)


def _are_entries(given: list[str | int | list[int]]) -> TypeGuard[list[Entry]]:
    kind = type(given[0])
    return all(type(entry) is kind for entry in given)


def _empty(found: list[Entry], param: str) -> InvalidRequestError:
    index = next(i for i, entry in enumerate(found) if not entry)
    kind = "string" if isinstance(found[index], str) else "array"
    path = param if len(found) == 1 else f"{param}[{index}]"
    message = f"Invalid '{path}': empty {kind}. Expected at least one entry."
    return InvalidRequestError(message, code=f"empty_{kind}", param=path)
