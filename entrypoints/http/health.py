"""Probes."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from application.health import HealthService
from entrypoints.http import errors
from entrypoints.http.replies import JSONReply

_OK = b'{"status":"ok"}'


@get(["/healthz"], include_in_schema=False, sync_to_thread=False)
def healthz() -> JSONReply:
    """Return that the process runs."""
    return JSONReply(_OK)


@get(["/readyz"], include_in_schema=False)
async def readyz(health: NamedDependency[HealthService]) -> JSONReply:
    """Return whether an answer can be had: the model server is there, with the default model."""
    fault = await health.readiness()
    if fault is None:
        return JSONReply(_OK)
    body = errors.encode(fault.message, "server_error", code=fault.code, param=fault.param)
    return JSONReply(body, 503)
