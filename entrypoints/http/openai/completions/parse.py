"""Legacy completions' wire to the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from domain.completion import Choices, CompletionRequest
from domain.errors import InvalidRequestError
from domain.sampling import Sampling
from entrypoints.http.openai.engine import EngineParameters, engine_options, sampling_options, stops
from entrypoints.http.openai.inputs import Entry, entries

if TYPE_CHECKING:
    from application.defaults import Defaults
    from entrypoints.http.openai.completions import wire

_MAX_TOKENS = 16
# Prompts times completions of each; they are generated side by side.
_MOST = 128


def choices(body: wire.CompletionRequest) -> Choices:
    """Return how the completions of each prompt are made.

    Raises:
        InvalidRequestError: fields contradict each other, or ask for what is not supported.
    """
    n = body.n or 1
    best_of = n if body.best_of is None else body.best_of
    if best_of < n:
        message = f"Invalid 'best_of': it must not be less than 'n', which is {n}."
        raise InvalidRequestError(message, code="integer_below_min_value", param="best_of")
    if body.stream and best_of > n:
        message = "'best_of' above 'n' cannot be streamed: the best is known at the end only."
        raise InvalidRequestError(message, code="invalid_parameter_combination", param="best_of")
    if body.stream_options is not None and not body.stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise InvalidRequestError(message, param="stream_options")
    if body.logit_bias:
        message = "Unsupported parameter: 'logit_bias': the model server cannot bias single tokens."
        raise InvalidRequestError(message, code="unsupported_parameter", param="logit_bias")
    if body.echo and body.logprobs is not None:
        # Evaluations ask for both to rate a text; answers without the prompt's would mislead.
        message = "The model server has no log probabilities of an echoed prompt: leave out one."
        raise InvalidRequestError(message, code="unsupported_parameter", param="logprobs")
    return Choices(n, best_of, echo=bool(body.echo))


def prompts(body: wire.CompletionRequest, each: Choices) -> list[Entry]:
    """Return the prompts of ``body``, each of which is completed as ``each`` tells.

    Raises:
        InvalidRequestError: they are mixed up, or too many.
    """
    if body.prompt is None:
        return [""]
    return entries(body.prompt, "prompt", most=_MOST // each.best_of, may_be_empty=True)


def to_domain(
    body: wire.CompletionRequest, model: str, texts: tuple[str, ...], defaults: Defaults
) -> list[CompletionRequest]:
    """Return the requests that ``body`` makes, one for each of the prompts ``texts``."""
    options = body.options or EngineParameters()
    temperature = defaults.temperature if options.temperature is UNSET else None
    max_tokens = _MAX_TOKENS if options.num_predict is UNSET else None
    sampling = Sampling(
        temperature=temperature if body.temperature is None else body.temperature,
        top_p=body.top_p,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        seed=body.seed,
        max_tokens=max_tokens if body.max_tokens is None else body.max_tokens,
        stop=stops(body.stop),
    )
    sampling = sampling_options(sampling, options)
    suffix = body.suffix or None
    engine = engine_options(body)
    return [
        CompletionRequest(model, text, suffix, sampling, body.logprobs, engine) for text in texts
    ]
