"""Traces by OpenTelemetry, sent by OTLP over HTTP; needs the packages of the extra ``tracing``.

Spans have what OpenTelemetry's conventions for generative AI name, and no content: nothing that
was asked or answered.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adapters.transport.upstream import MORE_HEADERS
from domain.errors import ServiceError
from domain.events import Finished

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Iterable, Mapping, Sequence

    from application.ports.llm import ChatStream, LLMPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.events import ChatEvent
    from domain.models import ModelDetails, ModelSummary
    from domain.sampling import Sampling

T = TypeVar("T")

_CARRIED = {b"traceparent": "traceparent", b"tracestate": "tracestate"}
_SEND_S = 5.0
_w3c = TraceContextTextMapPropagator()


class OTLPTracing:
    """Sends spans to the collector at ``endpoint``, such as ``http://localhost:4318``.

    Everything else is OpenTelemetry's own settings (``OTEL_SERVICE_NAME``,
    ``OTEL_TRACES_SAMPLER``, ``OTEL_EXPORTER_OTLP_HEADERS``, ...).
    """

    def __init__(self, endpoint: str) -> None:
        named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "local-chat"}
        self._provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=_SEND_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("local-chat")

    @contextmanager
    def request(self, headers: Iterable[tuple[bytes, bytes]]) -> Generator[_Span]:
        carrier = {
            _CARRIED[name]: value.decode("latin-1") for name, value in headers if name in _CARRIED
        }
        context = _w3c.extract(carrier, Context())
        span = self._tracer.start_span("request", context, SpanKind.SERVER)
        with trace.use_span(span, end_on_exit=True, record_exception=False):
            yield _Span(span)

    def around(self, llm: LLMPort, provider: str) -> LLMPort:
        """Return ``llm`` with a span for whatever makes it compute.

        Args:
            llm: a model server.
            provider: what it is, in a word.
        """
        return _TracedLLM(llm, self._tracer, provider)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._provider.shutdown)


class _Span:
    """A span under the names of the port."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def describe(self, name: str, attributes: Mapping[str, str | int]) -> None:
        self._span.update_name(name)
        self._span.set_attributes(attributes)

    def fail(self, kind: str) -> None:
        _fail(self._span, kind)


class _TracedLLM:
    """A model server whose answers are spans, and which learns of the trace that they are in."""

    def __init__(self, llm: LLMPort, tracer: trace.Tracer, provider: str) -> None:
        self._llm = llm
        self._tracer = tracer
        self._provider = provider

    async def stream(self, request: ChatRequest) -> ChatStream:
        span = self._begin("chat", request.model, request.sampling)
        return _TracedStream(await _asked(span, self._llm.stream(request)), span)

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        span = self._begin("text_completion", request.model, request.sampling)
        return _TracedStream(await _asked(span, self._llm.complete_prompt(request)), span)

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        span = self._begin("embeddings", request.model)
        result = await _asked(span, self._llm.embed(request))
        span.set_attribute("gen_ai.usage.input_tokens", result.prompt_tokens)
        span.end()
        return result

    async def list_models(self) -> Sequence[ModelSummary]:
        return await self._llm.list_models()

    async def show_model(self, name: str) -> ModelDetails:
        return await self._llm.show_model(name)

    async def delete_model(self, name: str) -> None:
        await self._llm.delete_model(name)

    async def check(self) -> None:
        await self._llm.check()

    async def aclose(self) -> None:
        await self._llm.aclose()

    def _begin(self, operation: str, model: str, sampling: Sampling | None = None) -> trace.Span:
        attributes: dict[str, str | float] = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": self._provider,
            "gen_ai.request.model": model,
        }
        if sampling is not None:
            given = {
                "gen_ai.request.max_tokens": sampling.max_tokens,
                "gen_ai.request.temperature": sampling.temperature,
                "gen_ai.request.top_p": sampling.top_p,
            }
            attributes |= {name: value for name, value in given.items() if value is not None}
        return self._tracer.start_span(
            f"{operation} {model}", kind=SpanKind.CLIENT, attributes=attributes
        )


class _TracedStream:
    """An answer that is a span until its end."""

    def __init__(self, stream: ChatStream, span: trace.Span) -> None:
        self._stream = stream
        self._span = span

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        try:
            batch = await anext(self._stream)
        except ServiceError as error:
            _fail(self._span, _kind(error))
            self._span.end()
            raise
        if isinstance(last := batch[-1], Finished):
            self._span.set_attributes(
                {
                    "gen_ai.response.finish_reasons": [last.reason.value],
                    "gen_ai.usage.input_tokens": last.usage.prompt_tokens,
                    "gen_ai.usage.output_tokens": last.usage.completion_tokens,
                }
            )
            self._span.end()
        return batch

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            # Of a span that has ended nothing changes any more.
            if self._span.is_recording():
                _fail(self._span, "abandoned")
                self._span.end()


async def _asked(span: trace.Span, asking: Awaitable[T]) -> T:
    """Await the begin of an answer; the span ends here if there is none."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, trace.set_span_in_context(span))
    lines = "".join(f"{name}: {value}\r\n" for name, value in carrier.items())
    token = MORE_HEADERS.set(lines.encode("latin-1"))
    try:
        return await asking
    except BaseException as error:
        _fail(span, _kind(error) if isinstance(error, ServiceError) else "abandoned")
        span.end()
        raise
    finally:
        MORE_HEADERS.reset(token)


def _kind(error: ServiceError) -> str:
    return error.code or type(error).__name__


def _fail(span: trace.Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
