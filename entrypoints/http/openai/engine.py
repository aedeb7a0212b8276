"""What every endpoint takes beside OpenAI's fields: wishes to the engine that runs the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from domain.chat import EngineOptions
from domain.errors import InvalidRequestError
from entrypoints.http.openai.fields import Fraction, Tokens

if TYPE_CHECKING:
    from domain.sampling import Sampling


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


# OpenAI has fields of its own for these, by other names for some.
_OPENAI = {
    "temperature": "temperature",
    "top_p": "top_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "num_predict": "max_tokens",
    "stop": "stop",
}


def sampling_options(named: Sampling, options: EngineParameters) -> Sampling:
    """Return ``named`` with what ``options`` says of the same things.

    Raises:
        InvalidRequestError: they say it otherwise.
    """
    changes: dict[str, Any] = {}
    for option, field in _OPENAI.items():
        value = getattr(options, option)
        if value is UNSET:
            continue
        changes[field] = stops(value) if option == "stop" else value
        if getattr(named, field) not in (None, (), changes[field]):
            raise _differ(field, f"options.{option}")
    if changes.get("max_tokens", 0) < 0:
        # Ollama's way to say that there is no limit.
        changes["max_tokens"] = None
    return replace(named, **changes)


def stops(given: str | list[str] | None) -> tuple[str, ...]:
    """Return the texts that end an answer; an empty one, which would end all, stands for none."""
    every = (given,) if isinstance(given, str) else given or ()
    return tuple(filter(None, every))


def engine_options(body: LoadingFields) -> EngineOptions:
    """Return the engine's part of a request, without what ``sampling_options`` reads.

    Raises:
        InvalidRequestError: a parameter is given twice, with two values.
    """
    given: dict[str, Any] = {}
    if body.options is not None:
        every = msgspec.structs.asdict(body.options)
        given = {k: v for k, v in every.items() if v is not UNSET and k not in _OPENAI}
    if isinstance(body, EngineFields):
        _add(given, body)
    return EngineOptions(given, body.keep_alive, truncate=bool(body.truncate))


def _add(given: dict[str, Any], body: EngineFields) -> None:
    fields = {name: f"options.{name}" for name in given}
    for field, name, value in (
        ("top_k", "top_k", body.top_k),
        ("min_p", "min_p", body.min_p),
        ("typical_p", "typical_p", body.typical_p),
        ("repeat_penalty", "repeat_penalty", body.repeat_penalty),
        ("repetition_penalty", "repeat_penalty", body.repetition_penalty),
        ("num_ctx", "num_ctx", body.num_ctx),
    ):
        if value is None:
            continue
        if given.setdefault(name, value) != value:
            raise _differ(field, fields[name])
        fields.setdefault(name, field)


def _differ(field: str, other: str) -> InvalidRequestError:
    message = f"'{field}' and '{other}' differ; give one of them."
    return InvalidRequestError(message, code="invalid_parameter_combination", param=field)
