"""Rules in a file: which request gets which answer."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from adapters.scripted import errors, vectors, wire, writing
from adapters.scripted.answer import Answer, Counts, Pace, steps
from adapters.scripted.builtin import Builtin
from domain.chat import FinishReason
from domain.messages import Role
from domain.models import Capability, ModelDetails, ModelSummary, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adapters.scripted.steps import Steps
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult

_CREATED = 1_735_689_601  # after the built-in models: the list begins with the newest
# A pattern looks at so much of a text: what one writes badly takes its time on long ones.
_LOOKED_AT = 4000
_EVERYTHING = frozenset(set(Capability) - {Capability.INSERT})


def load(path: Path) -> Script:
    """Return the script in a file, which is TOML if its name ends so, and else JSON.

    Raises:
        SourceError: it cannot be read, or is not a script.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text) if path.suffix == ".toml" else msgspec.json.decode(text)
        script = msgspec.convert(data, wire.Script)
        return Script(script)
    except (OSError, UnicodeDecodeError) as error:
        message = "it cannot be read as UTF-8 text"
        raise errors.SourceError(message) from error
    except (tomllib.TOMLDecodeError, msgspec.MsgspecError, re.error) as error:
        raise errors.SourceError(str(error)) from error


@dataclass(slots=True)
class _Text:
    """A matcher of texts."""

    want: wire.TextMatch
    pattern: re.Pattern[str] | None = field(init=False)

    def __post_init__(self) -> None:
        self.pattern = None if self.want.regex is None else re.compile(self.want.regex)

    def holds(self, text: str) -> bool:
        want = self.want
        return (
            (want.equals is None or text == want.equals)
            and (want.contains is None or want.contains in text)
            and (self.pattern is None or bool(self.pattern.search(text[:_LOOKED_AT])))
        )


class _Rule:
    """A rule, and how often it may still answer."""

    def __init__(self, rule: wire.Rule) -> None:
        self._model = None if rule.when.model is None else canonical(rule.when.model)
        self._user = _matcher(rule.when.user)
        self._tool = _matcher(rule.when.tool_result)
        self._left = rule.times
        self._rule = rule

    def holds(self, request: ChatRequest) -> bool:
        if self._left == 0 or self._model not in (None, canonical(request.model)):
            return False
        last = request.messages[-1]
        # Once a tool has answered, the user's words alone would have it called again and again.
        if (last.role is Role.TOOL) != (self._tool is not None):
            return False
        return (self._tool is None or self._tool.holds(last.text)) and (
            self._user is None or self._user.holds(writing.last_user_text(request))
        )

    def answer(self) -> Answer:
        """Return the answer, which counts as one of its times."""
        if self._left is not None:
            self._left -= 1
        rule, fault, used = self._rule, self._rule.error, self._rule.usage
        return Answer(
            text=rule.text,
            reasoning=rule.reasoning,
            calls=[(call.name, json.dumps(call.arguments)) for call in rule.tool_calls],
            reason=None if rule.finish_reason is None else FinishReason(rule.finish_reason),
            failure=None
            if fault is None
            else errors.made(fault.kind, fault.message, fault.code, fault.retry_after_s),
            failure_after=0 if fault is None else fault.after_tokens,
            pace=Pace(rule.first_token_s, rule.between_tokens_s),
            counts=Counts(
                used.prompt_tokens,
                used.completion_tokens,
                used.cached_tokens,
                used.reasoning_tokens,
            ),
        )


class Script:
    """The models and rules of a file, and the built-in models beside them."""

    def __init__(self, script: wire.Script) -> None:
        self._rules = [_Rule(rule) for rule in script.rules]
        self._builtin = Builtin()
        self._own = {canonical(model.name): model for model in _models(script)}
        self.models: Mapping[str, tuple[ModelSummary, ModelDetails]] = {
            **{
                model.name: (ModelSummary(model.name, _CREATED), model)
                for model in self._own.values()
            },
            **self._builtin.models,
        }

    def chat(self, request: ChatRequest) -> Steps:
        for rule in self._rules:
            if rule.holds(request):
                answer = writing.as_written(rule.answer(), request)
                return steps(answer, writing.asked(request))
        return self._builtin.chat(request)

    def completion(self, request: CompletionRequest) -> Steps:
        return self.chat(writing.as_chat(request))

    def vectors(self, request: EmbedRequest) -> EmbedResult:
        return vectors.of(request)


def _matcher(want: str | wire.TextMatch | None) -> _Text | None:
    if want is None:
        return None
    return _Text(wire.TextMatch(equals=want) if isinstance(want, str) else want)


def _models(script: wire.Script) -> Sequence[ModelDetails]:
    """Return the models of a script: those that it lists, then those that only rules name."""
    listed = [wire.Model(it) if isinstance(it, str) else it for it in script.models]
    known = {canonical(it.name) for it in listed}
    named = dict.fromkeys(rule.when.model for rule in script.rules if rule.when.model)
    builtin = {canonical(name) for name in Builtin.models}
    listed += [wire.Model(name) for name in named if canonical(name) not in known | builtin]
    return [_details(model) for model in listed]


def _details(model: wire.Model) -> ModelDetails:
    can = _EVERYTHING if model.capabilities is None else frozenset(model.capabilities)
    length = vectors.LENGTH if Capability.EMBEDDING in can else None
    return ModelDetails(
        model.name, can, context_length=model.context_length, embedding_length=length
    )
