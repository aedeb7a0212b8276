"""Asking each endpoint in each way, and whether what came back is an honest answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support import raw_http, response_streams

OPENAI = {"x-responses-shape": "openai"}
SIMPLE = {"x-responses-shape": "simple"}

_FIELDS = {"message", "type", "param", "code"}


class DishonestError(Exception):
    """An answer that is neither complete nor an error in OpenAI's shape."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A complete answer's text (or its vectors as text), or an error.

    Attributes:
        status: the HTTP status.
        text: what the model said; None where the answer is an error.
        error: the error's fields; None where the answer is complete.
    """

    status: int
    text: str | None = None
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask.

    Attributes:
        path: of the endpoint.
        body: of a request, made of a prompt.
        read: takes the body of an answer with status 200 apart.
        headers: that go with it.
    """

    path: str
    body: Callable[[str], dict[str, Any]]
    read: Callable[[bytes], Outcome]
    headers: Mapping[str, str] | None = None


async def ask(port: int, way: Way, prompt: str) -> Outcome:
    """Return what comes of asking.

    Raises:
        DishonestError: the answer is not complete, and no error says so.
        EOFError: the connection ended within the answer.
    """
    head, body = await raw_http.fetch(port, way.path, way.body(prompt), way.headers)
    if head.status == 200:
        return way.read(body)
    return Outcome(head.status, error=error_of(json.loads(body)))


def error_of(body: Any) -> Mapping[str, Any]:
    """Return the fields of an error.

    Raises:
        DishonestError: it has not OpenAI's shape.
    """
    if body.keys() == {"error"}:
        error: dict[str, Any] = body["error"]
        if error.keys() == _FIELDS and isinstance(error["message"], str):
            return error
    message = f"no error of OpenAI's shape: {body}"
    raise DishonestError(message)


def chat(prompt: str) -> dict[str, Any]:
    """Return a chat request."""
    return {"messages": [{"role": "user", "content": prompt}]}


def _streamed(body: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    return lambda prompt: body(prompt) | {"stream": True}


def _whole(take: Callable[[Any], str]) -> Callable[[bytes], Outcome]:
    return lambda data: Outcome(200, take(json.loads(data)))


def data_of(frame: str) -> str:
    """Return the data of a record; that of a failure has its name behind it."""
    return frame.removeprefix("data: ").removesuffix("\nevent: error")


def _records(take: Callable[[Any], str | None], n: int = 1) -> Callable[[bytes], Outcome]:
    """Return what reads a stream of chunks: ``n`` answers that end, or an error at its end."""

    def read(data: bytes) -> Outcome:
        frames = [frame for frame in data.decode().split("\n\n") if frame and frame[0] != ":"]
        ended = frames[-1:] == ["data: [DONE]"]
        records = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-1]]
        if not ended:
            records.append(json.loads(data_of(frames[-1])))
        choices = [c for record in records for c in record.get("choices", ())]
        finished = sum(bool(choice["finish_reason"]) for choice in choices) == n
        failed = "error" in records[-1]
        if ended != finished or ended == failed:
            message = f"neither an end nor an error: {data!r}"
            raise DishonestError(message)
        if failed:
            return Outcome(200, error=error_of(records[-1]))
        return Outcome(200, "".join(take(choice) or "" for choice in choices))

    return read


def _events(data: bytes) -> Outcome:
    """Read a stream of OpenAI's response events."""
    records = response_streams.read(data)
    last = records[-1]
    if last["type"] == "response.completed" and not response_streams.faults(records):
        return Outcome(200, _output(last["response"]))
    if last["type"] == "response.failed":
        return Outcome(200, error=last["response"]["error"])
    if last["type"] == "error":
        return Outcome(200, error=last)
    message = f"neither an end nor an error: {last}"
    raise DishonestError(message)


def _output(response: Any) -> str:
    if response["status"] != "completed":
        message = f"not complete: {response}"
        raise DishonestError(message)
    return "".join(p["text"] for item in response["output"] for p in item["content"])


def _prompt(prompt: str) -> dict[str, Any]:
    return {"prompt": prompt}


def _input(prompt: str) -> dict[str, Any]:
    return {"input": prompt}


CHAT = Way("/v1/chat/completions", chat, _whole(lambda a: a["choices"][0]["message"]["content"]))
CHAT_STREAM = Way(CHAT.path, _streamed(chat), _records(lambda c: c["delta"].get("content")))
TWO_CHATS = Way(
    CHAT.path,
    lambda prompt: chat(prompt) | {"stream": True, "n": 2},
    _records(lambda c: c["delta"].get("content"), 2),
)
COMPLETION = Way("/v1/completions", _prompt, _whole(lambda a: a["choices"][0]["text"]))
COMPLETION_STREAM = Way(COMPLETION.path, _streamed(_prompt), _records(lambda c: c["text"]))
RESPONSE = Way("/v1/responses", _input, _whole(_output), OPENAI)
RESPONSE_STREAM = Way(RESPONSE.path, _streamed(_input), _events, OPENAI)
SIMPLE_RESPONSE = Way(RESPONSE.path, _input, _whole(lambda a: a["output"]["content"]), SIMPLE)
EMBEDDING = Way(
    "/v1/embeddings",
    lambda prompt: {"input": prompt, "model": "embedder"},
    _whole(lambda a: json.dumps(a["data"][0]["embedding"])),
)
# What the fake's model makes of every text.
VECTOR = "[1.0, 0.0, 0.0, 0.0]"

WAYS: Mapping[str, Way] = {
    "chat": CHAT,
    "chat stream": CHAT_STREAM,
    "completion": COMPLETION,
    "completion stream": COMPLETION_STREAM,
    "response": RESPONSE,
    "response stream": RESPONSE_STREAM,
    "simple response": SIMPLE_RESPONSE,
    "embedding": EMBEDDING,
}
