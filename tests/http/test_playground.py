"""The page at / and its files, as they are served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrypoints.http import playground
from tests.support import raw_http
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Answer, Service

FOLDER = Path(playground.__file__).parent
FILES = sorted(it.name for it in FOLDER.iterdir() if it.suffix in {".js", ".css", ".html"})
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
BROWSER = {"accept": CHROME}


@pytest.fixture
async def guarded(llm: FakeLLM) -> AsyncGenerator[Service]:
    async with service_of(llm, api_key="secret") as running:
        yield running


async def page(service: Service) -> Answer:
    return await service.ask(path="/", headers=BROWSER)


@pytest.mark.parametrize("accept", [CHROME, "text/html", "application/json, text/html;q=0.1"])
async def test_browsers_get_the_page_without_a_key(guarded: Service, accept: str) -> None:
    answer = await guarded.ask(path="/", headers={"accept": accept})

    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["vary"] == "accept"
    assert answer.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/*", ""])
async def test_programs_get_json(guarded: Service, accept: str) -> None:
    answer = await guarded.ask(path="/", headers={"accept": accept})

    assert answer.json == {"status": "ok", "api": "/v1", "docs": "/docs"}


async def test_the_head_of_the_page_has_no_page(service: Service) -> None:
    whole = await page(service)
    reader, writer = await raw_http.send(service.port, "/", headers=BROWSER, method="HEAD")
    head = await raw_http.read_head(reader)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    after = await raw_http.read_head(reader)
    await raw_http.hang_up(writer)

    assert (head.status, head.headers["content-length"]) == (200, str(len(whole.body)))
    assert (after.status, after.headers["content-type"]) == (200, "application/json")


async def test_the_policy_allows_this_server_alone_and_no_markup_from_scripts(
    service: Service,
) -> None:
    answer = await page(service)

    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_page_has_no_script_or_style_inside_and_names_no_other_place(
    service: Service,
) -> None:
    text = (await page(service)).body.decode()

    assert "//" not in text
    assert not re.search(r"<script(?! type=\"module\" src=)|<style|\sstyle=|\son\w+=", text)


@pytest.mark.parametrize("name", FILES)
def test_no_file_turns_text_into_markup_or_code(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")

    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|import\(",
        text,
    )


async def test_every_file_that_is_asked_for_is_served_and_nothing_else_is_there(
    guarded: Service,
) -> None:
    wanted = {f"/playground/{name}" for name in FILES} - {"/playground/index.html"}
    sources = [(FOLDER / name).read_text(encoding="utf-8") for name in FILES]
    named = {path for text in sources for path in re.findall(r"/playground/[\w.]+", text)}
    answers = {path: await guarded.ask(path=path) for path in wanted}

    assert named == wanted
    assert {answer.status for answer in answers.values()} == {200}
    assert {path.rpartition(".")[2]: a.headers["content-type"] for path, a in answers.items()} == {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/playground",
        "/playground/",
        "/playground/index.html",
        "/playground/controller.py",
        "/playground/__init__.py",
        "/playground/../auth.py",
        "/playground/..%2f..%2fkey_watch.py",
        "/playground/%2e%2e/auth.py",
    ],
)
async def test_no_other_file_is_served(service: Service, path: str) -> None:
    assert (await service.ask(path=path)).status == 404


@pytest.mark.parametrize("path", ["/", "/playground/app.js"])
async def test_who_has_a_file_is_told_so(service: Service, path: str) -> None:
    first = await service.ask(path=path, headers=BROWSER)
    tag = first.headers["etag"]
    again = await service.ask(path=path, headers=BROWSER | {"if-none-match": f'"old", W/{tag}'})
    other = await service.ask(path=path, headers=BROWSER | {"if-none-match": '"old"'})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert (other.status, other.body) == (200, first.body)
