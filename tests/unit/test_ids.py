"""Ids: unguessable, in the order of their time, and items' tell their response."""

from __future__ import annotations

from adapters.system import RandomIds
from domain.items import item_id, response_of


def test_ids_differ_in_96_bits_and_begin_with_the_time() -> None:
    ids = [RandomIds().new("resp_") for _ in range(1000)]

    assert len({id_[-24:] for id_ in ids}) == 1000
    assert {len(id_) for id_ in ids} == {5 + 12 + 24}
    assert [id_[:17] for id_ in ids] == sorted(id_[:17] for id_ in ids)


def test_an_item_has_an_id_of_its_own_that_tells_its_response() -> None:
    ids = RandomIds()
    whole = ids.new("resp_")

    parts = {ids.part(whole, "msg_") for _ in range(1000)}

    assert len(parts) == 1000
    assert {response_of(part) for part in parts} == {whole}


def test_other_ids_tell_no_response_that_there_is() -> None:
    for other in ("", "msg_", "msg_1", "msg", "_", "000000000000", "msg_000000000000"):
        assert response_of(other) == "resp_"
    assert response_of(item_id("resp_a_b", "fc_", "000000000000")) == "resp_a_b"
