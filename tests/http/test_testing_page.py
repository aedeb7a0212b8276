"""What docs/testing.md shows works as it is."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from adapters.scripted import wire
from adapters.scripted.builtin import Builtin
from adapters.scripted.errors import KINDS
from entrypoints.settings import load
from tests.support.service import service_of

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
SHOWN = {
    language: re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    for language in ("toml", "python", "sh")
}


async def test_the_script_and_the_program_go_together(tmp_path: Path) -> None:
    (script,), (program,) = SHOWN["toml"], SHOWN["python"]
    path = tmp_path / "script.toml"
    path.write_text(script, encoding="utf-8")
    async with service_of("", llm_backend="scripted", script_file=str(path)) as service:
        code = program.replace("localhost:8000", f"127.0.0.1:{service.port}")
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        done = await process.wait()

    assert done == 0


def test_the_commands_have_settings_that_there_are(tmp_path: Path) -> None:
    for name in ("script.toml", "answers.jsonl"):
        (tmp_path / name).touch()
    for command in SHOWN["sh"]:
        settings = dict(re.findall(r"([A-Z_]+)=(\S+)", command))
        settings |= {k: str(tmp_path / v) for k, v in settings.items() if k.endswith("_FILE")}

        assert load(settings).llm_backend == settings["LLM_BACKEND"]
        assert " just run" in command


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
