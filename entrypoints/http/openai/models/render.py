"""The domain's models to the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from domain.models import owner
from entrypoints.http.openai.models import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.models import Model

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


def model_list(models: Sequence[Model]) -> bytes:
    """Return the list object of ``models``."""
    return _encode(wire.ModelList(data=[_model(model, model.summary.name) for model in models]))


def model_object(model: Model, name: str) -> bytes:
    """Return the model object of a model that was asked for as ``name``."""
    return _encode(_model(model, name))


def deleted(name: str) -> bytes:
    """Return the object of a model that is gone."""
    return _encode(wire.DeletedModel(id=name))


def _model(model: Model, name: str) -> wire.Model:
    summary, details = model.summary, model.details
    capabilities = details.capabilities
    return wire.Model(
        id=name,
        created=summary.created,
        owned_by=owner(summary.alias_of or summary.name),
        context_length=_least(summary.context_length, details.context_length),
        embedding_length=_known(details.embedding_length),
        capabilities=UNSET if capabilities is None else sorted(capabilities),
        quantization=_known(summary.quantization),
        parameter_size=_known(summary.parameter_size),
        loaded=_known(summary.loaded),
        alias_of=_known(summary.alias_of),
    )


def _least(*lengths: int | None) -> int | UnsetType:
    return min((length for length in lengths if length), default=UNSET)


def _known(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value
