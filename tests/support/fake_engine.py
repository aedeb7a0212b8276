"""A scripted engine with OpenAI's API on a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support import fake_engine_answers as answers
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import answered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.fake_ollama_http import Reply, Request

MODELS = "/v1/models"
CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"

_POST: Mapping[str, Callable[[Mapping[str, Any]], Reply]] = {
    CHAT: answers.chat,
    COMPLETIONS: answers.completions,
    EMBEDDINGS: answers.embeddings,
}
_SAMPLING = frozenset(
    {
        *("model", "stream", "stream_options", "temperature", "top_p", "max_tokens", "stop"),
        *("seed", "frequency_penalty", "presence_penalty", "logprobs", "top_k", "min_p"),
        *("repetition_penalty", "repeat_penalty"),
    }
)
_FIELDS: Mapping[str, frozenset[str]] = {
    CHAT: _SAMPLING
    | {
        *("messages", "tools", "tool_choice", "parallel_tool_calls", "response_format"),
        *("reasoning_effort", "top_logprobs"),
    },
    COMPLETIONS: _SAMPLING | {"prompt"},
    EMBEDDINGS: frozenset({"model", "input", "encoding_format"}),
}


class FakeEngine(FakeOllama):
    """The same server with OpenAI's API; requests are held against what engines take."""

    def _reply(self, request: Request) -> Reply:
        self._check(request)
        scripted = self._scripts.get(request.path)
        if scripted:
            return scripted.popleft()
        return self._constant.get(request.path) or self._default(request)

    def _default(self, request: Request) -> Reply:
        if request.method == "GET" and request.path == MODELS:
            return answers.models()
        if request.method == "DELETE" and request.path.startswith(MODELS):
            return answered({"deleted": True})
        if request.method == "POST" and request.path in _POST:
            return _POST[request.path](request.json)
        self.violations.append(f"{request.method} {request.path}: not an endpoint")
        return answers.failed(404, "Not Found")

    def _check(self, request: Request) -> None:
        if request.method != "POST":
            return
        unknown = set(request.json) - _FIELDS.get(request.path, frozenset())
        nulls = [name for name, value in request.json.items() if value is None]
        self.violations += [f"{request.path}: {name}" for name in (*sorted(unknown), *nulls)]
        if request.headers.get("content-type") != "application/json":
            self.violations.append(f"{request.path}: not declared as JSON")
