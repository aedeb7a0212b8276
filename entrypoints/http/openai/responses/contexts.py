"""POST /v1/responses/input_tokens and POST /v1/responses/compact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from domain.chat import Usage
from entrypoints.http.auth import owner
from entrypoints.http.disconnect import HangUp
from entrypoints.http.openai.parsing import BodyParser, ignored_header
from entrypoints.http.openai.responses import answer, render, wire
from entrypoints.http.openai.responses.names import own_names
from entrypoints.http.openai.responses.parse import to_domain
from entrypoints.http.openai.responses.support import ELSEWHERE, HARMLESS
from entrypoints.http.replies import JSONReply

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope

    from application.compaction import ContextService
    from application.defaults import Defaults

_count_parser = BodyParser(wire.InputTokensRequest, HARMLESS, ELSEWHERE)
_compact_parser = BodyParser(wire.CompactRequest, HARMLESS, ELSEWHERE)
_OF_TURNS = ("tools", "parallel_tool_calls", "text")
_encode = msgspec.json.Encoder().encode


class ContextEndpoints:
    """Answers bodies that are about the context of a response, and not the response."""

    def __init__(self, contexts: ContextService, defaults: Defaults) -> None:
        self._contexts = contexts
        self._defaults = defaults

    async def count(self, body: bytes, scope: Scope, receive: Receive) -> ASGIApp:
        """Return how many tokens the input of ``body`` is.

        Raises:
            ServiceError: it cannot be known.
        """
        parsed = _count_parser.parse(body)
        wanted = parsed.wire
        whole = wire.ResponsesRequest(
            input=wanted.input,
            model=wanted.model,
            instructions=wanted.instructions,
            previous_response_id=wanted.previous_response_id,
            conversation=wanted.conversation,
            tools=wanted.tools,
            tool_choice=wanted.tool_choice,
            parallel_tool_calls=wanted.parallel_tool_calls,
            text=wanted.text,
            reasoning=wanted.reasoning,
            truncation=wanted.truncation,
            store=False,
        )
        asked = to_domain(whole, self._defaults)
        async with HangUp(receive):
            with own_names():
                counted = await self._contexts.count(owner(scope), asked.request)
        more = [*asked.ignored, *(["personality"] if wanted.personality else [])]
        reply = _encode(answer.InputTokens(counted))
        return JSONReply(reply, headers=ignored_header(parsed, *more))

    async def compact(self, body: bytes, scope: Scope, receive: Receive) -> ASGIApp:
        """Return an item that stands for the context that ``body`` has.

        Raises:
            ServiceError: there is none.
        """
        parsed = _compact_parser.parse(body)
        wanted = parsed.wire
        whole = wire.ResponsesRequest(
            input=wanted.input,
            model=wanted.model,
            instructions=wanted.instructions,
            previous_response_id=wanted.previous_response_id,
            reasoning=wanted.reasoning,
            store=False,
        )
        asked = to_domain(whole, self._defaults)
        async with HangUp(receive):
            with own_names():
                compacted = await self._contexts.compact(owner(scope), asked.request)
        reply = answer.Compacted(
            compacted.id,
            compacted.created,
            [render.item(item) for item in compacted.output],
            render.usage(compacted.usage or Usage()),
        )
        # A summary calls no tools, and is as long as it has to be.
        more = [name for name in _OF_TURNS if getattr(wanted, name) is not UNSET]
        return JSONReply(_encode(reply), headers=ignored_header(parsed, *asked.ignored, *more))
