"""``python -m entrypoints.cli``: one subcommand a module."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from entrypoints.cli import serve

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Run the subcommand that the arguments name and return its exit code."""
    parser = argparse.ArgumentParser(prog="local-chat", description="A local chat completion API.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("serve", help="run the HTTP service")
    command.set_defaults(run=serve.run)
    arguments = parser.parse_args()
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
