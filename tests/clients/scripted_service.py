"""The service in front of ``ScriptedLLM``, for clients of other environments.

Prints its port, and runs until its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys

from entrypoints import logging
from tests.clients.scripted_llm import ScriptedLLM
from tests.support.service import service_of


async def main() -> None:
    """Serve."""
    async with service_of(ScriptedLLM(), api_key=sys.argv[1], default_model="scripted") as running:
        sys.stdout.write(f"{running.port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    logging.configure("error", "json")
    asyncio.run(main())
