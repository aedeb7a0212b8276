"""Which of its two shapes an answer of POST /v1/responses has."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

HEADER = "x-responses-shape"


class Shape(StrEnum):
    """The simple shape of this service, or OpenAI's Response object."""

    SIMPLE = "simple"
    OPENAI = "openai"


# All that a body of the simple kind has.
_SIMPLE_FIELDS = frozenset({"input", "model", "instructions", "temperature"})

# How clients of OpenAI's API begin their `User-Agent`, in lower case. Those built on an official
# SDK send `X-Stainless-Lang` beside it; these are here for the rest.
_CLIENTS = (
    "openai/",  # the official SDKs
    "asyncopenai/",
    "azureopenai/",
    "asyncazureopenai/",
    "openai-",  # openai-java, openai-dotnet and their like
    "async-openai",  # Rust; its documentation's name for itself, as it sends none
    "agents/",  # OpenAI Agents SDK
    "ai/",  # Vercel's AI SDK
    "ai-sdk/",
    "litellm/",
    "pydantic-ai/",
    "langchain",
    "llama-index",
    "codex",  # Codex's command line, editors' plug-ins
)

# Headers that clients of OpenAI's alone send: its organization, project and beta versions.
_OPENAI_HEADERS = b"openai-"


def choose(
    setting: str,
    headers: Iterable[tuple[bytes, bytes]],
    fields: Collection[str],
    *,
    plain_input: bool,
) -> Shape:
    """Return the shape of the answer to a request.

    Args:
        setting: ``RESPONSES_SHAPE``: a shape for every request, or ``auto``.
        headers: of the request, their names in lower case.
        fields: that the body has, whatever their values.
        plain_input: whether ``input`` is a string.

    Raises:
        InvalidRequestError: the request asks for a shape that there is not.
    """
    given = dict(headers)
    if (wanted := given.get(HEADER.encode())) is not None:
        return _named(wanted.decode("latin-1"))
    if setting != "auto":
        return Shape(setting)
    client = given.get(b"user-agent", b"").decode("latin-1").lower()
    simple = (
        plain_input
        and _SIMPLE_FIELDS.issuperset(fields)
        and b"x-stainless-lang" not in given
        and not any(name.startswith(_OPENAI_HEADERS) for name in given)
        and not client.startswith(_CLIENTS)
    )
    return Shape.SIMPLE if simple else Shape.OPENAI


def _named(text: str) -> Shape:
    try:
        return Shape(text.strip().lower())
    except ValueError as error:
        message = f"Invalid value for the header '{HEADER}': expected 'simple' or 'openai'."
        raise InvalidRequestError(message, code="invalid_value", param=HEADER) from error
