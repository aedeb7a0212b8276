from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest_asyncio

from tests.support.standing import Stand, standing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stand]:
    """Give one process to all tests of a module, with the module's ``SETTINGS``."""
    settings: dict[str, str] = getattr(cast("Any", request).module, "SETTINGS", {})
    async with standing(tmp_path_factory.mktemp("service"), **settings) as running:
        yield running
