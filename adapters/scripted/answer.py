"""A written answer to the steps of a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.scripted.steps import Step
from domain.chat import FinishReason, TokenLogprob, TopLogprob, Usage
from domain.errors import ServiceError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.sampling import Sampling

_WORDS = re.compile(r"\s*\S+|\s+")
# One fixed likelihood for all: there is nothing that drew them.
_LOGPROB = -0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds before the first token, and between two."""

    first_s: float = 0.0
    between_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens that a script tells; None for counted ones."""

    prompt: int | None = None
    completion: int | None = None
    cached: int = 0
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said, how fast, and how it ends.

    Attributes:
        calls: names, and arguments as JSON text.
        failure: instead of an end, after so many tokens.
    """

    text: str = ""
    reasoning: str = ""
    calls: Sequence[tuple[str, str]] = ()
    reason: FinishReason | None = None
    failure: ServiceError | None = None
    failure_after: int = 0
    pace: Pace = Pace()
    counts: Counts = Counts()


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request shapes any answer: the words of its prompt count as its tokens."""

    prompt_tokens: int
    turns: int
    sampling: Sampling
    top_logprobs: int | None


def count(text: str) -> int:
    """Return how many tokens a text has here: its words."""
    return len(text.split())


def steps(answer: Answer, asked: Asked) -> list[Step]:
    """Return the steps of an answer: a word each, then calls, each whole, then the end."""
    thought: list[ChatEvent] = [ReasoningDelta(word) for word in words(answer.reasoning)]
    text = _stopped(answer.text, asked.sampling.stop)
    said: list[ChatEvent] = [_delta(word, asked.top_logprobs) for word in words(text)]
    calls: list[ChatEvent] = [
        ToolCallDelta(index, f"call_{asked.turns}_{index}", name, arguments)
        for index, (name, arguments) in enumerate(answer.calls)
    ]
    events = thought + said + calls
    most = asked.sampling.max_tokens
    kept = events if most is None else events[:most]
    if answer.failure is not None:
        kept = kept[: answer.failure_after]
        return list(_paced([*([event] for event in kept), answer.failure], answer.pace))
    reason = answer.reason or (FinishReason.TOOL_CALLS if calls else FinishReason.STOP)
    if len(kept) < len(events):
        reason = FinishReason.LENGTH
    usage = _usage(answer.counts, asked, len(kept), min(len(thought), len(kept)))
    ended: list[list[ChatEvent]] = [[event] for event in kept]
    return list(_paced([*ended, [Finished(reason, usage)]], answer.pace))


def words(text: str) -> list[str]:
    """Return the pieces of a text, each a word with the space before it."""
    return _WORDS.findall(text)


def _paced(whats: Sequence[Sequence[ChatEvent] | ServiceError], pace: Pace) -> Iterator[Step]:
    for index, what in enumerate(whats):
        # The end comes with the last token.
        last = index == len(whats) - 1 and index > 0
        yield Step(what, 0.0 if last else pace.between_s if index else pace.first_s)


def _stopped(text: str, stops: Sequence[str]) -> str:
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(places, default=len(text))]


def _delta(word: str, top: int | None) -> TextDelta:
    if top is None:
        return TextDelta(word)
    utf8 = word.encode()
    likely = (TopLogprob(word, _LOGPROB, utf8),) if top else ()
    return TextDelta(word, (TokenLogprob(word, _LOGPROB, utf8, likely),))


def _usage(counts: Counts, asked: Asked, completion: int, reasoning: int) -> Usage:
    def told(given: int | None, counted: int) -> int:
        return counted if given is None else given

    return Usage(
        told(counts.prompt, asked.prompt_tokens),
        told(counts.completion, completion),
        counts.cached,
        told(counts.reasoning, reasoning),
    )
