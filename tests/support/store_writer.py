"""``python -m tests.support.store_writer FILE NAME COUNT``: writes responses into a file.

Eight at a time. It names each one on standard output once it is acknowledged, and says at the
end which name won a claim that all processes make.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from adapters.stores.sqlite.store import SQLiteStore
from domain.conversation import ResponseStatus, StoredResponse
from domain.items import AnswerText, MessageItem
from domain.messages import Role
from tests.support.fake_system import FixedClock

OWNER = "owner"
_WRITERS = 8


def response(response_id: str) -> StoredResponse:
    """Return the response that is written under an id."""
    said = MessageItem(f"msg_{response_id}", Role.ASSISTANT, (AnswerText(response_id * 400),))
    return StoredResponse(response_id, 1, "llama3", ResponseStatus.COMPLETED, output=(said,))


async def _write(path: Path, name: str, count: int) -> None:
    store = SQLiteStore(path, FixedClock())
    numbers = iter(range(count))

    async def writer() -> None:
        for number in numbers:
            response_id = f"resp_{name}_{number}"
            begun = replace(response(response_id), status=ResponseStatus.IN_PROGRESS)
            await store.put(OWNER, begun)
            await store.advance(OWNER, response(response_id), [b"record"])
            _say(response_id)

    await asyncio.gather(*(writer() for _ in range(_WRITERS)))
    _say(await store.claim(OWNER, "claim", name, 60))
    await store.aclose()


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
