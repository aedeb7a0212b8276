"""GET and DELETE /v1/models."""

from __future__ import annotations

from typing import TypeAlias

from litestar import Controller, Request, delete, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from application.models import ModelsService
from entrypoints.http.disconnect import HangUp
from entrypoints.http.openai.models import operation, render
from entrypoints.http.replies import JSONReply

Asked: TypeAlias = Request[None, None, State]


class ModelsController(Controller):
    """The models that can be asked."""

    path = "/v1/models"
    tags = ("Models",)

    @get(
        "",
        summary="List the models",
        operation_id="listModels",
        operation_class=operation.LIST,
    )
    async def list(self, request: Asked, models: NamedDependency[ModelsService]) -> ASGIApp:
        """List the models of the model server, newest first, and the aliases."""
        async with HangUp(request.receive):
            return JSONReply(render.model_list(await models.list()))

    # Names have slashes in them, which arrive as such or encoded.
    @get(
        "/{model:path}",
        summary="Describe a model",
        operation_id="retrieveModel",
        operation_class=operation.RETRIEVE,
    )
    async def retrieve(
        self, request: Asked, model: FromPath[str], models: NamedDependency[ModelsService]
    ) -> ASGIApp:
        """Describe one model; `name` and `name:latest` mean the same."""
        name = _name(model)
        async with HangUp(request.receive):
            return JSONReply(render.model_object(await models.get(name), name))

    @delete(
        "/{model:path}",
        status_code=200,
        summary="Delete a model",
        operation_id="deleteModel",
        operation_class=operation.DELETE,
    )
    async def remove(
        self, request: Asked, model: FromPath[str], models: NamedDependency[ModelsService]
    ) -> ASGIApp:
        """Delete a model from the model server; refused unless ALLOW_MODEL_DELETE is set."""
        name = _name(model)
        async with HangUp(request.receive):
            await models.delete(name)
        return JSONReply(render.deleted(name))


def _name(path: str) -> str:
    """Return a model's name as a path parameter holds it, which begins with a slash."""
    return path.removeprefix("/")
