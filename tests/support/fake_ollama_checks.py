"""The contract of Ollama's requests, held more strictly than Ollama holds it.

Ollama ignores a key that it does not know, so a typing error never shows there; here it does.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.fake_ollama_http import Request

_Given: TypeAlias = msgspec.UnsetType

OPTIONS: Mapping[str, str] = {
    **dict.fromkeys(("temperature", "top_p", "min_p", "typical_p"), "float32"),
    **dict.fromkeys(("repeat_penalty", "presence_penalty", "frequency_penalty"), "float32"),
    **dict.fromkeys(("num_predict", "top_k", "seed", "repeat_last_n", "num_keep"), "integer"),
    **dict.fromkeys(("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread"), "integer"),
    "draft_num_predict": "integer",
    "use_mmap": "boolean",
    "stop": "array",
}

_DURATION = re.compile(r"-?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+")
# Keys that only make sense in a turn of this role.
_OWN_KEYS = {"thinking": "assistant", "tool_calls": "assistant"} | dict.fromkeys(
    ("tool_name", "tool_call_id"), "tool"
)
# Headers that belong to our own client; Ollama may relay them or refuse over them.
_FOREIGN_HEADERS = ("authorization", "cookie", "origin", "x-api-key", "referer")
_LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule; ``status`` and ``error`` are Ollama's answer, where it would notice."""

    problem: str
    status: int | None = None
    error: str = ""


