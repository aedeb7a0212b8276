"""What every endpoint takes beside OpenAI's fields: wishes to the engine that runs the model."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType

from domain.chat import EngineOptions
from entrypoints.http.openai.fields import Fraction, Tokens


class EngineParameters(Struct, forbid_unknown_fields=True):
    """Ollama's own parameters (Ollama `docs/modelfile.md` and `api/types.go`, Options)."""

    num_ctx: Tokens | UnsetType = UNSET
    num_keep: int | UnsetType = UNSET
    num_predict: int | UnsetType = UNSET
    num_batch: Tokens | UnsetType = UNSET
    num_gpu: int | UnsetType = UNSET
    main_gpu: int | UnsetType = UNSET
    num_thread: int | UnsetType = UNSET
    use_mmap: bool | UnsetType = UNSET
    draft_num_predict: int | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_k: int | UnsetType = UNSET
    top_p: float | UnsetType = UNSET
    min_p: float | UnsetType = UNSET
    typical_p: float | UnsetType = UNSET
    repeat_last_n: int | UnsetType = UNSET
    repeat_penalty: float | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET


class LoadingFields(Struct, forbid_unknown_fields=True, kw_only=True):
    """Fields of every endpoint that has a model run."""

    options: EngineParameters | None = None
    # How long the model stays loaded.
    keep_alive: float | str | None = None
    # Whether what the model reads may be cut to its context.
    truncate: bool | None = None


class EngineFields(LoadingFields, forbid_unknown_fields=True, kw_only=True):
    """Fields of every endpoint that has a text written, by the names that frameworks use."""

    top_k: int | None = None
    min_p: Fraction | None = None
    typical_p: Fraction | None = None
    repeat_penalty: float | None = None
    repetition_penalty: float | None = None
    num_ctx: Tokens | None = None


def engine_options(body: LoadingFields) -> EngineOptions:
    """Return the engine's part of a request; its fields win over those in ``options``."""
    given = {} if body.options is None else msgspec.structs.asdict(body.options)
    given = {name: value for name, value in given.items() if value is not UNSET}
    if isinstance(body, EngineFields):
        beside = {
            "top_k": body.top_k,
            "min_p": body.min_p,
            "typical_p": body.typical_p,
            "repeat_penalty": body.repeat_penalty or body.repetition_penalty,
            "num_ctx": body.num_ctx,
        }
        given |= {name: value for name, value in beside.items() if value is not None}
    return EngineOptions(given, body.keep_alive, truncate=bool(body.truncate))
