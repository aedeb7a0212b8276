"""How a response ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.chat import FinishReason
from domain.conversation import ResponseStatus, Shortfall
from domain.items import CompactionItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.conversation import StoredResponse
    from domain.events import Finished
    from domain.items import Item


def concluded(
    begun: StoredResponse, items: Sequence[Item], last: Finished, now: int
) -> StoredResponse:
    """Return the response that ``begun`` became ``now``, in Unix seconds."""
    # A summary that was cut stands for what it sums up all the same.
    summary = any(isinstance(item, CompactionItem) for item in items)
    cut = last.reason is FinishReason.LENGTH and not summary
    return replace(
        begun,
        status=ResponseStatus.INCOMPLETE if cut else ResponseStatus.COMPLETED,
        output=tuple(items),
        completed=None if cut else now,
        usage=last.usage,
        shortfall=Shortfall.MAX_OUTPUT_TOKENS if cut else None,
    )
