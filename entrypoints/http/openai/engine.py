"""What every endpoint takes beside OpenAI's fields: wishes to the engine that runs the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from domain.chat import EngineOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

Tokens = Annotated[int, Meta(ge=1)]


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


def engine_options(
    options: EngineParameters | None,
    beside: Mapping[str, object],
    keep_alive: float | str | None,
    *,
    truncate: bool | None,
) -> EngineOptions:
    """Return the engine's part of a request.

    Args:
        options: parameters as Ollama's own API takes them.
        beside: the same by the names that frameworks put at the top; None where not given.
        keep_alive: how long the model stays loaded.
        truncate: whether what the model reads may be cut to its context.
    """
    given = {} if options is None else msgspec.structs.asdict(options)
    given = {name: value for name, value in given.items() if value is not UNSET}
    given |= {name: value for name, value in beside.items() if value is not None}
    return EngineOptions(given, keep_alive, truncate=bool(truncate))
