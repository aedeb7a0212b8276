"""What several engines say in the same way, to the domain's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.engines import failures
from domain.chat import TokenLogprob, TopLogprob

if TYPE_CHECKING:
    from adapters.engines import wire

# For invalid UTF-8 msgspec lets Python's own error through, for deep nesting, too.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def arguments(data: bytes) -> str:
    """Return the text of a call's arguments.

    Raises:
        UpstreamError: they are no JSON object.
    """
    try:
        _decode_object(data)
        return data.decode()
    except UNREADABLE as error:
        raise failures.bad_call() from error


def logprob(drawn: wire.TokenLogprob, top: int | None = None) -> TokenLogprob:
    """Return a drawn token with its ``top`` likeliest alternatives, or with all.

    Raises:
        UpstreamProtocolError: what should be bytes are none.
    """
    others = (drawn.top_logprobs or [])[:top]
    return TokenLogprob(
        drawn.token,
        drawn.logprob,
        _utf8(drawn),
        tuple(TopLogprob(other.token, other.logprob, _utf8(other)) for other in others),
    )


def _utf8(entry: wire.Logprob) -> bytes | None:
    try:
        return None if entry.bytes is None else bytes(entry.bytes)
    except ValueError as error:
        raise failures.unreadable() from error
