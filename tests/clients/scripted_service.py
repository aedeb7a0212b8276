"""Runs a command beside the service in front of ``ScriptedLLM``.

The command finds it where OpenAI's clients look for OpenAI: `OPENAI_BASE_URL`, `OPENAI_API_KEY`.
"""

from __future__ import annotations

import asyncio
import os
import sys

from entrypoints import logging
from tests.clients.scripted_llm import ScriptedLLM
from tests.support.service import service_of

KEY = "the-key-of-the-client-suites"
# For what works with OpenAI's models only.
ALIAS = "gpt-4.1"


async def main(*command: str) -> int:
    """Return the exit code of ``command``."""
    settings = {"default_model": "scripted", "model_aliases": f"{ALIAS}=scripted"}
    async with service_of(ScriptedLLM(), api_key=KEY, **settings) as running:
        url = f"http://127.0.0.1:{running.port}/v1"
        environment = os.environ | {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        return await process.wait()


if __name__ == "__main__":
    logging.configure("error", "json")
    sys.exit(asyncio.run(main(*sys.argv[1:])))
