"""The service, where the environment tells every client to look for OpenAI."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).parents[3]
KEY = "the-key-of-the-client-suites"


@pytest.fixture(scope="session", autouse=True)
def base_url() -> Generator[str]:
    """Run the service; give its address."""
    python = os.environ.get("SERVICE_PYTHON", str(ROOT / ".venv/bin/python"))
    command = [python, "-m", "tests.clients.scripted_service", KEY]
    with subprocess.Popen(  # noqa: S603 - of this project
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        url = f"http://127.0.0.1:{int(service.stdout.readline())}/v1"
        os.environ |= {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}
        yield url
        service.stdin.close()
