"""A service under test, asked as the Open Responses suite asks: by HTTP, SSE and WebSocket."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.compliance.events import Completed, check_event
from tests.compliance.schema import check_refusal, check_response
from tests.support import raw_http
from tests.support.response_streams import read
from tests.support.sockets import connected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tests.compliance.events import KnownEvent
    from tests.compliance.schema import ResponseResource, SocketError
    from tests.support.sockets import Socket

PATH = "/v1/responses"


@dataclass(frozen=True, slots=True)
class Suite:
    """Where the service is, the model to ask for, and the key, if there is one.

    What is sent has a content type and a key for headers, and nothing else.
    """

    port: int
    model: str
    key: str = ""

    async def post(self, path: str, **body: Any) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        head, data = await raw_http.fetch(self.port, path, body, self._headers)
        return head.status, json.loads(data)

    async def create(self, **body: Any) -> ResponseResource:
        """Return a whole response, checked."""
        status, answer = await self.post(PATH, model=self.model, **body)
        assert status == 200, answer
        return check_response(answer)

    async def stream(self, **body: Any) -> list[KnownEvent]:
        """Return the events of a streamed response, each of them checked."""
        asked = {"model": self.model, "stream": True, **body}
        head, data = await raw_http.fetch(self.port, PATH, asked, self._headers)
        assert head.status == 200, data
        assert head.headers["content-type"].startswith("text/event-stream")
        assert data.endswith(b"data: [DONE]\n\n")
        return [check_event(event) for event in read(data)]

    @contextlib.asynccontextmanager
    async def socket(self) -> AsyncGenerator[Turns]:
        """Open a WebSocket."""
        async with connected(self, self._headers) as opened:
            yield Turns(opened, self.model)

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"} if self.key else {}


class Turns:
    """Turns on a WebSocket, each of them checked."""

    def __init__(self, socket: Socket, model: str) -> None:
        self._socket = socket
        self._model = model

    async def create(self, **body: Any) -> list[KnownEvent]:
        """Return the events of a turn that is answered."""
        return [check_event(event) for event in await self._ask(body)]

    async def refused(self, **body: Any) -> SocketError:
        """Return the one event of a turn that is not."""
        (event,) = await self._ask(body)
        return check_refusal(event)

    async def _ask(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        return await self._socket.turn(model=self._model, **body)


def says(role: str, content: Any, **more: Any) -> dict[str, Any]:
    """Return a message."""
    return {"type": "message", "role": role, "content": content, **more}


def answered(response: ResponseResource) -> ResponseResource:
    """Check that a response has output and is complete."""
    assert response.status == "completed", response.status
    assert response.output
    return response


def last(events: Sequence[KnownEvent]) -> ResponseResource:
    """Return the response at the end of a stream that is complete."""
    assert [event.sequence_number for event in events] == list(range(len(events)))
    end = events[-1]
    assert isinstance(end, Completed), end
    return end.response
