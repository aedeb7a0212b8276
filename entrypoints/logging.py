"""Logs: JSON lines, or coloured ones on a terminal."""

from __future__ import annotations

import logging
import sys
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

import msgspec
import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

# Of the request at hand; tasks begun since have it, too.
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


def configure(level: str, form: str) -> None:
    """Set up structlog, and send the standard library's logs through it; call it first.

    Args:
        level: the lowest level shown.
        form: ``json``, ``console``, or ``auto`` for console on a terminal.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    console = form == "console" or (form == "auto" and sys.stdout.isatty())
    shared: list[Processor] = [
        _add_request_id,
        structlog.processors.add_log_level,
        _Clock(),
        # Plain tracebacks: those of rich show local variables, prompts among them.
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(_dumps)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    # httpx logs every URL; uvicorn's access log repeats ours, with the query.
    for noisy in ("httpx", "httpcore", "aiohttp", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Clock:
    """Adds the time in UTC; all but the fraction of the second is written once a second."""

    def __init__(self) -> None:
        self._last = (0, "")

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        now, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
        second, written = self._last
        if second != now:
            written = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
            self._last = (now, written)
        event["timestamp"] = f"{written}.{microseconds:06}Z"
        return event


def _add_request_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    if (request_id := REQUEST_ID.get()) is not None:
        event["request_id"] = request_id
    return event


def _dumps(event: object, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
