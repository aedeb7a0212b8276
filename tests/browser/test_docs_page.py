"""The page at /docs as a browser has it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from dependency_injector import providers

from entrypoints.container import Container
from entrypoints.http.app import create_app
from entrypoints.http.drain import Drain
from entrypoints.settings import Settings
from tests.browser import chromium
from tests.support.fake_llm import FakeLLM
from tests.support.server import serving

if TYPE_CHECKING:
    from pathlib import Path

    from litestar.types import ASGIApp

CHROMIUM = chromium.find()
CHAT = "#operations-Chat-createChatCompletion"
STATUS = f"{CHAT} .live-responses-table .response .response-col_status"
BODY = f"{CHAT} .live-responses-table .response .highlight-code"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH to open the page in")


def app(api_key: str = "") -> ASGIApp:
    container = Container(
        settings=Settings(api_key=api_key, llm_backend="ollama", default_model="llama3")
    )
    container.override_providers(llm=providers.Object(FakeLLM()))
    return create_app(container, Drain())


async def test_page_asks_nobody_else_and_calls_with_the_key_entered(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        serving(app("secret")) as port,
        chromium.browsing(str(CHROMIUM)) as page,
    ):
        origin = f"http://127.0.0.1:{port}"

        await page.open(f"{origin}/docs")
        path = await page.text(f"{CHAT} .opblock-summary-path")
        await page.click(f"{CHAT} .opblock-summary-control")
        await page.click(f"{CHAT} .try-out__btn")
        await page.click(f"{CHAT} .execute")
        without_key = await page.text(STATUS)
        await page.click(f"{CHAT} .btn-clear")
        await page.when(f"!document.querySelector('{STATUS}')")
        await page.click(".scheme-container .btn.authorize")
        await page.type("#auth-bearer-value", "secret")
        await page.click(".modal-ux .btn.authorize")
        await page.click(".modal-ux .btn-done")
        await page.click(f"{CHAT} .execute")
        with_key = await page.text(STATUS)
        body = await page.text(BODY)
        # For people to look at: pytest keeps the folders of its last runs.
        (tmp_path / "docs.png").write_bytes(await page.picture())

        assert path.replace("\u200b", "") == "/v1/chat/completions"
        assert (without_key.split()[0], with_key.split()[0]) == ("401", "200")
        assert '"content": "Hello"' in body
        assert f"{origin}/docs/swagger-ui-bundle.js" in {
            url.partition("?")[0] for url in page.requested
        }
        assert [url for url in page.requested if not url.startswith((f"{origin}/", "data:"))] == []
        # The policy of the page is broken nowhere; the refusal without a key is all.
        assert len(page.complaints) == 1
        assert "401" in page.complaints[0]


async def test_page_shows_a_streamed_answer_where_there_are_no_keys() -> None:
    async with (
        asyncio.timeout(60),
        serving(app()) as port,
        chromium.browsing(str(CHROMIUM)) as page,
    ):
        await page.open(f"http://127.0.0.1:{port}/docs")
        await page.click(f"{CHAT} .opblock-summary-control")
        await page.click(f"{CHAT} .try-out__btn")
        await page.choose(
            f"{CHAT} .opblock-section-request-body .examples-select-element", "Streamed"
        )
        await page.when(f"document.querySelector('{CHAT} textarea').value.includes('\"stream\"')")
        await page.click(f"{CHAT} .execute")
        status = await page.text(STATUS)
        body = await page.text(BODY)

        assert status.split()[0] == "200"
        assert '"delta":{"content":"Hel"}' in body
        assert "data: [DONE]" in body
        assert page.complaints == []
