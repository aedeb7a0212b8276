"""Builds what sends traces, where they are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.tracing import OTLPTracing
    from application.ports.llm import LLMPort
    from entrypoints.settings import Settings


def exporter(settings: Settings) -> OTLPTracing | None:
    """Return what sends them; None where they go nowhere."""
    if not settings.otel_exporter_otlp_endpoint:
        return None
    # Its packages need not be installed.
    from adapters.tracing import OTLPTracing  # noqa: PLC0415 - see above

    return OTLPTracing(settings.otel_exporter_otlp_endpoint)


def around(llm: LLMPort, tracing: OTLPTracing | None, settings: Settings) -> LLMPort:
    """Return the models, around them a span for each answer."""
    return llm if tracing is None else tracing.around(llm, settings.llm_backend)
