"""The page at /docs, its files and its document."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from dependency_injector import providers
from litestar import Litestar

from entrypoints.container import Container
from entrypoints.http import docs
from entrypoints.http.app import create_app
from entrypoints.http.drain import Drain
from entrypoints.http.openai import operations
from entrypoints.settings import Settings
from tests.support import raw_http
from tests.support.fake_llm import FakeLLM
from tests.support.server import serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

ROOT = Path(__file__).parents[2]
VERBS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
async def port() -> AsyncGenerator[int]:
    container = Container(settings=Settings(api_key="secret", llm_backend="ollama"))
    container.override_providers(llm=providers.Object(FakeLLM()))
    async with serving(create_app(container, Drain())) as number:
        yield number


async def document(port: int) -> dict[str, Any]:
    head, body = await raw_http.fetch(port, "/docs/openapi.json")
    assert (head.status, head.headers["content-type"]) == (200, "application/json")
    loaded: dict[str, Any] = json.loads(body)
    return loaded


def described(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every operation under its verb and path."""
    for path, item in document["paths"].items():
        for verb in VERBS:
            if verb in item:
                yield f"{verb.upper()} {path}", item[verb]


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every JSON body of every operation under the name of its place."""
    for name, operation in described(document):
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for place, body in bodies.items():
            if media := body.get("content", {}).get("application/json"):
                yield f"{name} {place}", media


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
async def test_page_opens_without_a_key_and_forbids_whatever_is_not_from_here(
    port: int, path: str
) -> None:
    head, body = await raw_http.fetch(port, path)
    page = body.decode()

    assert head.status == 200
    assert head.headers["content-type"] == "text/html; charset=utf-8"
    assert head.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert "//" not in page
    assert '<link rel="icon" href="data:,">' in page
    assert "<style" not in page
    assert not re.search(r"<script(?! src=)", page)


async def test_every_file_of_the_page_is_served_without_a_key(port: int) -> None:
    _, body = await raw_http.fetch(port, "/docs")
    links = re.findall(r'(?:src|href)="(/[^"]+)"', body.decode())

    heads = {link.partition("?")[0]: await raw_http.fetch(port, link) for link in links}

    assert {
        link: (head.status, head.headers["content-type"]) for link, (head, _) in heads.items()
    } == {
        "/docs/swagger-ui.css": (200, "text/css; charset=utf-8"),
        "/docs/swagger-ui-bundle.js": (200, "text/javascript; charset=utf-8"),
        "/docs/start.js": (200, "text/javascript; charset=utf-8"),
    }
    assert b"SwaggerUIBundle" in heads["/docs/swagger-ui-bundle.js"][1]


async def test_files_of_a_version_may_be_kept_but_the_page_is_asked_for_again(port: int) -> None:
    page, _ = await raw_http.fetch(port, "/docs")
    file, _ = await raw_http.fetch(port, "/docs/swagger-ui.css")

    assert page.headers["cache-control"] == "no-cache"
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "/docs/LICENSE",
        "/docs/swagger-ui.css.map",
        "/docs/..%2f..%2fkey_watch.py",
        "/docs/swagger-ui-dist/swagger-ui.css",
    ],
)
async def test_no_other_file_is_served(port: int, path: str) -> None:
    head, body = await raw_http.fetch(port, path)

    assert (head.status, head.headers["content-type"]) == (404, "application/json")
    assert json.loads(body)["error"]["code"] == "unknown_url"


async def test_calls_need_the_key_in_either_form(port: int) -> None:
    told = await document(port)

    assert told["security"] == [{"bearer": []}, {"x-api-key": []}]
    schemes = told["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert {key: schemes["x-api-key"][key] for key in ("type", "name", "in")} == {
        "type": "apiKey",
        "name": "x-api-key",
        "in": "header",
    }
    assert "**Authorize**" in told["info"]["description"]


def test_without_keys_no_call_needs_one() -> None:
    app = Litestar(openapi_config=docs.config(operations.schemas, keys=False))

    assert app.openapi_schema.security is None
    assert "without keys" in (app.openapi_schema.info.description or "")


async def test_document_carries_the_version_of_the_project(port: int) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    told = await document(port)

    assert told["info"]["version"] == project["version"]
    assert told["info"]["title"] == docs.TITLE


async def test_every_operation_says_what_it_answers_with_an_example(port: int) -> None:
    told = dict(described(await document(port)))

    assert "POST /v1/chat/completions" in told
    for name, operation in told.items():
        assert operation["responses"]["200"]["content"]["application/json"]["examples"], name
        assert operation["responses"]["401"]["content"]["application/json"]["example"], name
        assert operation["summary"], name
        assert operation["tags"], name


async def test_examples_satisfy_their_schemas(port: int) -> None:
    told = await document(port)

    for place, media in contents(told):
        examples = [example["value"] for example in media.get("examples", {}).values()]
        if "example" in media:
            examples.append(media["example"])
        validator = jsonschema_rs.validator_for(
            {**media["schema"], "components": told["components"]}
        )
        for example in examples:
            assert [str(error) for error in validator.iter_errors(example)] == [], place


async def test_every_reference_in_the_document_leads_somewhere(port: int) -> None:
    told = await document(port)

    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(told)))

    assert "chat.ChatCompletionRequest" in references
    assert references <= told["components"]["schemas"].keys()


async def test_document_is_the_same_each_time(port: int) -> None:
    assert await document(port) == await document(port)


async def test_document_names_no_other_machine(port: int) -> None:
    _, body = await raw_http.fetch(port, "/docs/openapi.json")

    assert b"http://" not in body
    assert b"https://" not in body


async def test_page_says_how_to_install_its_files_where_they_are_missing() -> None:
    app = Litestar(
        openapi_config=docs.config(operations.schemas, keys=False, package="no-such-package")
    )
    async with serving(app) as port:
        page, body = await raw_http.fetch(port, "/docs")
        file, _ = await raw_http.fetch(port, "/docs/swagger-ui.css")
        told, _ = await raw_http.fetch(port, "/docs/openapi.json")

    assert (page.status, file.status, told.status) == (200, 404, 200)
    assert b"pip install --no-deps no-such-package" in body
    assert b"<script" not in body


async def test_a_package_without_the_files_counts_as_missing() -> None:
    app = Litestar(openapi_config=docs.config(operations.schemas, keys=False, package="pytest"))
    async with serving(app) as port:
        _, body = await raw_http.fetch(port, "/docs")

    assert b"pip install --no-deps pytest" in body
