"""``ask``: one question, one answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import msgspec

from entrypoints.cli.client import Piece, Summary, body_of, connected
from entrypoints.cli.rendering import renderer

if TYPE_CHECKING:
    from entrypoints.cli.client import Client


class Question(NamedTuple):
    """What is asked of which model; None for the service's default."""

    words: str
    model: str | None
    system: str | None


class _Message(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct):
    choices: list[_Choice]


def run(
    question: Question, url: str | None, key: str | None, *, stream: bool, as_json: bool
) -> int:
    """Print the answer; return the exit code."""
    messages = [{"role": "user", "content": _prompt(question.words)}]
    body = body_of(messages, question.model, question.system)
    with connected(url, key) as client:
        if as_json:
            sys.stdout.write(f"{client.whole(body).decode()}\n")
        elif stream:
            renderer().show(client.streamed(body, Summary()))
        else:
            renderer().show(_whole(client, body))
    return 0


def _prompt(words: str) -> str:
    """Return the words with what is piped in after them."""
    piped = "" if sys.stdin.isatty() else sys.stdin.read().strip()
    prompt = "\n\n".join(filter(None, (words, piped)))
    if not prompt:
        message = 'Ask something: local-chat ask "Why is the sky blue?"'
        raise click.UsageError(message)
    return prompt


def _whole(client: Client, body: dict[str, Any]) -> list[Piece]:
    message = msgspec.json.decode(client.whole(body), type=_Answer).choices[0].message
    thought = message.reasoning_content
    return [
        *([Piece(thought, thinking=True)] if thought else []),
        *([Piece(message.content)] if message.content else []),
    ]
