"""The import contracts hold, and would notice if they did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("domain", "application", "adapters", "entrypoints")
LINT = Path(sys.executable).parent / "lint-imports"

PLANTED = {
    "the domain imports the application": ("domain/tools.py", "import application.chat"),
    "the domain imports a package": ("domain/tools.py", "import msgspec"),
    "the domain does I/O": ("domain/tools.py", "import asyncio"),
    "a use case imports an adapter": ("application/chat.py", "import adapters.schema"),
    "an adapter imports the framework": ("adapters/system.py", "import litestar"),
    "HTTP imports an adapter": ("entrypoints/http/body.py", "import adapters.system"),
    "one family of adapters imports another": (
        "adapters/ollama/probe.py",
        "import adapters.llamacpp.errors",
    ),
    "what engines share imports one of them": (
        "adapters/engines/asking.py",
        "import adapters.ollama.probe",
    ),
    "one endpoint imports another": (
        "entrypoints/http/openai/chat/parse.py",
        "import entrypoints.http.openai.responses.shape",
    ),
    "plumbing imports an endpoint": (
        "entrypoints/http/body.py",
        "import entrypoints.http.openai.parsing",
    ),
    "an OpenAI shape leaves its endpoint": (
        "entrypoints/http/health.py",
        "import entrypoints.http.openai.chat.wire",
    ),
    "an upstream's shape leaves its adapter": (
        "entrypoints/container/wiring.py",
        "import adapters.ollama.wire",
    ),
    "a module that nobody has placed": ("adapters/newcomer.py", '"""New."""'),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = (LINT, "--no-logo", "--no-cache")
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_the_contracts_hold(copy: Path) -> None:
    assert " 0 broken." in lint(copy).stdout


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_violation_is_noticed(copy: Path, case: str) -> None:
    place, line = PLANTED[case]
    file = copy / place
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(f"{before}\n{line}\n", encoding="utf-8")

    done = lint(copy)

    assert done.returncode == 1
    assert " broken." in done.stdout
    assert " 0 broken." not in done.stdout
