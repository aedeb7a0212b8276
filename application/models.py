"""The models that there are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.choices import all_of
from domain.errors import PermissionDeniedError, ServiceError
from domain.models import ModelDetails, ModelSummary, canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.llm import LLMPort

_AT_A_TIME = 8


@dataclass(frozen=True, slots=True)
class Model:
    """A model; ``details`` only of its name where the server would not tell more."""

    summary: ModelSummary
    details: ModelDetails


class ModelsService:
    """Lists and describes models, and deletes them where that is allowed."""

    def __init__(self, llm: LLMPort, *, may_delete: bool) -> None:
        self._llm = llm
        self._may_delete = may_delete

    async def list(self) -> Sequence[Model]:
        """Return all models, newest first.

        Raises:
            UpstreamError: the model server failed.
        """
        room = asyncio.Semaphore(_AT_A_TIME)

        async def model(summary: ModelSummary) -> Model:
            async with room:
                return Model(summary, await self._details(summary.name))

        return await all_of(model(summary) for summary in await self._llm.list_models())

    async def get(self, name: str) -> Model:
        """Return the model that ``name`` means, under that name.

        Raises:
            NotFoundError: no such model.
            UpstreamError: the model server failed.
        """
        details = await self._llm.show_model(name)
        wanted = canonical(name)
        for summary in await self._llm.list_models():
            if canonical(summary.name) == wanted:
                return Model(summary, details)
        return Model(ModelSummary(name, 0), details)

    async def delete(self, name: str) -> None:
        """Remove a model from the model server for good.

        Raises:
            PermissionDeniedError: deleting is off.
            InvalidRequestError: the name is an alias, or the server cannot delete.
            NotFoundError: no such model.
            UpstreamError: the model server failed.
        """
        if not self._may_delete:
            message = "Deleting models is off; ALLOW_MODEL_DELETE=true turns it on."
            raise PermissionDeniedError(message, code="model_delete_disabled", param="model")
        await self._llm.delete_model(name)

    async def _details(self, name: str) -> ModelDetails:
        try:
            return await self._llm.show_model(name)
        except ServiceError:
            # One model that cannot be described, or was just deleted, must not hide the others.
            return ModelDetails(name)
