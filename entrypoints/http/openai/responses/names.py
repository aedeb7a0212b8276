"""Failures of what lies below name fields of Chat Completions; here they are called otherwise."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from domain.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Generator

_HERE = {
    "messages": "input",
    "response_format": "text.format.schema",
    "reasoning_effort": "reasoning.effort",
    "think": "reasoning.effort",
    "logprobs": "include",
}


@contextlib.contextmanager
def own_names() -> Generator[None]:
    """While entered, failures that pass name the fields of Responses."""
    try:
        yield
    except ServiceError as error:
        error.param = _HERE.get(error.param or "", error.param)
        raise
