"""POST /v1/completions."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.types import ASGIApp, Receive, Scope

from application.choices import ChoiceStream
from application.completions import CompletionsService
from application.defaults import Defaults
from application.tokens import TokenTexts
from entrypoints.http.disconnect import HangUp
from entrypoints.http.json_endpoint import JSONEndpoint
from entrypoints.http.openai.completions import operation, parse, wire
from entrypoints.http.openai.completions.render import completion
from entrypoints.http.openai.completions.stream import CompletionSSEEncoder
from entrypoints.http.openai.completions.support import HARMLESS
from entrypoints.http.openai.parsing import BodyParser, ignored_header
from entrypoints.http.replies import JSONReply
from entrypoints.http.sse import SSEReply

_parser = BodyParser(wire.CompletionRequest, HARMLESS)


class CompletionsEndpoint:
    """Answers bodies of legacy completions."""

    def __init__(
        self,
        completions: CompletionsService,
        tokens: TokenTexts,
        defaults: Defaults,
        heartbeat_after_s: float,
    ) -> None:
        self._completions = completions
        self._tokens = tokens
        self._defaults = defaults
        self._heartbeat_after_s = heartbeat_after_s

    async def answer(self, body: bytes, _scope: Scope, receive: Receive) -> ASGIApp:
        """Return the completions that ``body`` asks for, whole or as a stream of chunks.

        Raises:
            ServiceError: there are none.
        """
        parsed = _parser.parse(body)
        asked = parsed.wire
        each = parse.choices(asked)
        model = asked.model or self._defaults.model
        texts = await self._tokens.read(parse.prompts(asked, each), model, "prompt")
        work = parse.to_domain(asked, model, texts, self._defaults)
        headers = ignored_header(parsed)
        if asked.stream:
            options = asked.stream_options
            with_usage = bool(options and options.include_usage)

            async def opening() -> tuple[ChoiceStream, CompletionSSEEncoder]:
                generation, stream = await self._completions.stream(work, each)
                total = len(work) * each.n
                return stream, CompletionSSEEncoder(
                    generation, each.n, total, with_usage=with_usage
                )

            return SSEReply(opening, heartbeat_after_s=self._heartbeat_after_s, headers=headers)
        async with HangUp(receive):
            generation, made = await self._completions.complete(work, each)
        reply = completion(generation, made, logprobs=asked.logprobs is not None)
        return JSONReply(reply, headers=headers)


class CompletionsController(Controller):
    """Legacy completions in the document and on their path."""

    path = "/v1/completions"
    tags = ("Completions",)

    @post(
        "",
        status_code=200,
        summary="Go on with a prompt",
        operation_id="createCompletion",
        operation_class=operation.CREATE,
    )
    async def create(self, completions: NamedDependency[JSONEndpoint]) -> ASGIApp:
        """Go on with one or several prompts, past the chat template; the legacy endpoint."""
        return completions
