"""What is counted of the work with models.

Counting happens with every request, reading once in a while: so the figures are plain numbers
where they arise, and whoever shows them comes and takes them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from time import perf_counter
from typing import TYPE_CHECKING

from application.work import WORK
from domain.models import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.chat import Usage
    from domain.errors import ServiceError

# Bounds are those of OpenTelemetry's GenAI conventions, and longer ones behind them: a model
# that is loaded first takes its time, and so does a processor without help.
DURATION_S = (*(round(0.01 * 2**n, 2) for n in range(14)), 300.0, 900.0)
_SOON_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1)
FIRST_TOKEN_S = (*_SOON_S, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0, 180.0)
PER_TOKEN_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
TOKENS = tuple(4**n for n in range(11))
WAIT_S = (0.001, 0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)

# Stands for every name that no model is known to have.
UNKNOWN = "unknown"
# A server that answers to any name must not fill the memory with names.
_MOST_MODELS = 64
_MOST_SPELLINGS = 256


class Distribution:
    """How many values lie between which bounds, each bound part of what is below it.

    Attributes:
        counts: values up to each bound, and last those above all of them.
        total: the sum of the values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class ModelFigures:
    """Complete answers of one model; times in seconds, the wait for a place included.

    Attributes:
        model: the one spelling of its name.
    """

    __slots__ = ("duration", "first_token", "model", "per_token", "tokens_in", "tokens_out")

    def __init__(self, model: str) -> None:
        self.model = model
        self.duration = Distribution(DURATION_S)
        self.first_token = Distribution(FIRST_TOKEN_S)
        self.per_token = Distribution(PER_TOKEN_S)
        self.tokens_in = Distribution(TOKENS)
        self.tokens_out = Distribution(TOKENS)


class Figures:
    """What was asked of models, and what became of it.

    Attributes:
        answered: by operation and model.
        failures: of the model server, by the errors' codes.
        abandoned: answers that were closed before they were complete.
    """

    def __init__(self) -> None:
        self.answered: dict[tuple[str, str], ModelFigures] = {}
        self.failures: Counter[str] = Counter()
        self.abandoned = 0
        self._models: set[str] = set()
        self._spellings: dict[str, str] = {}

    def know(self, model: str) -> None:
        """Take note that there is a model of this name."""
        if model in self._spellings:
            return
        name = canonical(model)
        if len(self._models) < _MOST_MODELS:
            self._models.add(name)
        if name in self._models and len(self._spellings) < _MOST_SPELLINGS:
            self._spellings[model] = name

    def label(self, model: str) -> str:
        """Return the one spelling of a model's name, or ``UNKNOWN``."""
        found = self._spellings.get(model)
        if found is None:
            name = canonical(model)
            found = name if name in self._models else UNKNOWN
        return found

    def of(self, operation: str, model: str) -> ModelFigures:
        """Return what is counted of a model's answers."""
        label = self.label(model)
        found = self.answered.get((operation, label))
        if found is None:
            found = self.answered[operation, label] = ModelFigures(label)
        return found

    def failed(self, error: ServiceError) -> None:
        """Count a failure of the model server."""
        self.failures[error.code or type(error).__name__] += 1


class Asking:
    """One question to a model, from the moment that it waits for a place.

    Args:
        operation: ``chat``, ``text_completion`` or ``embeddings``.
    """

    __slots__ = ("_began", "_figures", "_first", "_model", "_operation", "_work")

    def __init__(self, figures: Figures, operation: str, model: str) -> None:
        self._figures = figures
        self._operation = operation
        self._model = model
        self._work = work = WORK.get()
        self._began = self._first = perf_counter()
        if work is not None:
            work.operation = operation
            work.model = figures.label(model)

    def placed(self, waited_s: float) -> None:
        """Take note that it has a place, after so long."""
        work = self._work
        if work is not None and waited_s > work.queue_s:
            work.queue_s = waited_s

    def begun(self) -> None:
        """Take note of the first token."""
        self._first = first = perf_counter()
        self._figures.know(self._model)
        work = self._work
        if work is not None and work.first_token_s is None:
            work.first_token_s = first - work.began

    def finished(self, usage: Usage) -> None:
        """Take note that the answer is complete."""
        now = perf_counter()
        counted = self._figures.of(self._operation, self._model)
        counted.duration.add(now - self._began)
        counted.first_token.add(self._first - self._began)
        counted.tokens_in.add(usage.prompt_tokens)
        counted.tokens_out.add(usage.completion_tokens)
        if usage.completion_tokens > 1:
            counted.per_token.add((now - self._first) / (usage.completion_tokens - 1))
        self._tell(counted, usage.prompt_tokens, usage.completion_tokens)

    def turned(self, tokens: int) -> None:
        """Take note that there are vectors of so many tokens."""
        self._figures.know(self._model)
        counted = self._figures.of(self._operation, self._model)
        counted.duration.add(perf_counter() - self._began)
        counted.tokens_in.add(tokens)
        self._tell(counted, tokens, 0)

    def _tell(self, counted: ModelFigures, tokens_in: int, tokens_out: int) -> None:
        work = self._work
        if work is not None:
            work.model = counted.model
            work.tokens_in += tokens_in
            work.tokens_out += tokens_out
