"""The whole service on a real socket, with fakes behind its ports."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dependency_injector import providers

from entrypoints.container import Container
from entrypoints.http.app import create_app
from entrypoints.http.drain import Drain
from entrypoints.http.socket_protocol import GuardedSocket
from entrypoints.settings import Settings
from tests.support import raw_http
from tests.support.fake_system import CountingIds, FixedClock
from tests.support.server import serving

if TYPE_CHECKING:
    from application.ports.llm import LLMPort

CHAT = "/v1/chat/completions"
MODEL = "smollm2:135m"
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Say hello."}]}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; ``json`` decodes its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Service:
    """A running service.

    Ids count from 1 for all prefixes; a request without an ``x-request-id`` takes the first.
    """

    port: int
    drain: Drain
    clock: FixedClock

    async def ask(
        self,
        body: Any = None,
        path: str = CHAT,
        headers: Mapping[str, str] | None = None,
        *,
        method: str | None = None,
    ) -> Answer:
        """Return the answer to a request; POST with a body, else GET."""
        head, data = await raw_http.fetch(self.port, path, body, headers, method=method)
        return Answer(head.status, head.headers, data)


@contextlib.asynccontextmanager
async def service_of(llm: LLMPort | str, **settings: Any) -> AsyncGenerator[Service]:
    """Run the service over a port, or over the Ollama at a URL."""
    given: dict[str, Any] = {
        "llm_backend": "ollama",
        "default_model": MODEL,
        "response_store": "memory",
        **settings,
    }
    if isinstance(llm, str):
        given["ollama_url"] = llm
    container = Container(settings=Settings(**given))
    clock = FixedClock()
    container.override_providers(ids=providers.Object(CountingIds()), clock=providers.Object(clock))
    if not isinstance(llm, str):
        container.override_providers(backend=providers.Object(llm))
    drain = Drain()
    app = create_app(container, drain)
    made = container.settings()
    ws = partial(GuardedSocket, write_s=made.write_timeout_s)
    async with serving(app, ws=ws, ws_max_size=made.max_body_bytes) as port:
        yield Service(port, drain, clock)
