"""The endpoints that take JSON, by the names under which controllers ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrypoints.http.body import BodyRoom
from entrypoints.http.json_endpoint import JSONEndpoint
from entrypoints.http.openai.chat.controller import ChatEndpoint
from entrypoints.http.openai.completions.controller import CompletionsEndpoint
from entrypoints.http.openai.conversations.endpoint import ConversationEndpoints
from entrypoints.http.openai.embeddings.controller import EmbeddingsEndpoint
from entrypoints.http.openai.responses.contexts import ContextEndpoints
from entrypoints.http.openai.responses.endpoint import Manner, ResponsesEndpoint, Services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrypoints.container import Container
    from entrypoints.http.json_endpoint import Answer


def json_endpoints(container: Container) -> Mapping[str, JSONEndpoint]:
    """Return all of them, each built once."""
    room = BodyRoom(container.settings().max_body_bytes)
    return {name: JSONEndpoint(answer, room) for name, answer in _answers(container).items()}


def manner(container: Container) -> Manner:
    """Return how responses are answered."""
    settings = container.settings()
    return Manner(settings.responses_shape, settings.heartbeat_after_s)


def _answers(container: Container) -> dict[str, Answer]:
    defaults = container.defaults()
    heartbeat_after_s = container.settings().heartbeat_after_s
    tokens = container.tokens()
    contexts = ContextEndpoints(container.contexts(), defaults)
    conversations = ConversationEndpoints(container.conversations(), defaults)
    services = Services(container.responses(), container.background(), container.repeats())
    return {
        "chat_completions": ChatEndpoint(container.chat(), defaults, heartbeat_after_s).answer,
        "completions": CompletionsEndpoint(
            container.completions(), tokens, defaults, heartbeat_after_s
        ).answer,
        "embeddings": EmbeddingsEndpoint(container.embeddings(), tokens, defaults).answer,
        "responses_create": ResponsesEndpoint(services, defaults, manner(container)).answer,
        "responses_count": contexts.count,
        "responses_compact": contexts.compact,
        "conversations_create": conversations.create,
        "conversations_update": conversations.update,
        "conversations_append": conversations.append,
    }
