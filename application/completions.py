"""Text that follows bare prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from application.choices import ChoiceStream, ManyChoices, OneChoice, all_of
from application.generation import Generation
from application.infill import HoleFiller
from application.streaming import RewrittenStream, fold
from domain.chat import ChatResult, FinishReason, Usage
from domain.completion import NEW_DOCUMENT
from domain.errors import InvalidRequestError
from domain.events import Finished, TextDelta
from domain.models import Capability

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from application.ports.llm import ChatStream, LLMPort
    from application.ports.system import ClockPort, IdPort
    from domain.completion import Choices, CompletionRequest
    from domain.events import ChatEvent

    # How a completion is asked for.
    Way: TypeAlias = Callable[[CompletionRequest], Awaitable[ChatStream]]


@dataclass(frozen=True, slots=True)
class Completions:
    """The completions of several prompts: all of the first one's, then all of the second's."""

    results: tuple[ChatResult, ...]
    usage: Usage


class CompletionsService:
    """Goes on with prompts."""

    def __init__(self, llm: LLMPort, ids: IdPort, clock: ClockPort) -> None:
        self._llm = llm
        self._ids = ids
        self._clock = clock

    async def complete(
        self, requests: Sequence[CompletionRequest], choices: Choices
    ) -> tuple[Generation, Completions]:
        """Return whole completions.

        Raises:
            InvalidRequestError: the request, or the model, does not allow it.
            NotFoundError: no such model.
            UpstreamError: the model server failed.
        """
        generation = self._generation(requests)
        way = await self._way(requests[0])
        per_prompt = await all_of(_of_prompt(request, choices, way) for request in requests)
        results = tuple(result for some in per_prompt for result in _best(some, choices.n))
        used = [_usage(some) for some in per_prompt]
        return generation, Completions(
            results,
            Usage(
                sum(one.prompt_tokens for one in used),
                sum(one.completion_tokens for one in used),
                sum(one.cached_tokens for one in used),
            ),
        )

    async def stream(
        self, requests: Sequence[CompletionRequest], choices: Choices
    ) -> tuple[Generation, ChoiceStream]:
        """Return completions that have begun; the caller closes them.

        Raises:
            InvalidRequestError: the request, or the model, does not allow it.
            NotFoundError: no such model.
            UpstreamError: the model server failed before the first token.
        """
        generation = self._generation(requests)
        way = await self._way(requests[0])
        each = [_choice(request, index) for request in requests for index in range(choices.n)]
        if len(each) == 1:
            return generation, OneChoice(await _open(each[0], way, echo=choices.echo))
        streams = ManyChoices([_open(request, way, echo=choices.echo) for request in each])
        await streams.prime()
        return generation, streams

    def _generation(self, requests: Sequence[CompletionRequest]) -> Generation:
        return Generation(self._ids.new("cmpl-"), self._clock.unix_time(), requests[0].model)

    async def _way(self, request: CompletionRequest) -> Way:
        """Return how the model is asked; refuse a suffix where it writes nothing at all."""
        if request.suffix is None:
            return self._go_on
        details = await self._llm.show_model(request.model)
        if details.has(Capability.INSERT):
            return self._go_on
        if details.lacks(Capability.COMPLETION):
            message = f"The model '{request.model}' cannot fill in the middle; leave out 'suffix'."
            raise InvalidRequestError(message, code="unsupported_parameter", param="suffix")
        return HoleFiller(self._llm, details).open

    async def _go_on(self, request: CompletionRequest) -> ChatStream:
        return await self._llm.complete_prompt(_with_prompt(request))


async def _of_prompt(request: CompletionRequest, choices: Choices, way: Way) -> list[ChatResult]:
    if choices.best_of > choices.n and request.top_logprobs is None:
        request = replace(request, top_logprobs=0)
    drawn = (_choice(request, index) for index in range(choices.best_of))
    return await all_of(_answer(each, way, echo=choices.echo) for each in drawn)


async def _answer(request: CompletionRequest, way: Way, *, echo: bool) -> ChatResult:
    return await fold(await _open(request, way, echo=echo))


async def _open(request: CompletionRequest, way: Way, *, echo: bool) -> ChatStream:
    # Some servers take a limit of 0 for none.
    muted = request.sampling.max_tokens == 0
    if muted:
        request = replace(request, sampling=replace(request.sampling, max_tokens=1))
    stream = await way(request)
    if muted:
        stream = RewrittenStream(stream, _muted)
    return RewrittenStream(stream, _Echo(request.prompt).feed) if echo else stream


def _muted(batch: Sequence[ChatEvent]) -> Sequence[ChatEvent]:
    """Return the end of a completion of which only the count of the prompt's tokens is wanted."""
    last = batch[-1]
    if not isinstance(last, Finished):
        return ()
    usage = replace(last.usage, completion_tokens=0)
    return (Finished(FinishReason.LENGTH, usage),)


class _Echo:
    """Puts a prompt before what follows it."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt

    def feed(self, batch: Sequence[ChatEvent]) -> Sequence[ChatEvent]:
        prompt, self._prompt = self._prompt, ""
        return [TextDelta(prompt), *batch] if prompt else batch


def _with_prompt(request: CompletionRequest) -> CompletionRequest:
    """Return ``request`` with a prompt: some servers take none for a wish to load the model."""
    if request.prompt:
        return request
    return replace(request, prompt=NEW_DOCUMENT if request.suffix is None else "\n")


def _choice(request: CompletionRequest, index: int) -> CompletionRequest:
    """Give each completion of a prompt a seed of its own."""
    sampling = request.sampling
    if sampling.seed is None or index == 0:
        return request
    return replace(request, sampling=replace(sampling, seed=sampling.seed + index))


def _best(results: Sequence[ChatResult], n: int) -> Sequence[ChatResult]:
    return results if len(results) == n else sorted(results, key=_likelihood, reverse=True)[:n]


def _likelihood(result: ChatResult) -> float:
    """Return the mean log probability of a completion's tokens."""
    tokens = result.logprobs
    return sum(token.logprob for token in tokens) / len(tokens) if tokens else float("-inf")


def _usage(results: Sequence[ChatResult]) -> Usage:
    """Return the usage of completions that share a prompt: it counts once."""
    used = [result.usage for result in results]
    return Usage(
        max(one.prompt_tokens for one in used),
        sum(one.completion_tokens for one in used),
        max(one.cached_tokens for one in used),
    )
