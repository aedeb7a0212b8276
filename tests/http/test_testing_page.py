"""docs/testing.md names all that there is; test_snippets.py runs what it shows."""

from __future__ import annotations

import re
from pathlib import Path

from adapters.scripted import wire
from adapters.scripted.builtin import Builtin
from adapters.scripted.errors import KINDS
from tests.support.service import service_of

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")


async def test_it_is_ready_at_once_without_a_model() -> None:
    async with service_of("", llm_backend="scripted", default_model="scripted-echo") as service:
        answer = await service.ask(path="/readyz")

    assert answer.status == 200


def test_every_model_field_and_kind_is_described() -> None:
    short = re.sub(r"scripted-error-(\d+)", r"-\1", " ".join(Builtin.models))
    names = [*short.split(), *KINDS]
    for struct in (wire.When, wire.TextMatch, wire.Rule, wire.Usage, wire.Failure, wire.Model):
        names += struct.__struct_fields__

    assert [name for name in names if f"`{name}`" not in PAGE and name != "-400"] == []
