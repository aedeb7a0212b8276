"""``python -m tests.clients.document ST ...``: runs Schemathesis over the OpenAPI document.

``ST ...`` is its program, of the clients' environment, and further options. The service is a
process whose backend is scripted, with a key.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.support.process import started

_HERE = Path(__file__).parent
_KEY = "the-key-of-the-client-suites"
# The same requests every time; another number finds others.
_SEED = "1"


async def main(program: str, *options: str) -> int:
    """Return its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"LLM_BACKEND": "scripted", "RESPONSE_STORE": "memory", "API_KEY": _KEY}
        async with started(Path(folder), **settings) as service:
            command = [
                *(program, "--config-file", str(_HERE / "schemathesis.toml"), "run"),
                *("--header", f"Authorization: Bearer {_KEY}", "--warnings", "off"),
                *("--seed", _SEED, "--max-time", "45", "--request-timeout", "10", *options),
                f"http://127.0.0.1:{await service.port()}/docs/openapi.json",
            ]
            hooks = {"SCHEMATHESIS_HOOKS": "document_hooks", "PYTHONPATH": str(_HERE / "python")}
            process = await asyncio.create_subprocess_exec(
                *command, cwd=folder, env=os.environ | hooks
            )
            return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
