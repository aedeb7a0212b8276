"""What a worker and its parent say to each other: a line of JSON for each message.

A worker numbers what it asks (its tickets) and its callers' accounts; account 0 stands for the
line that all share.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from domain.errors import OverloadedError, RateLimitError, UpstreamUnavailableError

if TYPE_CHECKING:
    from application.ports.limits import AccountPort
    from domain.errors import ServiceError

EVERYONE = 0
LINE_LIMIT_BYTES = 64 * 1024 * 1024


class What(Enum):
    """What is done with an account."""

    LOOK = "look"
    ADMIT = "admit"
    CHECK_PLACES = "check_places"


class Ready(msgspec.Struct, tag="ready", array_like=True, frozen=True):
    """The worker serves."""


class Open(msgspec.Struct, tag="open", array_like=True, frozen=True):
    """From now on the worker calls an account by this number."""

    account: int
    whose: str
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrency: int | None


class Enter(msgspec.Struct, tag="enter", array_like=True, frozen=True):
    """A place is wanted; it is the ticket's."""

    ticket: int
    account: int
    caller: str


class Leave(msgspec.Struct, tag="leave", array_like=True, frozen=True):
    """The ticket's place is given back, or wanted no more."""

    ticket: int


class Count(msgspec.Struct, tag="count", array_like=True, frozen=True):
    """Something is asked of an account."""

    ticket: int
    account: int
    what: What


class Take(msgspec.Struct, tag="take", array_like=True, frozen=True):
    """Tokens were used."""

    account: int
    tokens: int


class Collect(msgspec.Struct, tag="collect", array_like=True, frozen=True):
    """The figures of all workers are wanted."""

    ticket: int


class Figures(msgspec.Struct, tag="figures", array_like=True, frozen=True):
    """The figures of this worker."""

    figures: msgspec.Raw


class Stands(msgspec.Struct, array_like=True, frozen=True):
    """When all of an account's requests and tokens are back; None for long since."""

    requests_full_at: float | None
    tokens_full_at: float | None


class Granted(msgspec.Struct, tag="granted", array_like=True, frozen=True):
    """It is so, after a wait."""

    ticket: int
    waited_s: float = 0.0
    stands: Stands | None = None


class Refused(msgspec.Struct, tag="refused", array_like=True, frozen=True):
    """It is not, and why."""

    ticket: int
    kind: str
    code: str | None
    message: str
    resource: str = ""
    retry_after_s: float = 0.0
    stands: Stands | None = None


class Collected(msgspec.Struct, tag="collected", array_like=True, frozen=True):
    """The figures of all workers."""

    ticket: int
    figures: msgspec.Raw


class Show(msgspec.Struct, tag="show", array_like=True, frozen=True):
    """The parent wants the worker's figures."""


FromWorker: TypeAlias = Ready | Open | Enter | Leave | Count | Take | Collect | Figures
FromParent: TypeAlias = Granted | Refused | Collected | Show

_encoder = msgspec.json.Encoder()
from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)
from_parent: msgspec.json.Decoder[FromParent] = msgspec.json.Decoder(FromParent)


def line(message: FromWorker | FromParent) -> bytes:
    """Return a message as it is sent."""
    return _encoder.encode_lines((message,))


def granted(ticket: int, account: AccountPort) -> Granted:
    """Return the grant of an account."""
    return Granted(ticket, stands=_stands(account))


def refused(ticket: int, error: ServiceError, account: AccountPort | None = None) -> Refused:
    """Return an error as it is sent; of an account with how that stands."""
    stands = None if account is None else _stands(account)
    if isinstance(error, RateLimitError):
        wait_s = error.retry_after_s or 0.0
        return Refused(ticket, "rate", error.code, error.message, error.resource, wait_s, stands)
    kind = "full" if isinstance(error, OverloadedError) else "vain"
    return Refused(ticket, kind, error.code, error.message, stands=stands)


def error_of(message: Refused) -> ServiceError:
    """Return the error that was sent."""
    if message.kind == "rate":
        return RateLimitError(
            message.message, resource=message.resource, retry_after_s=message.retry_after_s
        )
    kind = OverloadedError if message.kind == "full" else UpstreamUnavailableError
    return kind(message.message, code=message.code)


def _stands(account: AccountPort) -> Stands:
    return Stands(
        *(
            None if rate is None or math.isinf(rate.full_at) else rate.full_at
            for rate in (account.requests, account.tokens)
        )
    )
