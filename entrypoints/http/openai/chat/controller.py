"""POST /v1/chat/completions."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.types import ASGIApp, Receive, Scope

from application.chat import ChatService
from application.choices import ChoiceStream
from application.defaults import Defaults
from entrypoints.http.disconnect import HangUp
from entrypoints.http.json_endpoint import JSONEndpoint
from entrypoints.http.openai.chat import operation, wire
from entrypoints.http.openai.chat.parse import to_domain
from entrypoints.http.openai.chat.render import completion
from entrypoints.http.openai.chat.stream import ChatSSEEncoder
from entrypoints.http.openai.chat.support import ELSEWHERE, HARMLESS
from entrypoints.http.openai.parsing import BodyParser, ignored_header
from entrypoints.http.replies import JSONReply
from entrypoints.http.sse import SSEReply

_parser = BodyParser(wire.ChatCompletionRequest, HARMLESS, ELSEWHERE)


class ChatEndpoint:
    """Answers bodies of Chat Completions."""

    def __init__(self, chat: ChatService, defaults: Defaults, heartbeat_after_s: float) -> None:
        self._chat = chat
        self._defaults = defaults
        self._heartbeat_after_s = heartbeat_after_s

    async def answer(self, body: bytes, _scope: Scope, receive: Receive) -> ASGIApp:
        """Return the answer to ``body``, whole or as a stream of chunks.

        Raises:
            ServiceError: there is none.
        """
        parsed = _parser.parse(body)
        asked = parsed.wire
        work = to_domain(asked, self._defaults)
        n = asked.n or 1
        # Completions are not kept here; who asks for that is told so.
        headers = ignored_header(parsed, *(["store"] if asked.store else []))
        if asked.stream:

            async def opening() -> tuple[ChoiceStream, ChatSSEEncoder]:
                generation, stream = await self._chat.stream(work, n)
                return stream, ChatSSEEncoder(generation, asked)

            return SSEReply(opening, heartbeat_after_s=self._heartbeat_after_s, headers=headers)
        async with HangUp(receive):
            generation, results = await self._chat.complete(work, n)
        return JSONReply(completion(generation, results, asked), headers=headers)


class ChatController(Controller):
    """Chat Completions in the document; ``Shortcut`` answers the plain path."""

    path = "/v1/chat"
    tags = ("Chat",)

    @post(
        "/completions",
        status_code=200,
        summary="Answer a conversation",
        operation_id="createChatCompletion",
        operation_class=operation.CREATE,
    )
    async def create(self, chat_completions: NamedDependency[JSONEndpoint]) -> ASGIApp:
        """Answer a conversation, whole or as a stream of chunks."""
        return chat_completions
