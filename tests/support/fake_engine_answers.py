"""What an engine with OpenAI's API says, in the bytes that vLLM and its like would use."""

from __future__ import annotations

import base64
import json
import struct
from typing import TYPE_CHECKING, Any

from tests.support.fake_ollama_answers import MODELS, PROMPT_TOKENS, TOKENS, Model, answered, find
from tests.support.fake_ollama_http import JSON, Ending, Framing, Piece, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SSE = {"content-type": "text/event-stream; charset=utf-8"}
DONE = b"data: [DONE]\n\n"


def event(body: Mapping[str, object]) -> bytes:
    """Return an event with this data."""
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def chunk(delta: Mapping[str, object], **choice: object) -> bytes:
    """Return an event that goes on with a chat's answer; ``choice`` goes beside the delta."""
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **choice}]
    return event(_chunk("chat.completion.chunk", choices=choices))


def text_chunk(text: str, **choice: object) -> bytes:
    """Return an event that goes on with a completion."""
    choices = [{"index": 0, "text": text, "logprobs": None, "finish_reason": None, **choice}]
    return event(_chunk("text_completion", choices=choices))


def usage(prompt: int = PROMPT_TOKENS, completion: int = len(TOKENS)) -> bytes:
    """Return the event with the counts."""
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": None,
    }
    return event(_chunk("chat.completion.chunk", choices=[], usage=counts))


def end(reason: str = "stop", **counts: int) -> bytes:
    """Return all that ends a chat's answer."""
    return chunk({}, finish_reason=reason) + usage(**counts) + DONE


def streamed(*pieces: Piece, ending: Ending = Ending.CLEAN) -> Reply:
    """Return a stream of these pieces, each written by itself."""
    return Reply(pieces, headers=SSE, ending=ending)


def failed(status: int, message: str, **fields: object) -> Reply:
    """Return an error before the body, as OpenAI has it."""
    error = {"message": message, "type": "error", "param": None, "code": None, **fields}
    body = json.dumps({"error": error}).encode()
    return Reply((body,), status, JSON, framing=Framing.SIZED)


def models() -> Reply:
    """Return the models, in no order."""
    listed = [
        {"id": _name(model), "object": "model", "created": 1_700_000_000 + place, "owned_by": "x"}
        for place, model in enumerate(MODELS)
    ]
    return answered({"object": "list", "data": [{**one, "max_model_len": 8192} for one in listed]})


def chat(body: Mapping[str, Any]) -> Reply:
    """Return an answer of several tokens, or the refusal that the request earns."""
    model = _served(body)
    if not isinstance(model, Model):
        return model
    pieces = [chunk({"role": "assistant", "content": ""})]
    pieces += [chunk({"content": token}, **_logprobs(token, body)) for token in _words(body)]
    reason = "length" if len(pieces) - 1 < len(TOKENS) else "stop"
    return streamed(*pieces, end(reason, completion=len(pieces) - 1))


def completions(body: Mapping[str, Any]) -> Reply:
    """Return text that follows a prompt."""
    model = _served(body)
    if not isinstance(model, Model):
        return model
    pieces = [text_chunk(token) for token in _words(body)]
    return streamed(*pieces, text_chunk("", finish_reason="length"), usage(), DONE)


def embeddings(body: Mapping[str, Any]) -> Reply:
    """Return a vector of length 1 for each input."""
    model = find(body["model"])
    if model is None:
        return missing(body["model"])
    if "embedding" not in model.capabilities:
        return failed(400, "The model does not support Embeddings API", code=400)
    packed = base64.b64encode(struct.pack("<4f", 1, 0, 0, 0)).decode()
    data = [
        {"object": "embedding", "index": place, "embedding": packed}
        for place, _ in enumerate(body["input"])
    ]
    counts = {"prompt_tokens": len(data), "total_tokens": len(data)}
    # Their places count, not their order.
    return answered({"object": "list", "data": data[::-1], "usage": counts})


def missing(name: str) -> Reply:
    """Return the answer to a name that no model has, as vLLM has it."""
    return failed(404, f"The model `{name}` does not exist.", type="NotFoundError", code=404)


def _served(body: Mapping[str, Any]) -> Model | Reply:
    model = find(body["model"])
    if model is None:
        return missing(body["model"])
    if "completion" not in model.capabilities:
        return failed(400, "The model does not support Chat Completions API", code=400)
    return model


def _words(body: Mapping[str, Any]) -> Iterator[str]:
    yield from TOKENS[: body.get("max_tokens")]


def _logprobs(token: str, body: Mapping[str, Any]) -> dict[str, object]:
    if not body.get("logprobs"):
        return {}
    entry = {"token": token, "logprob": -0.1054, "bytes": list(token.encode())}
    return {"logprobs": {"content": [{**entry, "top_logprobs": [entry]}]}}


def _name(model: Model) -> str:
    return model.name.removesuffix(":latest")


def _chunk(kind: str, **fields: object) -> dict[str, object]:
    return {"id": "x-1", "object": kind, "created": 1_700_000_000, "model": "m", **fields}
