"""Bodies that nobody thought of are answered or refused; `just fuzz` sends more of them."""

from __future__ import annotations

import pytest

from tests.chaos.fuzz import fuzz, wrong
from tests.support.raw_http import Head

SEED = "ci"
BODIES = 1500
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}


async def test_mutated_bodies_are_answered_or_refused() -> None:
    report = await fuzz(SEED, range(BODIES))

    assert report.faults == []
    assert report.statuses.total() == BODIES
    # It must get behind the parsers, too.
    assert report.statuses[200] > BODIES / 10


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (500, JSON, b'{"error":{"message":"m","type":"server_error","param":null,"code":"x"}}'),
        (400, JSON, b'{"detail":"m"}'),
        (400, JSON, b"not JSON"),
        (200, JSON, b'{"error":{"message":"m"}}'),
        (200, SSE, b'data: {"choices":[]}\n\n'),
        (200, SSE, b'data: {"error":{"message":"m","type":"server_error","code":"x"}}\n\n'),
    ],
)
def test_it_knows_a_fault(status: int, headers: dict[str, str], body: bytes) -> None:
    assert wrong(Head(status, headers), body)