class _Function(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    arguments: dict[str, Any]
    index: int | _Given = msgspec.UNSET


class _Call(msgspec.Struct, forbid_unknown_fields=True):
    function: _Function
    id: str | _Given = msgspec.UNSET


class _Message(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    images: list[str] | _Given = msgspec.UNSET
    thinking: str | _Given = msgspec.UNSET
    tool_calls: list[_Call] | _Given = msgspec.UNSET
    tool_name: str | _Given = msgspec.UNSET
    tool_call_id: str | _Given = msgspec.UNSET


class _Parameters(msgspec.Struct):
    type: Literal["object"]
    properties: dict[str, dict[str, Any]] | _Given = msgspec.UNSET
    required: list[str] | _Given = msgspec.UNSET


class _Definition(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    parameters: _Parameters
    description: str | _Given = msgspec.UNSET


class _Tool(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["function"]
    function: _Definition


class _Chat(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    messages: list[_Message]
    stream: bool
    tools: list[_Tool] | _Given = msgspec.UNSET
    format: Literal["json"] | dict[str, Any] | _Given = msgspec.UNSET
    options: dict[str, Any] | _Given = msgspec.UNSET
    think: bool | Literal["low", "medium", "high", "max"] | _Given = msgspec.UNSET
    keep_alive: float | str | _Given = msgspec.UNSET
    truncate: bool | _Given = msgspec.UNSET
    shift: bool | _Given = msgspec.UNSET
    logprobs: bool | _Given = msgspec.UNSET
    top_logprobs: int | _Given = msgspec.UNSET


class _Embed(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    input: str | list[str]
    truncate: bool | _Given = msgspec.UNSET
    dimensions: int | _Given = msgspec.UNSET
    keep_alive: float | str | _Given = msgspec.UNSET
    options: dict[str, Any] | _Given = msgspec.UNSET


class _Generate(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    prompt: str
    stream: bool
    suffix: str | _Given = msgspec.UNSET
    raw: bool | _Given = msgspec.UNSET
    options: dict[str, Any] | _Given = msgspec.UNSET
    keep_alive: float | str | _Given = msgspec.UNSET
    truncate: bool | _Given = msgspec.UNSET
    shift: bool | _Given = msgspec.UNSET
    logprobs: bool | _Given = msgspec.UNSET
    top_logprobs: int | _Given = msgspec.UNSET


class _Delete(msgspec.Struct, forbid_unknown_fields=True):
    model: str


class _Pull(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    stream: Literal[True]


class _Show(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    verbose: bool | _Given = msgspec.UNSET


_SHAPES: Mapping[tuple[str, str], type[msgspec.Struct]] = {
    ("POST", "/api/chat"): _Chat,
    ("POST", "/api/embed"): _Embed,
    ("POST", "/api/generate"): _Generate,
    ("POST", "/api/pull"): _Pull,
    ("POST", "/api/show"): _Show,
    ("DELETE", "/api/delete"): _Delete,
}


def check(request: Request) -> list[Violation]:
    """Return the rules that a request breaks, the gravest first."""
    found = [*_headers(request), *_body(request)]
    return sorted(found, key=lambda violation: violation.status is None)


def _headers(request: Request) -> Iterator[Violation]:
    for name in _FOREIGN_HEADERS:
        if name in request.headers:
            yield Violation(f"the header {name} was passed on")
    if not _LOCAL_HOST.fullmatch(request.headers.get("host", "")):
        yield Violation("the header host is not this server's", 403)


def _body(request: Request) -> Iterator[Violation]:
    shape = _SHAPES.get((request.method, request.path))
    if shape is None:
        if request.body:
            yield Violation("a body was sent where none is read")
        return
    if not request.body:
        yield Violation("no body", 400, "missing request body")
        return
    try:
        parsed = msgspec.convert(request.json, shape)
    except msgspec.ValidationError as error:
        yield _misshapen(str(error), request.json)
        return
    if isinstance(parsed, _Chat):
        yield from _chat(parsed)
    if isinstance(parsed, _Generate):
        yield from _generate(parsed)
    if isinstance(parsed, _Chat | _Embed | _Generate):
        yield from _options(parsed.options or {})
        yield from _keep_alive(parsed.keep_alive)


def _misshapen(problem: str, body: Any) -> Violation:
    """Return the violation behind a decoder's sentence, with Ollama's answer to it."""
    answers = (
        (r"unknown field|required field `stream`", None, ""),
        (r"required field `model`", 400, "model is required"),
        (r"arguments`$", 400, "Value looks like object, but can't find closing '}' symbol"),
        (r"`\$\.input`$", 400, "invalid input type"),
        (
            r"\.function\.parameters\.",
            400,
            (
                "json: cannot unmarshal object into Go struct field "
                "ToolFunctionParameters.tools.function.parameters.required of type []string"
            ),
        ),
    )
    for pattern, status, error in answers:
        if re.search(pattern, problem):
            return Violation(problem, status, error)
    if problem.endswith("`$.think`"):
        known = '"high", "medium", "low", "max", true, or false'
        text = f"invalid think value: {json.dumps(body['think'])} (must be {known})"
        return Violation(problem, 400, text)
    if problem.endswith("`$.format`"):
        # Ollama takes null for unset, yet it changes how thinking models answer.
        quoted = json.dumps(json.dumps(body["format"]))
        text = f'invalid format: {quoted}; expected "json" or a valid JSON Schema object'
        return Violation(problem, None if body["format"] is None else 500, text)
    return Violation(problem, 400, "json: cannot unmarshal into Go struct field of ChatRequest")


def _options(options: Mapping[str, Any]) -> Iterator[Violation]:
    for name, value in options.items():
        kind = OPTIONS.get(name)
        if kind is None:
            yield Violation(f"unknown option {name}")
        elif value is None:
            yield Violation(f"option {name} is null")
        elif not _fits(value, kind):
            yield Violation(f"option {name}", 500, f'option "{name}" must be of type {kind}')


def _fits(value: Any, kind: str) -> bool:
    if kind == "array":
        return isinstance(value, list) and all(
            isinstance(item, str) for item in msgspec.convert(value, list[Any])
        )
    if kind == "boolean" or isinstance(value, bool):
        return kind == "boolean" and isinstance(value, bool)
    return isinstance(value, int | float if kind == "float32" else int)


def _chat(body: _Chat) -> Iterator[Violation]:
    if not body.model:
        yield Violation("empty model", 400, "model is required")
    if body.tools and body.format:
        yield Violation("format and tools: the model could not call")
    if body.top_logprobs:
        if not 0 <= body.top_logprobs <= 20:
            yield Violation("top_logprobs", 400, "top_logprobs must be between 0 and 20")
        if body.logprobs is not True:
            yield Violation("top_logprobs without logprobs")
    for number, message in enumerate(body.messages):
        yield from _message(f"messages[{number}]", message)


def _generate(body: _Generate) -> Iterator[Violation]:
    if body.raw and body.suffix:
        yield Violation("suffix with raw: no template would place it")
    if not body.prompt:
        yield Violation("no prompt: that loads the model")


def _message(where: str, message: _Message) -> Iterator[Violation]:
    for key, role in _OWN_KEYS.items():
        if getattr(message, key) is not msgspec.UNSET and message.role != role:
            yield Violation(f"{where}: {key} in a turn of {message.role}")
    for image in message.images or ():
        try:
            base64.b64decode(image, validate=True)
        except binascii.Error:
            yield Violation(f"{where}: image", 400, "illegal base64 data at input byte 4")


def _keep_alive(value: float | str | _Given) -> Iterator[Violation]:
    if isinstance(value, str) and not _DURATION.fullmatch(value):
        unit = "missing unit in" if value.lstrip("-").isdigit() else "invalid"
        yield Violation("keep_alive", 400, f'time: {unit} duration "{value}"')
