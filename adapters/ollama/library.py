"""Ollama behind LibraryPort."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from adapters.engines import failures
from adapters.engines.decoding import UNREADABLE
from adapters.ollama import requests, wire
from adapters.ollama.errors import status_error
from adapters.transport.ndjson import LineSplitter, split
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    ServiceError,
    UpstreamError,
    UpstreamProtocolError,
)
from domain.models import PullProgress

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.transport.response import UpstreamResponse
    from adapters.transport.upstream import Upstream

_OK = 200
_SUCCESS = "success"
_line = msgspec.json.Decoder(wire.PullLine).decode
_version = msgspec.json.Decoder(wire.Version).decode

# Ollama `server/images.go`, PullModel, and the texts of Go's net and os beneath it.
_REFUSALS: tuple[tuple[str, type[ServiceError], str, str], ...] = (
    (
        "dial tcp|no such host|i/o timeout|TLS handshake|connection re|max retries",
        UpstreamError,
        "upstream_offline",
        "The model server cannot reach the place that it fetches models from.",
    ),
    (
        "invalid model name",
        InvalidRequestError,
        "invalid_model",
        "'{name}' cannot be the name of a model.",
    ),
    (
        "file does not exist|manifest unknown|not found",
        NotFoundError,
        "model_not_found",
        "There is no model '{name}' where the model server fetches models from.",
    ),
    (
        "requires a newer version",
        UpstreamError,
        "upstream_too_old",
        "The model '{name}' needs a newer version of the model server.",
    ),
    (
        "unauthorized|authentication|access denied",
        UpstreamError,
        "upstream_refused",
        "The model server may not fetch the model '{name}'.",
    ),
    (
        "no space left",
        UpstreamError,
        "upstream_no_space",
        "The model server's disk has no room for the model '{name}'.",
    ),
)


class PullDecoder:
    """Bytes in, progress out; one instance per answer of POST /api/pull.

    Attributes:
        finished: the model is there.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines = LineSplitter()
        self.finished = False

    def feed(self, data: bytes) -> list[PullProgress]:
        """Return what ``data`` tells.

        Raises:
            ServiceError: the model cannot be fetched.
        """
        return [self._progress(line) for line in split(self._lines.feed(data))]

    def finish(self) -> None:
        """Take the end of the body.

        Raises:
            ServiceError: it came before that of the fetching.
        """
        for line in split(self._lines.finish()):
            self._progress(line)
        if not self.finished:
            message = "The model server stopped before the model was there."
            raise UpstreamProtocolError(message, code="upstream_truncated")

    def _progress(self, line: bytes) -> PullProgress:
        try:
            told = _line(line)
        except UNREADABLE as error:
            raise failures.unreadable() from error
        if told.error:
            raise pull_error(told.error, self._name)
        self.finished = self.finished or told.status == _SUCCESS
        return PullProgress(told.status, told.digest or None, told.total, told.completed)


class OllamaLibrary:
    """The models that an Ollama server keeps."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def version(self) -> str:
        status, body = await self._upstream.fetch("GET", "/api/version")
        if status != _OK:
            raise status_error(status, body, None)
        try:
            return _version(body).version
        except UNREADABLE as error:
            raise failures.unreadable() from error

    async def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        response = await self._upstream.send("POST", "/api/pull", requests.pull(name))
        try:
            if response.status != _OK:
                raise await _refusal(response, name)
            decoder = PullDecoder(name)
            while data := await response.read():
                for progress in decoder.feed(data):
                    yield progress
            decoder.finish()
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        await self._upstream.aclose()


async def _refusal(response: UpstreamResponse, name: str) -> ServiceError:
    body = await response.whole()
    known = pull_error(body.decode("utf-8", "replace"), name)
    return known if known.code != "upstream_error" else status_error(response.status, body, None)


def pull_error(text: str, name: str) -> ServiceError:
    """Return what Ollama's words on a model that it could not fetch mean."""
    for pattern, kind, code, message in _REFUSALS:
        if re.search(pattern, text):
            return kind(message.format(name=name), code=code, param="model")
    message = f"The model server could not fetch the model '{name}'."
    return UpstreamError(message, code="upstream_error")
