"""Reading the records of a response while it comes about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.store import ResponseStorePort
    from application.runs import Runs
    from domain.conversation import StoredResponse


class _Kept(Protocol):
    async def get(self, owner: str, response_id: str) -> StoredResponse: ...


class Following:
    """The records of a response that is made in the background, and then the response itself.

    Each step yields the records that there are meanwhile and, the last time, the final response:
    None where it was asked for what comes after the end.
    """

    def __init__(
        self,
        kept: _Kept,
        store: ResponseStorePort,
        runs: Runs,
        named: tuple[str, str],
        start: int,
    ) -> None:
        self._kept = kept
        self._store = store
        self._runs = runs
        self._owner, self._id = named
        # One before what is wanted: where that is missing, the end was seen already.
        self._next = max(start - 1, 0)
        self._seen = 1 if start else 0
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Sequence[bytes], StoredResponse | None]:
        """Return the next records.

        Raises:
            StopAsyncIteration: the response is final, and was returned.
            NotFoundError: the response was deleted meanwhile.
        """
        if self._ended:
            raise StopAsyncIteration
        while True:
            # Taken before reading: news after that is not missed.
            pulse = self._runs.pulse(self._id)
            status, records = await self._store.read_records(self._owner, self._id, self._next)
            self._next += len(records)
            all_seen = self._seen > len(records)
            records = records[self._seen :]
            if status.final:
                self._ended = True
                return records, None if all_seen else await self._kept.get(self._owner, self._id)
            self._seen = 1 if all_seen else 0
            if records:
                return records, None
            await self._runs.news(pulse)
            if pulse is None:
                # Finds out whether whoever makes it still lives.
                await self._kept.get(self._owner, self._id)

    async def aclose(self) -> None:
        """Do nothing: the response goes on by itself."""
