"""``python -m tests.chaos.upstream PORT SEED SHARE``: a model server with faults, to be killed."""

from __future__ import annotations

import asyncio
import sys

from tests.support.fake_ollama import FakeOllama
from tests.support.faults import Fault, Faults

# A flood is a load, and measured elsewhere.
KINDS = tuple(kind for kind in Fault if kind is not Fault.FLOOD)
_FORGET_S = 5


async def _serve(port: int, seed: str, share: float) -> None:
    async with FakeOllama(strict=False, port=port) as server:
        server.mischief = Faults(seed, KINDS, share)
        print("ready", flush=True)
        while True:
            await asyncio.sleep(_FORGET_S)
            server.requests.clear()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
