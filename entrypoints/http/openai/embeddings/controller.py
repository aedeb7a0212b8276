"""POST /v1/embeddings."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.types import ASGIApp, Receive, Scope

from application.defaults import Defaults
from application.embeddings import EmbeddingsService
from application.tokens import TokenTexts
from entrypoints.http.disconnect import HangUp
from entrypoints.http.json_endpoint import JSONEndpoint
from entrypoints.http.openai.embeddings import operation, wire
from entrypoints.http.openai.embeddings.parse import to_domain
from entrypoints.http.openai.embeddings.render import embedding_list
from entrypoints.http.openai.embeddings.support import HARMLESS
from entrypoints.http.openai.inputs import entries
from entrypoints.http.openai.parsing import BodyParser, ignored_header
from entrypoints.http.replies import JSONReply

_MOST_INPUTS = 2048

_parser = BodyParser(wire.EmbeddingsRequest, HARMLESS)


class EmbeddingsEndpoint:
    """Answers bodies of embeddings."""

    def __init__(
        self, embeddings: EmbeddingsService, tokens: TokenTexts, defaults: Defaults
    ) -> None:
        self._embeddings = embeddings
        self._tokens = tokens
        self._defaults = defaults

    async def answer(self, body: bytes, _scope: Scope, receive: Receive) -> ASGIApp:
        """Return the vectors that ``body`` asks for.

        Raises:
            ServiceError: there are none.
        """
        parsed = _parser.parse(body)
        asked = parsed.wire
        model = asked.model or self._defaults.model
        inputs = entries(asked.input, "input", most=_MOST_INPUTS, may_be_empty=False)
        async with HangUp(receive):
            texts = await self._tokens.read(inputs, model, "input")
            result = await self._embeddings.embed(to_domain(asked, model, texts))
        base64 = asked.encoding_format == "base64"
        reply = await embedding_list(result, model, base64=base64)
        return JSONReply(reply, headers=ignored_header(parsed))


class EmbeddingsController(Controller):
    """Embeddings in the document and on their path."""

    path = "/v1/embeddings"
    tags = ("Embeddings",)

    @post(
        "",
        status_code=200,
        summary="Turn texts to vectors",
        operation_id="createEmbedding",
        operation_class=operation.CREATE,
    )
    async def create(self, embeddings: NamedDependency[JSONEndpoint]) -> ASGIApp:
        """Return one vector of each input, at most 2,048 of them."""
        return embeddings
