"""The commands: what each takes. A command loads what it needs when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from entrypoints.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_CODES = """\b
Exit codes:
  0    done
  1    it failed, or something is broken
  2    wrong usage or settings
  3    the service could not start
  130  interrupted
"""

_ASKED = """\b
local-chat ask "Why is the sky blue?"
git diff | local-chat ask "Write a commit message for this."
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
def app() -> None:
    """Local models for your terminal, and for every OpenAI client."""


@app.command(cls=options.SettingsCommand)
@options.settings_options
def serve(**given: str | None) -> int:
    """Run the HTTP service.

    Each setting is an option, an environment variable or a line of a file .env here; the first
    of these that is given counts. Keys are better kept in the environment: options show in the
    list of processes.
    """
    settings = options.settings(given)
    from entrypoints.cli import serve as command

    return command.run(settings)


@app.command()
@click.option("--json", "as_json", is_flag=True, help="Print what GET /compatibility serves.")
def compat(*, as_json: bool) -> int:
    """Show what becomes of each field of OpenAI's requests."""
    from entrypoints.cli import compat as command

    return command.run(as_json=as_json)


def service_options(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that say which service it asks."""
    url = click.option(
        "--url", help="The service to ask [OPENAI_BASE_URL, or where the settings have it]."
    )
    key = click.option("--key", help="Its key [OPENAI_API_KEY, or API_KEY of the settings].")
    return url(key(function))


_model = click.option("-m", "--model", help="The model to ask [the service's default].")
_system = click.option("-s", "--system", help="What the model is told before everything else.")


@app.command()
@_model
@_system
@service_options
def chat(**given: str | None) -> int:
    """Chat in the terminal.

    Where no service runs, one of its own starts for as long as the chat lasts.
    """
    from entrypoints.cli import chat as command

    return command.run(**given)


@app.command(epilog=_ASKED)
@click.argument("words", nargs=-1)
@_model
@_system
@click.option("--no-stream", is_flag=True, help="Print the answer when it is whole.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer's JSON.")
@service_options
def ask(words: tuple[str, ...], *, no_stream: bool, as_json: bool, **given: str | None) -> int:
    """Ask one question; what is piped in comes after it."""
    from entrypoints.cli import ask as command

    question = command.Question(" ".join(words), given["model"], given["system"])
    return command.run(question, given["url"], given["key"], stream=not no_stream, as_json=as_json)


@app.command()
@click.option("--json", "as_json", is_flag=True, help="Print the JSON of GET /v1/models.")
@service_options
def models(*, as_json: bool, url: str | None, key: str | None) -> int:
    """List the models."""
    from entrypoints.cli import models as command

    return command.run(url, key, as_json=as_json)


@app.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each progress.")
def pull(name: str | None, *, as_json: bool) -> int:
    """Fetch a model into Ollama; the default one if NAME is left out."""
    from entrypoints.cli import pull as command

    return command.run(name, as_json=as_json)


@app.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, as_json: bool) -> int:
    """Check what the service needs, and say how to mend what is broken."""
    from entrypoints.cli import doctor as command

    return command.run(as_json=as_json)


@app.group()
def keys() -> None:
    """Say who may ask the service: the keys of API_KEY_FILE.

    A service that runs has them within a second.
    """


_file = click.option("--file", help="The file that holds the keys [API_KEY_FILE].")
_COUNT = click.IntRange(1, 999_999_999)


@keys.command()
@click.argument("name")
@click.option("--requests-per-minute", type=_COUNT, metavar="N", help="Requests a minute.")
@click.option(
    "--tokens-per-minute", type=_COUNT, metavar="N", help="Tokens of prompts and answers a minute."
)
@click.option("--concurrency", type=_COUNT, metavar="N", help="Answers under way at a time.")
@click.option("--models", metavar="NAME,NAME", help="Models that may be asked [all].")
@_file
def new(name: str, models: str | None, file: str | None, **counts: int | None) -> int:
    """Make a key for NAME and print it; it cannot be shown again."""
    from domain.keys import KeyLimits
    from entrypoints.cli import keys as command

    wanted = () if models is None else tuple(model.strip() for model in models.split(","))
    return command.new(file, name, KeyLimits(**counts, models=wanted))


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; null for no limit.")
@_file
def list_keys(file: str | None, *, as_json: bool) -> int:
    """List who has keys, and what they may do."""
    from entrypoints.cli import keys as command

    return command.show(file, as_json=as_json)


@keys.command()
@click.argument("name")
@_file
def revoke(name: str, file: str | None) -> int:
    """Take NAME's keys back."""
    from entrypoints.cli import keys as command

    return command.revoke(file, name)
