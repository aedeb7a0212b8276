"""What becomes of a field, as a client sees it and as the model does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.compat import fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

Way = list[str | int]

_IDS = re.compile(r'"(chatcmpl-|cmpl-|(resp|msg|rs|fc|ctc|call)_)\w+"')


class Asked:
    """An endpoint in front of a model that always says the same."""

    def __init__(
        self, llm: FakeLLM, service: Service, path: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._llm = llm
        self._service = service
        self._path = path
        self._headers = headers

    async def notices(self, body: Any, way: Way) -> None:
        """Check that the field makes a difference, to the model or to the answer."""
        with_it = await self._outcome(body)
        without_it = await self._outcome(fields.without(body, way))

        assert with_it[2], json.loads(with_it[1])
        assert with_it != without_it, "the same with and without it"

    async def passes_over(self, body: Any, way: Way) -> None:
        """Check that the field makes no difference to the model."""
        _, answer, requests = await self._outcome(body)
        _, _, others = await self._outcome(fields.without(body, way))

        assert requests, json.loads(answer)
        assert requests == others, "not the same with and without it"

    async def refuses(self, body: Any) -> str:
        """Check that the body is refused; return the name of the field that is blamed."""
        status, answer, requests = await self._outcome(body)

        assert (status, requests) == (400, []), answer
        blamed: str = json.loads(answer)["error"]["param"]
        return blamed

    async def _outcome(self, body: Any) -> tuple[int, str, list[Any]]:
        """Return the status, the answer but for its ids, and what the model was asked."""
        heard: list[list[Any]] = [self._llm.requests, self._llm.prompts, self._llm.embedded]
        for requests in heard:
            requests.clear()
        answer = await self._service.ask(body, self._path, self._headers)
        shown = _IDS.sub('"id"', answer.body.decode())
        return answer.status, shown, [request for requests in heard for request in requests]
