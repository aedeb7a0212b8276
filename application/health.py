"""May the product take traffic?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from domain.errors import ServiceError, UpstreamTimeoutError

if TYPE_CHECKING:
    from application.defaults import Defaults
    from application.ports.llm import LLMPort

# A probe that waits longer is as good as a failed one.
_PROBE_S = 2.0


class HealthService:
    """Looks at the model server and the default model."""

    def __init__(self, llm: LLMPort, defaults: Defaults) -> None:
        self._llm = llm
        self._model = defaults.model

    async def readiness(self) -> ServiceError | None:
        """Return what stands in the way of answering, or None."""
        try:
            async with asyncio.timeout(_PROBE_S):
                await self._llm.check()
                await self._llm.show_model(self._model)
        except TimeoutError:
            message = "The model server does not answer, or is still loading the default model."
            return UpstreamTimeoutError(message, code="upstream_timeout")
        except ServiceError as error:
            return error
        return None
