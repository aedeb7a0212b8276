"""What a small, healthy Ollama says, in the bytes that the real one would use.

Shapes and texts are those of Ollama's ``docs/api.md`` and its route handlers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from adapters.scripted.filling import fill, fits
from domain.errors import InvalidRequestError
from tests.support.fake_ollama_http import JSON, NDJSON, PLAIN, Ending, Framing, Piece, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

VERSION = "0.32.15"
TOKENS = ("Hel", "lo", " <b>", "wörld", "</b> & more", " 👋")
TEXT = "".join(TOKENS)
THOUGHTS = ("The user", " greets me.")
THINKING = "".join(THOUGHTS)
PROMPT_TOKENS = 26

_DIGEST = "500a1f067a9f782620b40bee6f7b0c89e17ae61f686b92c24933e4ca4b2b8b41"
_DURATIONS: Mapping[str, object] = {"total_duration": 712345678, "load_duration": 41295167}


@dataclass(frozen=True, slots=True)
class Model:
    """An installed model."""

    name: str
    capabilities: tuple[str, ...]
    modified_at: str
    context_length: int = 8192


MODELS = (
    Model("thinker:latest", ("completion", "tools", "thinking"), "2026-08-20T09:11:02.712345678Z"),
    Model("tools-model:latest", ("completion", "tools"), "2026-08-19T09:11:02-07:00"),
    Model("viewer:latest", ("completion", "vision"), "2026-08-18T09:11:02.5+02:00"),
    Model("embedder:latest", ("embedding",), "2026-08-17T09:11:02Z", 512),
    Model("smollm2:135m", ("completion",), "2026-08-16T09:11:02Z"),
    Model("filler:latest", ("completion", "insert"), "2026-08-15T09:11:02Z"),
)


def find(name: str) -> Model | None:
    """Return the model that ``name`` means; case and ``:latest`` do not matter."""
    full = normalised(name).casefold()
    return next((model for model in MODELS if model.name == full), None)


def normalised(name: str) -> str:
    """Return ``name`` with its tag."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def encoded(value: object) -> bytes:
    """Return compact JSON with Go's escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode()


def line(message: Mapping[str, object] | None = None, **fields: object) -> bytes:
    """Return one line of a chat stream; ``fields`` go beside ``message`` and may replace it all."""
    body: dict[str, object] = {
        "model": "smollm2:135m",
        "created_at": "2026-08-21T18:48:22.1002003Z",
        "message": {"role": "assistant", "content": "", **(message or {})},
        "done": False,
    }
    return encoded(body | fields) + b"\n"


def text_line(text: str, **fields: object) -> bytes:
    """Return a line with more text."""
    return line({"content": text}, **fields)


def thinking_line(text: str, **fields: object) -> bytes:
    """Return a line with more thinking."""
    return line({"thinking": text}, **fields)


def tool_line(*calls: tuple[str, Mapping[str, object]], **fields: object) -> bytes:
    """Return a line with whole calls, each a name and its arguments."""
    functions = [
        {
            "id": f"call_k3v9x0a{number}",
            "function": {"index": number, "name": name, "arguments": arguments},
        }
        for number, (name, arguments) in enumerate(calls)
    ]
    return line({"tool_calls": functions}, **fields)


def done_line(
    reason: str = "stop", *, prompt: int = PROMPT_TOKENS, completion: int = len(TOKENS)
) -> bytes:
    """Return the last line; a count of 0 is left out, as Go does."""
    counts = {"prompt_eval_count": prompt, "eval_count": completion}
    given = {name: count for name, count in counts.items() if count}
    return line(None, done=True, done_reason=reason, **_DURATIONS, **given)


def error_line(text: str) -> bytes:
    """Return the line that reports a failure under status 200."""
    return encoded({"error": text}) + b"\n"


def streamed(*pieces: Piece, ending: Ending = Ending.CLEAN) -> Reply:
    """Return a stream of these pieces, each written by itself; see ``Reply`` for gates."""
    return Reply(pieces, headers=NDJSON, ending=ending)


def failed(status: int, text: str) -> Reply:
    """Return an error before the body."""
    return replace(answered({"error": text}), status=status)


def answered(body: object) -> Reply:
    """Return one JSON document."""
    return Reply((encoded(body),), headers=JSON, framing=Framing.SIZED)


def plain(text: str, status: int = 200) -> Reply:
    """Return plain text, as the router itself does."""
    return Reply((text.encode(),), status, PLAIN, framing=Framing.SIZED)


def in_pieces(data: bytes, size: int) -> tuple[bytes, ...]:
    """Return ``data`` in pieces of ``size`` bytes, the last perhaps shorter."""
    return tuple(data[start : start + size] for start in range(0, len(data), size))


def tags() -> Reply:
    """Return the installed models, newest first."""
    return answered({"models": [_tag(model) for model in MODELS]})


def running() -> Reply:
    """Return the loaded models."""
    extra = {"expires_at": "2318-12-01T18:36:09.977120715-07:00", "size_vram": 0}
    return answered({"models": [_tag(MODELS[-2]) | extra | {"context_length": 4096}]})


def show(body: Mapping[str, Any]) -> Reply:
    """Return what is known of a model."""
    name = body.get("model", "")
    model = find(name)
    if model is None:
        return failed(404, f"model '{normalised(name)}' not found")
    return answered(
        {
            "details": _details(),
            "model_info": {
                "general.architecture": "llama",
                "llama.context_length": model.context_length,
                "llama.embedding_length": 4,
            },
            "capabilities": model.capabilities,
            "modified_at": model.modified_at,
        }
    )


def chat(body: Mapping[str, Any]) -> Reply:
    """Return an answer of several tokens, or the refusal that the request earns."""
    name = body.get("model", "")
    model = find(name)
    if model is None:
        return failed(404, f"model '{name}' not found")
    refusal = _refusal(name, model, body)
    if refusal is not None:
        return failed(400, refusal)
    if not body.get("messages"):
        return answered(json.loads(line(model=name, done=True, done_reason="load")))
    try:
        lines = list(_answer(name, model, body))
    except InvalidRequestError:
        return failed(500, "Failed to initialize samplers: failed to parse grammar")
    return streamed(*lines) if body.get("stream", True) else answered(_gathered(lines))


def embed(body: Mapping[str, Any]) -> Reply:
    """Return one vector of length 1 for each input."""
    name = body.get("model", "")
    model = find(name)
    if model is None:
        return failed(404, f'model "{name}" not found, try pulling it first')
    if "embedding" not in model.capabilities:
        return failed(501, "This server does not support embeddings. Start it with `--embeddings`")
    given: str | list[str] = body.get("input") or []
    texts = [given] if isinstance(given, str) else given
    vectors = [[1.0, 0.0, 0.0, 0.0][: body.get("dimensions", 4)] for _ in texts]
    counts = {"prompt_eval_count": len(texts)} if texts else {}
    return answered({"model": name, "embeddings": vectors, **_DURATIONS, **counts})


def generate(body: Mapping[str, Any]) -> Reply:
    """Return text that follows a prompt, or the refusal that the request earns."""
    name = body.get("model", "")
    model = find(name)
    if model is None:
        return failed(404, f"model '{name}' not found")
    if body.get("suffix") and "insert" not in model.capabilities:
        return failed(400, f"models.example.internal/library/{model.name} does not support insert")
    if not body.get("prompt"):
        return answered({"model": name, "response": "", "done": True, "done_reason": "load"})
    lines = [json.loads(each) for each in _answer(name, model, {**body, "think": False})]
    for each in lines:
        each["response"] = each.pop("message")["content"]
    return streamed(*(encoded(each) + b"\n" for each in lines))


def delete(body: Mapping[str, Any]) -> Reply:
    """Return the answer to a wish to delete a model; it stays all the same."""
    name = body.get("model", "")
    if find(name) is None:
        return failed(404, f"model '{normalised(name)}' not found")
    return Reply((), headers=PLAIN, framing=Framing.SIZED)


def pull(body: Mapping[str, Any]) -> Reply:
    """Return the fetching of a model of two parts, or the words on one that is nowhere."""
    if find(body.get("model", "")) is None:
        return streamed(
            encoded({"status": "pulling manifest"}) + b"\n",
            error_line("pull model manifest: file does not exist"),
        )
    lines: list[Mapping[str, object]] = [{"status": "pulling manifest"}]
    for letter, total in (("a", 2_000_000), ("b", 1000)):
        part = {"status": f"pulling {letter * 12}", "digest": f"sha256:{letter * 64}"}
        # What is not there yet has no count.
        lines += [{**part, "total": total}, {**part, "total": total, "completed": total}]
    lines += [{"status": it} for it in ("verifying sha256 digest", "writing manifest", "success")]
    return streamed(*(encoded(it) + b"\n" for it in lines))


def _refusal(name: str, model: Model, body: Mapping[str, Any]) -> str | None:
    if "completion" not in model.capabilities:
        return f'"{name}" does not support chat'
    if body.get("tools") and "tools" not in model.capabilities:
        return f"models.example.internal/library/{model.name} does not support tools"
    if body.get("think") and "thinking" not in model.capabilities:
        return f'"{name}" does not support thinking'
    return None


def _answer(name: str, model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
    thoughts = THOUGHTS if "thinking" in model.capabilities and body.get("think", True) else ()
    words, is_whole = _in_form(body["format"]) if body.get("format") else (TOKENS, True)
    tokens = [("thinking", text) for text in thoughts] + [("content", text) for text in words]
    limit = body.get("options", {}).get("num_predict", -1)
    kept = tokens[:limit] if limit >= 0 else tokens
    for kind, text in kept:
        yield line({kind: text}, model=name, **_logprobs(text, body))
    reason = "stop" if len(kept) == len(tokens) and is_whole else "length"
    yield done_line(reason, completion=len(kept)).replace(b"smollm2:135m", name.encode(), 1)


def _in_form(form: str | Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """Return JSON in two tokens, and whether it is whole.

    Where nothing easily satisfies a schema, a model goes on until its tokens run out.
    """
    if isinstance(form, str):
        return ("{", "}"), True
    value = fill(form, TEXT)
    text = json.dumps(value, ensure_ascii=False)
    return (text[:1], text[1:]), fits(form, value)


def _logprobs(text: str, body: Mapping[str, Any]) -> dict[str, object]:
    if not body.get("logprobs"):
        return {}
    entry = {"token": text, "logprob": -0.1054, "bytes": list(text.encode())}
    count = body.get("top_logprobs", 0)
    return {"logprobs": [entry | {"top_logprobs": [entry] * count} if count else entry]}


def _gathered(lines: Sequence[bytes]) -> dict[str, Any]:
    """Return the one object that an answer without a stream is."""
    bodies: list[dict[str, Any]] = [json.loads(each) for each in lines]
    whole = bodies[-1]
    for key in ("thinking", "content"):
        text = "".join(body["message"].get(key, "") for body in bodies)
        if text:
            whole["message"][key] = text
    logprobs = [entry for body in bodies for entry in body.get("logprobs", ())]
    return whole | {"logprobs": logprobs} if logprobs else whole


def _tag(model: Model) -> dict[str, object]:
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": model.modified_at,
        "size": 270898672,
        "digest": _DIGEST,
        "details": _details(),
        "capabilities": model.capabilities,
    }


def _details() -> dict[str, object]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": None,
        "parameter_size": "134.52M",
        "quantization_level": "F16",
    }
