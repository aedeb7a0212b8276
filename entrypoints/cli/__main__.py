"""``local-chat``, which is ``python -m entrypoints.cli``: runs a command and tells how it ended."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Never

import click

from domain.errors import ServiceError
from entrypoints.cli.commands import app
from entrypoints.settings import SettingsError

if TYPE_CHECKING:
    from types import FrameType

_FAILED = 1
_BAD_SETTINGS = 2
_INTERRUPTED = 130
_TERMINATED = 143


def main() -> int:
    """Run the command that the arguments name and return its exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = app.main(prog_name="local-chat", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return _INTERRUPTED
    except SettingsError as error:
        click.echo("These settings cannot be used:", err=True)
        for problem in error.problems:
            click.echo(f"  {problem}", err=True)
        return _BAD_SETTINGS
    except ServiceError as error:
        click.echo(error.message, err=True)
        return _FAILED
    except BrokenPipeError:
        # Whoever read the output has enough; Python must not complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    return int(code or 0)


def _terminated(_number: int, _frame: FrameType | None) -> Never:
    """End as from within, so that the terminal and processes of ours are left in order."""
    sys.exit(_TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
