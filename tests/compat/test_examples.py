"""The examples run as they are, on the embedded model."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from adapters.llamacpp.llm import LlamaCppLLM
from adapters.llamacpp.model_file import locate
from adapters.system import RandomIds
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
GUARD_S = 120


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[dict[str, str]]:
    """Give the environment that leads an example to the service, which has the reader's model."""
    path = tmp_path_factory.mktemp("models") / "of-my-own.gguf"
    path.symlink_to(locate(None))
    llm = LlamaCppLLM(RandomIds(), path, threads=1, parallel=1, context_length=2048)
    # Without chance, for the sake of the test.
    fixed = {"api_key": "a-key", "default_temperature": 0.0, "default_model": "of-my-own"}
    async with service_of(llm, **fixed) as running:
        url = f"http://127.0.0.1:{running.port}/v1"
        there = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "a-key"}
        yield {name: value for name, value in os.environ.items() if name != "MODEL"} | there


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("example", EXAMPLES, ids=[path.stem for path in EXAMPLES])
async def test_an_example_says_something(environment: dict[str, str], example: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, example, env=environment, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(GUARD_S):
        said, _ = await process.communicate()

    assert process.returncode == 0
    assert said.strip()
