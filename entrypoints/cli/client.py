"""A client of a running service."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
import httpx
import msgspec

from entrypoints.cli import background, options
from entrypoints.cli.background import Place
from entrypoints.cli.output import console
from entrypoints.settings.addresses import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

_CONNECT_S = 5
_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer; thinking is no part of what is answered."""

    text: str
    thinking: bool = False


@dataclass(slots=True)
class Summary:
    """What is known of an answer once it has come, where the service tells it."""

    model: str = ""
    tokens: int = 0
    cut: bool = False


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    completion_tokens: int = 0


class _Error(msgspec.Struct):
    message: str
    code: str | None = None


class _Chunk(msgspec.Struct):
    model: str = ""
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: _Error | None = None


class _Failure(msgspec.Struct):
    error: _Error


_chunk = msgspec.json.Decoder(_Chunk).decode
_failure = msgspec.json.Decoder(_Failure).decode


class Client:
    """Asks a service, or anything that speaks OpenAI's Chat Completions."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http = http
        self._url = url

    def models(self) -> bytes:
        """Return the list of models, JSON.

        Raises:
            click.ClickException: the service cannot be reached or refuses.
        """
        with self._answer("GET", "models") as response:
            return response.read()

    def whole(self, body: Mapping[str, Any]) -> bytes:
        """Return the whole answer to a chat request, JSON.

        Raises:
            click.ClickException: the service cannot be reached, refuses or fails.
        """
        with self._answer("POST", "chat/completions", body) as response:
            return response.read()

    def streamed(self, body: Mapping[str, Any], summary: Summary) -> Iterator[Piece]:
        """Yield the answer to a chat request as it comes; fill ``summary``.

        Raises:
            click.ClickException: the service cannot be reached, refuses or fails.
        """
        asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
        with self._answer("POST", "chat/completions", asked) as response:
            for data in _records(response):
                if data == _DONE:
                    return
                yield from _pieces(_chunk(data), summary)
        message = "The answer broke off."
        raise click.ClickException(message)

    @contextlib.contextmanager
    def _answer(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Generator[httpx.Response]:
        try:
            with self._http.stream(method, path, json=body) as response:
                if not response.is_success:
                    raise _refusal(response.status_code, response.read())
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            mend = "start it (local-chat serve), or say where it is (--url, OPENAI_BASE_URL)"
            message = f"The service at {self._url} cannot be reached: {mend}."
            raise click.ClickException(message) from error
        except httpx.HTTPError as error:
            message = f"What answers at {self._url} is no such service, or broke off."
            raise click.ClickException(message) from error


def body_of(
    messages: Sequence[Mapping[str, str]], model: str | None, system: str | None
) -> dict[str, Any]:
    """Return a chat request; None for the service's default model, and no system prompt."""
    first = [{"role": "system", "content": system}] if system else []
    return {"messages": [*first, *messages], **({"model": model} if model else {})}


def _records(response: httpx.Response) -> Iterator[bytes]:
    """Yield the data of each event; lines end at 0x0A and nowhere else."""
    rest = b""
    for data in response.iter_bytes():
        *lines, rest = (rest + data).split(b"\n")
        yield from (line[5:].strip() for line in lines if line.startswith(b"data:"))


def _pieces(chunk: _Chunk, summary: Summary) -> Iterator[Piece]:
    if chunk.error is not None:
        raise click.ClickException(chunk.error.message)
    summary.model = chunk.model or summary.model
    if chunk.usage is not None:
        summary.tokens = chunk.usage.completion_tokens
    for choice in chunk.choices:
        summary.cut = summary.cut or choice.finish_reason == "length"
        if choice.delta.reasoning_content:
            yield Piece(choice.delta.reasoning_content, thinking=True)
        if choice.delta.content:
            yield Piece(choice.delta.content)


def _refusal(status: int, body: bytes) -> click.ClickException:
    try:
        error = _failure(body).error
    except msgspec.DecodeError:
        return click.ClickException(f"The service answered with status {status}.")
    if status == HTTPStatus.UNAUTHORIZED:
        return click.ClickException(f"{error.message} Give it with --key or OPENAI_API_KEY.")
    if error.code == "model_not_found":
        return click.ClickException(f"{error.message} `local-chat models` lists what there is.")
    return click.ClickException(error.message)


@contextlib.contextmanager
def connected(url: str | None, key: str | None) -> Generator[Client]:
    """Give a client of the service at ``url``, or of the one of the settings.

    That address is the argument or `OPENAI_BASE_URL`, else where the settings have the service;
    where none runs there, one of the command's own does for its time.

    Raises:
        SettingsError: settings that cannot be used.
        click.UsageError: what was given is no address.
        click.ClickException: no service can be started.
    """
    with contextlib.ExitStack() as stack:
        place = _given(url, key)
        if place is None:
            with console(errors=True).status("Starting the service"):
                place = stack.enter_context(background.service())
        http = httpx.Client(
            base_url=place.url,
            headers={"Authorization": f"Bearer {place.key}"} if place.key else {},
            timeout=httpx.Timeout(None, connect=_CONNECT_S),
            # Proxies are for what is elsewhere.
            trust_env=urlsplit(place.url).hostname not in LOOPBACK,
        )
        yield Client(stack.enter_context(http), place.url)


def _given(url: str | None, key: str | None) -> Place | None:
    """Return the service to ask; None where the one of the settings does not run."""
    theirs = os.environ.get("OPENAI_API_KEY")
    if url := url or os.environ.get("OPENAI_BASE_URL"):
        return Place(_base(url), key or theirs)
    settings = options.settings()
    own = next(iter(settings.api_keys), None)
    place = Place(background.own_url(settings), key or own or theirs)
    return place if background.answers(place.url) else None


def _base(url: str) -> str:
    address = (url if "://" in url else f"http://{url}").rstrip("/")
    try:
        parts = httpx.URL(address)
    except httpx.InvalidURL:
        parts = httpx.URL()
    if parts.scheme not in ("http", "https") or not parts.host:
        message = f"'{url}' is no address; one is http://localhost:8000/v1, say."
        raise click.UsageError(message)
    return address if urlsplit(address).path else f"{address}/v1"
