"""The service on a socket with a scripted model, and the official client, made strict."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from application.ports.llm import LLMPort

T = TypeVar("T")

KEY = "a-key-of-this-test"


@asynccontextmanager
async def serving_openai(llm: LLMPort) -> AsyncGenerator[str]:
    """Run the service over a port; yield the base URL that a client is given."""
    async with service_of(llm, api_key=KEY) as running:
        yield f"http://127.0.0.1:{running.port}/v1"


@pytest.fixture
async def base_url(llm: LLMPort) -> AsyncGenerator[str]:
    """Give the address of a service in front of ``llm``."""
    async with serving_openai(llm) as url:
        yield url


@pytest.fixture
async def client(base_url: str) -> AsyncGenerator[AsyncOpenAI]:
    """Give the asynchronous client."""
    async with official(base_url) as client:
        yield client


def official(base_url: str, *, key: str = KEY, max_retries: int = 0) -> AsyncOpenAI:
    """Return an asynchronous client, to be closed."""
    return AsyncOpenAI(
        api_key=key, base_url=base_url, max_retries=max_retries, _strict_response_validation=True
    )


async def in_thread(base_url: str, work: Callable[[OpenAI], T]) -> T:
    """Return what ``work`` makes of the synchronous client, while the service goes on."""

    def run() -> T:
        with OpenAI(
            api_key=KEY, base_url=base_url, max_retries=0, _strict_response_validation=True
        ) as client:
            return work(client)

    return await asyncio.to_thread(run)
