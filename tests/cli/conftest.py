from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.fake_llm import FakeLLM
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

KEY = "a-key-of-the-terminal"


class Running(NamedTuple):
    """A service, the model server behind it, and where clients find it."""

    llm: FakeLLM
    variables: Mapping[str, str]


@pytest.fixture
async def running() -> AsyncGenerator[Running]:
    """A service that a command finds where OpenAI's clients look for OpenAI."""
    llm = FakeLLM()
    async with service_of(llm, api_key=KEY, model_aliases="gpt-4o=llama3") as service:
        url = f"http://127.0.0.1:{service.port}/v1"
        yield Running(llm, {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY})
