from __future__ import annotations

import pytest

from domain.errors import InvalidRequestError
from entrypoints.http.openai.responses.shape import Shape, choose

SIMPLE, OPENAI = Shape.SIMPLE, Shape.OPENAI
CURL = {"user-agent": "curl/8.5.0"}


def shape(
    setting: str = "auto",
    headers: dict[str, str] = CURL,
    fields: str = "input model",
    *,
    plain_input: bool = True,
) -> Shape:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return choose(setting, pairs, fields.split(), plain_input=plain_input)


@pytest.mark.parametrize(
    ("fields", "plain_input", "expected"),
    [
        pytest.param("input", True, SIMPLE, id="input alone"),
        pytest.param("input model", True, SIMPLE, id="the founding example"),
        pytest.param("input model instructions temperature", True, SIMPLE, id="all four"),
        pytest.param("input model", False, OPENAI, id="a list as input"),
        pytest.param("input model stream", True, OPENAI, id="stream, be it null"),
        pytest.param("input model store", True, OPENAI, id="store"),
        pytest.param("input model previous_response_id", True, OPENAI, id="a chain"),
        pytest.param("input model tools", True, OPENAI, id="tools"),
        pytest.param("input model metadata", True, OPENAI, id="metadata"),
        pytest.param("input model session_id", True, OPENAI, id="a field of nobody's"),
        pytest.param("model previous_response_id", False, OPENAI, id="no input"),
    ],
)
def test_the_body_decides(fields: str, *, plain_input: bool, expected: Shape) -> None:
    assert shape(fields=fields, plain_input=plain_input) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, SIMPLE, id="no user agent"),
        pytest.param(CURL, SIMPLE, id="curl"),
        pytest.param({"user-agent": "python-httpx/0.28"}, SIMPLE, id="httpx"),
        pytest.param({"user-agent": "Mozilla/5.0 (X11) OpenAI/"}, SIMPLE, id="not at the front"),
        pytest.param({"user-agent": "OpenAI/Python 3.54.0"}, OPENAI, id="Python"),
        pytest.param({"user-agent": "AsyncOpenAI/Python 3.54.0"}, OPENAI, id="async Python"),
        pytest.param({"user-agent": "OpenAI/JS 6.49.0"}, OPENAI, id="Node"),
        pytest.param({"user-agent": "AzureOpenAI/Python 3.54.0"}, OPENAI, id="Azure"),
        pytest.param({"user-agent": "Agents/Python 0.24"}, OPENAI, id="Agents SDK"),
        pytest.param({"user-agent": "litellm/1.80"}, OPENAI, id="LiteLLM"),
        pytest.param({"user-agent": "LiteLLM/1.80"}, OPENAI, id="LiteLLM in other case"),
        pytest.param({"user-agent": "ai-sdk/openai/3.0"}, OPENAI, id="AI SDK's provider"),
        pytest.param({"user-agent": "ai/6.0 ai-sdk/openai/3.0"}, OPENAI, id="AI SDK"),
        pytest.param({"user-agent": "codex_cli_rs/0.60"}, OPENAI, id="Codex"),
        pytest.param({"user-agent": "async-openai"}, OPENAI, id="Rust"),
        pytest.param(CURL | {"x-stainless-lang": "go"}, OPENAI, id="an SDK under another name"),
        pytest.param({"openai-organization": "org"}, OPENAI, id="a client with an organization"),
        pytest.param(CURL | {"openai-project": ""}, OPENAI, id="a client with a project"),
        pytest.param(CURL | {"openai-beta": "assistants=v2"}, OPENAI, id="a client of a beta"),
    ],
)
def test_the_client_decides(headers: dict[str, str], expected: Shape) -> None:
    assert shape(headers=headers) is expected


@pytest.mark.parametrize("setting", [SIMPLE, OPENAI])
def test_the_setting_wins_over_body_and_client(setting: Shape) -> None:
    assert shape(setting, fields="input") is setting
    assert shape(setting, {"user-agent": "OpenAI/JS 6"}, "input tools") is setting


@pytest.mark.parametrize("setting", ["auto", "simple", "openai"])
@pytest.mark.parametrize("wanted", ["simple", "openai", " OpenAI "])
def test_the_header_wins_over_all(setting: str, wanted: str) -> None:
    headers = CURL | {"x-stainless-lang": "python", "x-responses-shape": wanted}

    assert shape(setting, headers, "input tools") is Shape(wanted.strip().lower())


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="'simple' or 'openai'") as caught:
        shape(headers={"x-responses-shape": "xml"})

    assert (caught.value.code, caught.value.param) == ("invalid_value", "x-responses-shape")
