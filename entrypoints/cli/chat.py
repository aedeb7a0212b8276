"""``chat``: a conversation in the terminal."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from entrypoints.cli import models
from entrypoints.cli.client import Summary, body_of, connected
from entrypoints.cli.output import console
from entrypoints.cli.rendering import renderer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrypoints.cli.client import Client, Piece

_HELP = """\
/new            forget the conversation
/model [NAME]   ask another model; alone: list them
/system [TEXT]  set the system prompt; alone: remove it
/save FILE      write the conversation: JSON to a name in .json, else Markdown
/quit           end; so does Ctrl-D
Ctrl-C stops an answer. Between \""" and \""" a message may have many lines."""
_QUOTES = '"""'


def run(url: str | None, key: str | None, model: str | None, system: str | None) -> int:
    """Talk until the user has enough; return the exit code."""
    # Once it is there, input() edits lines and recalls them; some systems have none.
    with contextlib.suppress(ImportError):
        importlib.import_module("readline")
    with connected(url, key) as client:
        chat = _Chat(client, model, system)
        chat.greet()
        for said in _said():
            if not chat.take(said):
                break
    return 0


def _said() -> Iterator[str]:
    """Yield what the user says, a message each."""
    terminal = sys.stdin.isatty()
    while True:
        try:
            line = input(">>> " if terminal else "").strip()
            if line.startswith(_QUOTES):
                line = _quoted(line.removeprefix(_QUOTES), "... " if terminal else "")
        except KeyboardInterrupt:
            print("\n(Ctrl-D or /quit ends)")
            continue
        except EOFError:
            if terminal:
                print()
            return
        if line:
            yield line


def _quoted(first: str, prompt: str) -> str:
    lines = [first]
    while not lines[-1].rstrip().endswith(_QUOTES):
        lines.append(input(prompt))
    return "\n".join(lines).rstrip().removesuffix(_QUOTES).strip()


class _Chat:
    def __init__(self, client: Client, model: str | None, system: str | None) -> None:
        self._client = client
        self._model = model
        self._system = system
        self._messages: list[dict[str, str]] = []
        self._out = console()
        self._commands = {
            "/new": self._new,
            "/model": self._choose,
            "/system": self._instruct,
            "/save": self._save,
            "/help": self._help,
        }

    def greet(self) -> None:
        """Say what there is, to a person."""
        if self._out.is_terminal:
            with_model = f" with {escape(self._model)}" if self._model else ""
            self._out.print(f"[dim]Chat{with_model}. /help lists the commands, Ctrl-D ends.[/]")

    def take(self, said: str) -> bool:
        """Do what was said; return whether to go on."""
        word, _, rest = said.partition(" ")
        if word in ("/quit", "/exit", "/bye"):
            return False
        try:
            if word in self._commands:
                self._commands[word](rest.strip())
            elif word.startswith("/") and "/" not in word[1:] and len(said.split()) == 1:
                self._note(f"There is no {word}; /help lists the commands.")
            else:
                self._answer(said)
        except click.ClickException as error:
            console(errors=True).print(error.message, style="red", markup=False)
        return True

    def _answer(self, said: str) -> None:
        asked = [*self._messages, {"role": "user", "content": said}]
        summary = Summary()
        answer: list[str] = []
        began = time.monotonic()
        try:
            body = body_of(asked, self._model, self._system)
            renderer().show(_noted(self._client.streamed(body, summary), answer))
        except KeyboardInterrupt:
            self._note("(stopped)")
        else:
            self._tell(summary, time.monotonic() - began)
        if answer:
            self._messages = [*asked, {"role": "assistant", "content": "".join(answer)}]

    def _tell(self, summary: Summary, elapsed_s: float) -> None:
        if not self._out.is_terminal:
            return
        cut = ", cut at its limit of tokens" if summary.cut else ""
        pace = f"{summary.tokens} tokens in {elapsed_s:.1f} s" if summary.tokens else ""
        self._note(", ".join(filter(None, (summary.model, pace))) + cut)

    def _note(self, text: str) -> None:
        self._out.print(text, style="dim", markup=False)

    def _new(self, _rest: str) -> None:
        self._messages = []
        self._note("A new conversation.")

    def _choose(self, name: str) -> None:
        there = models.decoded(self._client.models())
        if not name:
            self._out.print(models.table(there))
        elif any(model.id in (name, f"{name}:latest") for model in there):
            self._model = name
            self._note(f"From here on {name} answers.")
        else:
            self._note(f"There is no model {name}; /model lists them.")

    def _instruct(self, text: str) -> None:
        self._system = text or None
        self._note("The system prompt is set." if text else "There is no system prompt now.")

    def _save(self, name: str) -> None:
        if not name:
            self._note("Name a file: /save chat.md")
            return
        messages = body_of(self._messages, self._model, self._system)["messages"]
        if name.endswith(".json"):
            text = json.dumps(messages, ensure_ascii=False, indent=2)
        else:
            text = "\n\n".join(f"## {it['role'].title()}\n\n{it['content']}" for it in messages)
        try:
            with Path(name).expanduser().open("x", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except FileExistsError:
            self._note(f"{name} is there already; choose another name.")
        except OSError as error:
            self._note(f"{name} cannot be written: {error.strerror}.")
        else:
            self._note(f"Saved as {name}.")

    def _help(self, _rest: str) -> None:
        self._note(_HELP)


def _noted(pieces: Iterator[Piece], answer: list[str]) -> Iterator[Piece]:
    """Yield ``pieces``, and note down those of the answer."""
    for piece in pieces:
        if not piece.thinking:
            answer.append(piece.text)
        yield piece
