from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.command import local_chat
from tests.support.fake_llm import FakeLLM
from tests.support.service import service_of

if TYPE_CHECKING:
    from pathlib import Path


async def test_json_is_what_the_service_serves(tmp_path: Path) -> None:
    async with service_of(FakeLLM()) as running:
        served = await running.ask(path="/compatibility")

    done = await local_chat("compat", "--json", folder=tmp_path)

    assert done.code == 0
    assert json.loads(done.out) == served.json


async def test_the_table_reads_in_80_columns(tmp_path: Path) -> None:
    done = await local_chat("compat", folder=tmp_path)

    assert done.code == 0
    assert done.errors == ""
    lines = done.out.splitlines()
    assert lines[0] == "POST /v1/chat/completions"
    assert "honoured  temperature  `DEFAULT_TEMPERATURE` where it is left out" in done.out
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in done.out
