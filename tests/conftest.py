from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.fake_llm import FakeLLM
from tests.support.service import Service, service_of
from tests.support.stores import Grounds
from tests.support.valkey import ValkeyServer, program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--integration", action="store_true", help="run the tests that need a running Ollama, too"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--integration"):
        return
    for item in items:
        if item.get_closest_marker("integration"):
            item.add_marker(pytest.mark.skip(reason="needs --integration and a running Ollama"))


@pytest.fixture
def llm() -> FakeLLM:
    return FakeLLM()


@pytest.fixture
async def service(llm: FakeLLM) -> AsyncGenerator[Service]:
    async with service_of(llm) as running:
        yield running


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Generator[ValkeyServer]:
    if program() is None:
        pytest.skip("needs valkey-server or redis-server on PATH (apt-get install redis-server)")
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def grounds(request: pytest.FixtureRequest, tmp_path: Path) -> Grounds:
    def url() -> str:
        server: ValkeyServer = request.getfixturevalue("valkey")
        return server.url

    return Grounds(tmp_path, url)
