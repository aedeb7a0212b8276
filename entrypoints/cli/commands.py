"""The commands: what each takes. A command loads what it needs when it runs."""

from __future__ import annotations

import click

from entrypoints.cli import options

EXIT_CODES = """\b
Exit codes:
  0    done
  1    it failed, or something is broken
  2    wrong usage or settings
  3    the service could not start
  130  interrupted
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
