"""GET /compatibility: the tables as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrypoints.http.openai.compatibility.tables import TABLES
from tests.support.service import service_of

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service


async def test_the_tables_are_served(service: Service) -> None:
    answer = await service.ask(path="/compatibility")

    assert answer.status == 200
    served = answer.json["fields"]
    assert {endpoint: list(fields) for endpoint, fields in served.items()} == {
        endpoint: list(table) for endpoint, table in TABLES.items()
    }
    assert served["POST /v1/responses"]["top_p"] == {"status": "honoured"}
    assert served["POST /v1/responses"]["prompt"] == {
        "status": "refused",
        "note": "there are no stored prompts; send `instructions` and `input`",
    }
    assert list(answer.json["statuses"]) == ["honoured", "emulated", "accepted", "refused"]
    assert set(served) < set(answer.json["endpoints"])
    assert "GET /v1/responses/{response_id}/input_items" in answer.json["endpoints"]


async def test_they_are_for_those_who_may_ask(llm: FakeLLM) -> None:
    async with service_of(llm, api_key="secret-key") as service:
        assert (await service.ask(path="/compatibility")).status == 401
