"""Every failure that the product can report, as one tree.

A message is one sentence that may be shown to anyone: it names the value at
fault and what to do, and never holds a URL, a header, a prompt or a key.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Something that the caller is told about.

    Attributes:
        message: one sentence for a person.
        code: a stable word for programs, or None.
        param: the path of the request field at fault (``messages[2].role``), or None.
        retry_after_s: when asking again may help, in seconds from now, where that is known.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s


class InvalidRequestError(ServiceError):
    """The request cannot be answered as it stands; asking again will not help."""


class AuthenticationError(ServiceError):
    """No key, or a wrong one."""


class PermissionDeniedError(ServiceError):
    """What the request asks for is not allowed here, or not to whoever asks."""


class NotFoundError(ServiceError):
    """What the request names does not exist."""


class ConflictError(ServiceError):
    """Something else is under way that the request would disturb; asking again may help."""


class OverloadedError(ServiceError):
    """There is no room for the request now; asking again later may help."""


class RateLimitError(OverloadedError):
    """Whoever asks has used what one may; the code is ``rate_limit_exceeded``.

    Attributes:
        resource: what is used up: ``requests`` or ``tokens``.
    """

    def __init__(self, message: str, *, resource: str, retry_after_s: float) -> None:
        super().__init__(message, code="rate_limit_exceeded", retry_after_s=retry_after_s)
        self.resource = resource


class ClientDisconnectedError(ServiceError):
    """The client went away; nobody is listening."""


class StoreError(ServiceError):
    """Where responses are kept failed, or has no room."""


class UpstreamError(ServiceError):
    """The model server failed."""


class UpstreamUnavailableError(UpstreamError):
    """The model server cannot be reached, or cannot serve now."""


class UpstreamTimeoutError(UpstreamError):
    """The model server was too slow."""


class UpstreamProtocolError(UpstreamError):
    """The model server sent something that is not an answer."""


class InvalidOutputError(UpstreamError):
    """The model's answer breaks what the request demanded of it."""
