"""A model that does the plausible: it calls tools, fills schemas and repeats what it is told."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from domain.chat import FinishReason, TokenLogprob, Usage
from domain.errors import OverloadedError, UpstreamProtocolError
from domain.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.messages import Role
from domain.models import Capability
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, TextFormat
from domain.tools import ToolChoice
from tests.clients.schema_writer import fill
from tests.support.fake_llm import FakeLLM, details

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domain.chat import ChatRequest
    from domain.messages import Message
    from tests.support.fake_llm import FakeStream, Step

THOUGHT = "Let me think."
MODELS = {
    model.name: model
    for model in (
        details("scripted", Capability.TOOLS, Capability.VISION),
        details("thinker", Capability.TOOLS, Capability.THINKING),
        details("embedder", Capability.EMBEDDING),
    )
}


class ScriptedLLM(FakeLLM):
    """Answers by the request; what the user says can make it fail.

    `Fail: busy` is a full queue, `Fail: midway` a failure after the first words.
    """

    def __init__(self) -> None:
        super().__init__(models=MODELS)

    async def stream(self, request: ChatRequest) -> FakeStream:
        """Open the answer to ``request``."""
        self.script = list(_script(request))
        return await super().stream(request)


def _script(request: ChatRequest) -> Iterator[Step]:
    asked = next(m.text for m in reversed(request.messages) if m.role is Role.USER)
    if "Fail: busy" in asked:
        yield OverloadedError("The model server is busy.", code="server_busy")
        return
    thought = [THOUGHT] if request.model == "thinker" else []
    yield from ([ReasoningDelta(text)] for text in thought)
    if calls := _calls(request, asked):
        yield from ([piece] for call in calls for piece in _pieces(call))
        usage = _usage(request, len(calls), len(thought))
        yield [Finished(FinishReason.TOOL_CALLS, usage)]
        return
    words = re.findall(r"\s*\S+|\s+", _cut(_text(request, asked), request.sampling.stop))
    most = request.sampling.max_tokens or len(words)
    kept = words[:most]
    yield from ([_delta(word, request)] for word in kept)
    if "Fail: midway" in asked:
        yield UpstreamProtocolError("The model server broke off.", code="upstream_truncated")
    reason = FinishReason.LENGTH if len(words) > most else FinishReason.STOP
    yield [Finished(reason, _usage(request, len(kept), len(thought)))]


def _calls(request: ChatRequest, asked: str) -> list[ToolCallDelta]:
    """Return calls of the tools that the user names, each once; of the first if of none."""
    if request.tool_choice is ToolChoice.NONE:
        return []
    since = list(itertools.takewhile(lambda m: m.role is not Role.USER, request.messages[::-1]))
    called = {call.name for message in since for call in message.tool_calls}
    tools = [it for it in request.tools if it.name in asked and it.name not in called]
    if not (tools or since):
        tools = [*request.tools[:1]]
    filled = [json.dumps(fill(tool.parameters, asked)) for tool in tools]
    number = len(request.messages)
    return [
        ToolCallDelta(index, f"call_{number}_{index}", tool.name, arguments)
        for index, (tool, arguments) in enumerate(zip(tools, filled, strict=True))
    ]


def _pieces(call: ToolCallDelta) -> Iterator[ToolCallDelta]:
    """Yield a call as models write it, its arguments bit by bit."""
    middle = len(call.arguments) // 2
    yield replace(call, arguments=call.arguments[:middle])
    yield ToolCallDelta(call.index, None, None, call.arguments[middle:])


def _text(request: ChatRequest, asked: str) -> str:
    last = request.messages[-1]
    match request.output:
        case JSONSchemaFormat(_, schema):
            kinds = schema.get("anyOf", [schema])
            # The last kind of an envelope is the one that is no call.
            wanted = kinds[-1] if last.role is Role.TOOL else schema
            return json.dumps(fill(wanted, asked, schema), ensure_ascii=False)
        case JSONObjectFormat():
            names = re.findall(r"'(\w+)'", asked) or ["answer"]
            return json.dumps(dict.fromkeys(names, "Something."))
        case TextFormat():
            return _said(last, asked)


def _said(last: Message, asked: str) -> str:
    said = f"The tool says: {last.text}" if last.role is Role.TOOL else f"You said: {asked}"
    return f"{said.rstrip()} I see an image." if last.images else said


def _cut(text: str, stops: Sequence[str]) -> str:
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(places, default=len(text))]


def _delta(word: str, request: ChatRequest) -> TextDelta:
    if request.top_logprobs is None:
        return TextDelta(word)
    return TextDelta(word, (TokenLogprob(word, -0.5, word.encode()),))


def _usage(request: ChatRequest, said: int, thought: int) -> Usage:
    prompt = sum(len(message.text.split()) for message in request.messages)
    return Usage(prompt, said + thought, cached_tokens=0, reasoning_tokens=thought)
