"""The command line as its users run it: a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
LIMIT_S = 60


class Done(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    errors: str


def environment(**variables: str) -> Mapping[str, str]:
    """Return these variables and nothing else from outside; coverage measures itself."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME"} or name.startswith("COVERAGE_")
    }
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **variables}


def command(*arguments: str) -> tuple[str, ...]:
    """Return what runs ``local-chat`` with these arguments."""
    return (sys.executable, "-m", "entrypoints.cli", *arguments)


async def local_chat(
    *arguments: str, folder: Path, stdin: str | None = None, **variables: str
) -> Done:
    """Run a command in ``folder`` to its end."""
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        cwd=folder,
        env=environment(**variables),
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            out, errors = await process.communicate(None if stdin is None else stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Done(process.returncode or 0, out.decode(), errors.decode())
