"""The JSON of models (OpenAI's OpenAPI document, Model, ListModelsResponse), and more of each."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class Model(Struct, kw_only=True):
    """A model: OpenAI's four fields, then what is known beside them."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    context_length: int | UnsetType = UNSET
    embedding_length: int | UnsetType = UNSET
    capabilities: list[str] | UnsetType = UNSET
    quantization: str | UnsetType = UNSET
    parameter_size: str | UnsetType = UNSET
    loaded: bool | UnsetType = UNSET
    alias_of: str | UnsetType = UNSET


class ModelList(Struct, kw_only=True):
    """All models; there are no pages."""

    object: Literal["list"] = "list"
    data: list[Model]


class DeletedModel(Struct, kw_only=True):
    """A model that is gone."""

    id: str
    object: Literal["model"] = "model"
    deleted: bool = True
