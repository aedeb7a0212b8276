"""The port to whatever runs language models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.events import ChatEvent
    from domain.models import ModelDetails, ModelSummary


class ChatStream(Protocol):
    """An open generation.

    Each step yields the events of one upstream read, so that a caller can forward them in
    one write. A batch is never empty. The last event of the last batch is ``Finished``; a
    stream that ends in any other way raises. Whoever opened a stream closes it.
    """

    def __aiter__(self) -> Self:
        """Return the stream itself."""
        ...

    async def __anext__(self) -> Sequence[ChatEvent]:
        """Return the next batch.

        Raises:
            StopAsyncIteration: after the batch with ``Finished``.
            ServiceError: the generation failed; events so far stand.
        """
        ...

    async def aclose(self) -> None:
        """Stop generating and free what the stream holds; does nothing the second time."""
        ...


class LLMPort(Protocol):
    """A server that runs language models."""

    async def stream(self, request: ChatRequest) -> ChatStream:
        """Start an answer.

        An implementation may return at once and raise the errors below at the first step.

        Raises:
            InvalidRequestError: the server refuses the request.
            NotFoundError: no such model (code ``model_not_found``).
            OverloadedError: the server is busy.
            UpstreamError: the server failed before the first event.
        """
        ...

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        """Start a completion of a bare prompt; it brings text and its end, nothing else.

        An implementation may return at once and raise the errors below at the first step.

        Raises:
            InvalidRequestError: the server refuses the request, or it has a suffix and the model
                is not one that can insert.
            NotFoundError: no such model (code ``model_not_found``).
            OverloadedError: the server is busy.
            UpstreamError: the server failed before the first event.
        """
        ...

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        """Return a vector of each text; shorter ones than the model's own where asked.

        A server that cannot shorten vectors returns them whole.

        Raises:
            InvalidRequestError: the model makes no vectors, or a text is longer than its
                context (code ``context_length_exceeded``).
            NotFoundError: no such model (code ``model_not_found``).
            OverloadedError: the server is busy.
            UpstreamError: the server failed.
        """
        ...

    async def list_models(self) -> Sequence[ModelSummary]:
        """Return the models that can be asked, newest first.

        Raises:
            UpstreamError: the server failed.
        """
        ...

    async def show_model(self, name: str) -> ModelDetails:
        """Return what is known of a model; may be some seconds old.

        Raises:
            NotFoundError: no such model (code ``model_not_found``).
            UpstreamError: the server failed.
        """
        ...

    async def delete_model(self, name: str) -> None:
        """Remove a model from the server for good.

        Raises:
            InvalidRequestError: this server cannot.
            NotFoundError: no such model (code ``model_not_found``).
            UpstreamError: the server failed.
        """
        ...

    async def check(self) -> None:
        """Return if the server answers at all.

        Raises:
            UpstreamError: it does not.
        """
        ...

    async def aclose(self) -> None:
        """Cut what is under way and free connections or memory; the last call."""
        ...
