from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from litestar.exceptions import HTTPException

from domain.errors import ClientDisconnectedError, OverloadedError
from entrypoints.http.body import BodyRoom, read_body, require_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.types import Receive, Scope


def receiving(*messages: dict[str, Any]) -> Receive:
    waiting = list(messages)

    async def receive() -> Any:
        return waiting.pop(0)

    return cast("Receive", receive)


def piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def body_of(*messages: dict[str, Any], limit: int = 10, length: bytes | None = None) -> bytes:
    headers = [] if length is None else [(b"content-length", length)]
    scope = cast("Scope", {"type": "http", "headers": headers})
    return await read_body(scope, receiving(*messages), BodyRoom(limit).share())


@pytest.mark.parametrize(
    ("messages", "body"),
    [
        pytest.param([piece(b"")], b"", id="none"),
        pytest.param([piece(b"0123456789")], b"0123456789", id="one piece"),
        pytest.param([piece(b"01", more=True), piece(b"23")], b"0123", id="two pieces"),
        pytest.param([piece(b"01", more=True), piece(b"")], b"01", id="an empty last piece"),
    ],
)
async def test_a_body_is_put_together(messages: Sequence[dict[str, Any]], body: bytes) -> None:
    assert await body_of(*messages) == body


@pytest.mark.parametrize(
    ("messages", "length"),
    [
        pytest.param([], b"11", id="declared"),
        pytest.param([piece(b"0" * 11)], None, id="one piece"),
        pytest.param([piece(b"0" * 6, more=True), piece(b"0" * 6, more=True)], None, id="pieces"),
        pytest.param([piece(b"0" * 11)], b"+2", id="a length that is none"),
    ],
)
async def test_a_body_over_the_limit_is_refused(
    messages: Sequence[dict[str, Any]], length: bytes | None
) -> None:
    with pytest.raises(HTTPException) as caught:
        await body_of(*messages, length=length)

    assert caught.value.status_code == 413


async def test_a_client_that_leaves_is_told_apart() -> None:
    with pytest.raises(ClientDisconnectedError):
        await body_of(piece(b"0", more=True), {"type": "http.disconnect"})


def test_all_bodies_together_take_no_more_than_sixteen_of_the_largest() -> None:
    room = BodyRoom(100_000)
    shares = [room.share() for _ in range(17)]
    for share in shares[:16]:
        share.grow(100_000)

    # A small request is never in the way.
    shares[16].grow(60_000)
    with pytest.raises(OverloadedError) as caught:
        shares[16].grow(40_000)
    shares[0].free()
    shares[0].free()
    room.share().grow(60_000)

    assert caught.value.code == "bodies_full"
    assert room.taken_bytes == 15 * 100_000 + 160_000


@pytest.mark.parametrize(
    "value", [b"application/json", b"APPLICATION/JSON", b"application/json ; charset=utf-8"]
)
def test_json_is_known_by_its_name(value: bytes) -> None:
    require_json([(b"host", b"x"), (b"content-type", value)])


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="none"),
        pytest.param([(b"content-type", b"")], id="empty"),
        pytest.param([(b"content-type", b"text/json")], id="text"),
        pytest.param([(b"content-type", b"application/json+x")], id="suffix"),
        pytest.param(
            [(b"content-type", b"text/plain"), (b"content-type", b"application/json")], id="two"
        ),
    ],
)
def test_anything_else_is_not_json(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(HTTPException) as caught:
        require_json(headers)

    assert caught.value.status_code == 415
