"""The service as a process, before a model server of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support import raw_http
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.process import LIMIT_S, Process, started
from tests.support.service import ASK, CHAT, MODEL, Answer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.fake_ollama_http import Reply, Request

STREAM = ASK | {"stream": True}
ENDLESS = streamed(text_line("a"), ending=Ending.HANG)
_HOLD = "hold this place"


@dataclass(slots=True)
class Stand:
    """A running process and the model server behind it."""

    process: Process
    port: int
    server: FakeOllama
    headers: Mapping[str, str]

    async def ask(
        self,
        body: Any = None,
        path: str = CHAT,
        headers: Mapping[str, str] | None = None,
        *,
        method: str | None = None,
    ) -> Answer:
        """Return the answer to a request; POST with a body, else GET."""
        given = {**self.headers, **(headers or {})}
        head, data = await raw_http.fetch(self.port, path, body, given, method=method)
        return Answer(head.status, head.headers, data)

    async def forget(self) -> None:
        """Have the model server answer well, and count from nothing."""
        await self.server.idle()
        self.server.mischief = None
        self.server.script_nothing()
        self.server.requests.clear()

    async def at_rest(self, places: int, descriptors: int) -> None:
        """Wait until nothing of any request is left.

        Args:
            places: answers that may be under way at a time: all of them must be free.
            descriptors: that were open before the first request.
        """
        async with asyncio.timeout(LIMIT_S):
            await self.server.idle()
            await self.all_free(places)
            await self.server.drop()
            await self.process.settles(lambda: self.process.descriptors <= descriptors)

    async def all_free(self, places: int) -> None:
        """Return once ``places`` answers are under way at the same time, and stopped again."""
        before, self.server.mischief = self.server.mischief, _holding
        body = {"messages": [{"role": "user", "content": _HOLD}], "stream": True}
        opened = [await raw_http.send(self.port, CHAT, body, self.headers) for _ in range(places)]
        for reader, _ in opened:
            assert (await raw_http.read_head(reader)).status == 200
        for _, writer in opened:
            await raw_http.hang_up(writer)
        await self.server.idle()
        self.server.mischief = before


@asynccontextmanager
async def standing(folder: Path, **settings: str) -> AsyncGenerator[Stand]:
    """Start the service in ``folder`` with these settings, before a ``FakeOllama``."""
    async with FakeOllama() as server:
        given = {"OLLAMA_URL": server.url, "DEFAULT_MODEL": MODEL, **settings}
        async with started(folder, **given) as process:
            key = settings.get("API_KEY", "").partition(",")[0]
            headers = {"x-api-key": key} if key else {}
            yield Stand(process, await process.port(), server, headers)


def _holding(request: Request, reply: Reply) -> Reply:
    return ENDLESS if _HOLD.encode() in request.body else reply
