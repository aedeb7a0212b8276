"""A recording as a source of answers."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from adapters.scripted import digest, errors, tape
from adapters.scripted.steps import Step
from domain.embeddings import EmbedResult
from domain.models import ModelDetails, ModelSummary, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.scripted.steps import Steps
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest


class Recording:
    """Gives each request the answers that it got, in their order; the last one again and again.

    Nothing is waited for between tokens.
    """

    def __init__(self, lines: Iterable[tape.Line]) -> None:
        self._answers: defaultdict[str, deque[tape.Answer]] = defaultdict(deque)
        self._vectors: dict[str, tape.Vectors] = {}
        summaries: dict[str, ModelSummary] = {}
        details: dict[str, ModelDetails] = {}
        asked: set[str] = set()
        for line in lines:
            match line:
                case tape.Answer():
                    self._answers[line.digest].append(line)
                    asked.add(line.request["model"])
                case tape.Vectors():
                    self._vectors[line.digest] = line
                    asked.add(line.request["model"])
                case tape.Model():
                    details[canonical(line.details.name)] = line.details
                case tape.Listed():
                    summaries = {canonical(model.name): model for model in line.models}
        names = [*summaries, *sorted((details.keys() | asked) - summaries.keys())]
        self.models: Mapping[str, tuple[ModelSummary, ModelDetails]] = {
            name: (
                summaries.get(name) or ModelSummary(name, 0),
                details.get(name) or ModelDetails(name),
            )
            for name in names
        }

    def chat(self, request: ChatRequest) -> Steps:
        return self._replay(digest.of(digest.normal(request)))

    def completion(self, request: CompletionRequest) -> Steps:
        return self._replay(digest.of(digest.normal(request)))

    def vectors(self, request: EmbedRequest) -> EmbedResult:
        wanted = digest.of(digest.normal(request))
        line = self._vectors.get(wanted)
        if line is None:
            raise errors.not_recorded(wanted)
        if line.failure is not None:
            raise tape.error(line.failure)
        return EmbedResult(line.vectors, line.prompt_tokens)

    def _replay(self, wanted: str) -> Steps:
        lines = self._answers.get(wanted)
        if not lines:
            raise errors.not_recorded(wanted)
        line = lines.popleft() if len(lines) > 1 else lines[0]
        steps = [Step(tape.unpacked(batch)) for batch in line.batches]
        return steps if line.failure is None else [*steps, Step(tape.error(line.failure))]
