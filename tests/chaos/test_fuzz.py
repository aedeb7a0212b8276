"""Bodies that nobody thought of are answered or refused; `just fuzz` sends more of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.asks import KEY, Ask
from tests.chaos.fuzz import fuzz
from tests.chaos.verdict import trespass, wrong, wrong_turn
from tests.support.raw_http import Head

SEED = "ci"
BODIES = 1500
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}


async def test_mutated_bodies_are_answered_or_refused() -> None:
    report = await fuzz(SEED, range(BODIES))

    assert report.faults == []
    assert report.statuses.total() + report.turns >= BODIES
    # It must get behind the parsers, too.
    assert report.statuses[200] > BODIES / 10
    assert report.turns > BODIES / 20


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (500, JSON, b'{"error":{"message":"m","type":"server_error","param":null,"code":"x"}}'),
        (
            502,
            JSON,
            b'{"error":{"message":"m","type":"server_error","param":null,"code":"invalid_output"}}',
        ),
        (400, JSON, b'{"detail":"m"}'),
        (400, JSON, b"not JSON"),
        (200, JSON, b'{"error":{"message":"m"}}'),
        (200, SSE, b'data: {"choices":[]}\n\n'),
        (200, SSE, b'data: {"error":{"message":"m","type":"server_error","code":"x"}}\n\n'),
    ],
)
def test_it_knows_a_fault(status: int, headers: dict[str, str], body: bytes) -> None:
    assert wrong(Head(status, headers), body)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "status": 500, "error": {"code": "x", "message": "m"}},
        {"type": "error", "status": 400, "error": {"code": "", "message": "m"}},
        {"type": "response.failed", "response": {"error": {"type": "server_error"}}},
        {"type": "response.created"},
    ],
)
def test_it_knows_a_turn_that_failed(event: dict[str, Any]) -> None:
    assert wrong_turn([event])


@pytest.mark.parametrize(
    ("path", "headers", "is_fault"),
    [
        ("/v1/models", {}, True),
        ("/v1/models", {"x-api-key": "another"}, True),
        ("/v1/models", {"x-api-key": KEY, "authorization": "Bearer another"}, True),
        ("/v1/models", {"authorization": f"bearer {KEY}"}, False),
        ("/healthz", {}, False),
    ],
)
def test_it_knows_a_trespass(path: str, headers: dict[str, str], *, is_fault: bool) -> None:
    ask = Ask(path, b"", "GET", headers)

    assert bool(trespass(ask, Head(200, JSON))) is is_fault
