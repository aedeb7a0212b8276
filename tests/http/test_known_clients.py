"""What well-known clients send first, as recorded from them, or read in their source.

Recorded against this service on 2026-11-24, long texts shortened: openai 3.54 and 6.49
(JavaScript), langchain-openai 1.7.3, @langchain/openai 1.x, LlamaIndex 0.14, llm 0.36, aider
0.86.2, Continue's command line 1.5.47, Open WebUI 0.12.4, n8n 2.8.4, go-openai 1.43, async-openai
0.43, LangChain4j 1.19, Spring AI 1.1.2. Read in source: Zed, and Continue in an editor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from domain.models import Capability
from tests.support.fake_llm import FakeLLM, details
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.service import Answer, Service

KEY = "sk-known"
BEARER = {"authorization": f"Bearer {KEY}"}
SDK = BEARER | {
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "user-agent": "OpenAI/Python 3.54.0",
    "x-stainless-lang": "python",
    "x-stainless-async": "false",
    "x-stainless-retry-count": "0",
    "x-stainless-read-timeout": "600",
}
NODE = BEARER | {
    "accept": "application/json",
    "accept-language": "*",
    "sec-fetch-mode": "cors",
    "user-agent": "OpenAI/JS 6.49.0",
    "x-stainless-lang": "js",
    "x-stainless-retry-count": "0",
}
LANGCHAIN_JS = NODE | {"user-agent": "langchainjs-openai/1.0.0 ((node/v20.20.2; linux; x64))"}
AIOHTTP = BEARER | {
    "accept": "*/*",
    "accept-encoding": "gzip, deflate, br",
    "user-agent": "Python/3.11 aiohttp/3.14.5",
}
HI = [{"role": "user", "content": "hi"}]
NONE: Mapping[str, object] = {}
WITH_USAGE = {"include_usage": True}
NAMES = "smollm2:135m"
FUNCTION = {"name": "get_weather", "parameters": {"type": "object"}}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'},
}
ANSWERED = {"role": "tool", "tool_call_id": "call_1", "content": "25 degrees"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a client sends it."""

    path: str
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: SDK)


CHAT: Mapping[str, Sent] = {
    "openai": Sent("/v1/chat/completions", {"messages": HI, "model": NAMES}),
    "langchain": Sent(
        "/v1/chat/completions",
        {
            "model": NAMES,
            "stream": True,
            "messages": [{"content": "hi", "role": "user"}],
            "max_completion_tokens": 8,
            "stream_options": WITH_USAGE,
        },
    ),
    "langchain.js": Sent(
        "/v1/chat/completions",
        {
            "model": NAMES,
            "stream": True,
            "stream_options": WITH_USAGE,
            "max_tokens": 8,
            "messages": HI,
        },
        LANGCHAIN_JS,
    ),
    "n8n": Sent(
        "/v1/chat/completions",
        {"model": NAMES, "stream": False, "max_tokens": 16, "messages": HI},
        LANGCHAIN_JS,
    ),
    "llamaindex": Sent(
        "/v1/chat/completions",
        {"messages": HI, "model": NAMES, "max_tokens": 8, "stream": True, "temperature": 0.1},
    ),
    "llm": Sent(
        "/v1/chat/completions",
        {
            "model": NAMES,
            "stream": True,
            "messages": HI,
            "max_tokens": 8,
            "stream_options": WITH_USAGE,
        },
    ),
    # Examples of the form that it wants stand before the question.
    "aider": Sent(
        "/v1/chat/completions",
        {
            "messages": [
                {"role": "system", "content": "Act as an expert software developer."},
                {"role": "user", "content": "Change the greeting to be more casual"},
                {"role": "assistant", "content": "Ok, I will:"},
                {"role": "user", "content": "I switched to a new code base."},
                {"role": "assistant", "content": "Ok."},
                {"role": "user", "content": "Rename f to g."},
            ],
            "model": NAMES,
            "stream": True,
            "temperature": 0,
        },
        SDK | {"user-agent": "OpenAI/Python 2.20.0", "x-stainless-raw-response": "true"},
    ),
    "continue's command line": Sent(
        "/v1/chat/completions",
        {
            "model": NAMES,
            "messages": [{"role": "system", "content": "You are an agent."}, *HI],
            "stream": True,
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "Read",
                        "description": "Read the contents of a file at the specified path",
                        "parameters": {
                            "type": "object",
                            "required": ["filepath"],
                            "properties": {
                                "filepath": {
                                    "type": "string",
                                    "description": "The path to the file to read",
                                }
                            },
                        },
                    },
                },
                {
                    "type": "function",
                    "function": {
                        "name": "Exit",
                        "description": "Exit the current process with status code 1",
                        "parameters": {"type": "object", "properties": NONE},
                    },
                },
            ],
            "stream_options": WITH_USAGE,
        },
        NODE | {"user-agent": "ls/JS 5.23.2", "accept-encoding": "gzip, deflate, br"},
    ),
    "continue in an editor": Sent(
        "/v1/chat/completions",
        {
            "model": NAMES,
            "messages": HI,
            "max_tokens": 2048,
            "stream": True,
            "parallel_tool_calls": False,
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "read_file",
                        "description": "Read a file",
                        "parameters": {"type": "object", "required": ["path"]},
                    },
                }
            ],
        },
        BEARER | {"api-key": KEY, "x-api-key": KEY},
    ),
    "open webui": Sent(
        "/v1/chat/completions",
        {
            "model": NAMES,
            "stream": True,
            "messages": HI,
            "stream_options": WITH_USAGE,
            "max_tokens": 16,
        },
        AIOHTTP,
    ),
    "open webui's title": Sent(
        "/v1/chat/completions",
        {"model": NAMES, "messages": HI, "stream": False, "max_tokens": 1000},
        AIOHTTP,
    ),
    "zed": Sent(
        "/v1/chat/completions",
        {
            "model": NAMES,
            "messages": [{"role": "system", "content": "You are an agent."}, *HI],
            "stream": True,
            "stream_options": WITH_USAGE,
            "max_completion_tokens": 4096,
            "temperature": 1.0,
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "read_file",
                        "description": "Reads a file.",
                        "parameters": {
                            "type": "object",
                            "properties": {"path": {"type": "string"}},
                        },
                    },
                }
            ],
            "prompt_cache_key": "thread-1",
        },
        BEARER,
    ),
    # A call that is sent back has no content, or an empty one.
    "go-openai": Sent(
        "/v1/chat/completions",
        {
            "model": NAMES,
            "messages": [
                *HI,
                {"role": "assistant", "tool_calls": [CALL]},
                ANSWERED | {"name": "get_weather"},
            ],
            "stream": False,
            "tools": [{"function": FUNCTION | {"strict": True}, "type": "function"}],
        },
        BEARER | {"user-agent": "Go-http-client/1.1"},
    ),
    "async-openai": Sent(
        "/v1/chat/completions",
        {
            "messages": [
                *HI,
                {"tool_calls": [CALL], "annotations": [], "role": "assistant"},
                ANSWERED,
            ],
            "model": NAMES,
            "max_completion_tokens": 40,
            "tools": [{"type": "function", "function": FUNCTION}],
        },
        BEARER | {"accept": "*/*", "accept-encoding": "gzip"},
    ),
    "langchain4j": Sent(
        "/v1/chat/completions",
        {
            "model": NAMES,
            "messages": [*HI, {"role": "assistant", "tool_calls": [CALL]}, ANSWERED],
            "stream": True,
            "stream_options": WITH_USAGE,
            "tools": [{"type": "function", "function": FUNCTION}],
        },
        # Its wish for HTTP/2 is in tests/reliability/test_connections.py.
        BEARER | {"user-agent": "langchain4j-openai"},
    ),
    "spring ai": Sent(
        "/v1/chat/completions",
        {
            "messages": [
                *HI,
                {"content": "", "role": "assistant", "tool_calls": [CALL]},
                ANSWERED | {"name": "get_weather"},
            ],
            "model": NAMES,
            "stream": True,
            "temperature": 0.7,
            "tools": [{"type": "function", "function": FUNCTION}],
        },
        BEARER | {"user-agent": "spring-ai"},
    ),
}
MODELS: Mapping[str, Sent] = {
    "openai": Sent("/v1/models"),
    "openai.js": Sent("/v1/models", None, NODE),
    "open webui": Sent("/v1/models", None, AIOHTTP),
    "open webui's check of a connection": Sent(
        "/v1/models", None, AIOHTTP | {"content-type": "application/json"}
    ),
    "open webui without /v1": Sent("/models", None, AIOHTTP),
    "continue in an editor": Sent("/v1/models", None, BEARER | {"api-key": KEY}),
    "n8n's check of a key": Sent(
        "/v1/models",
        None,
        BEARER
        | {
            "accept": "application/json, text/plain, */*",
            "accept-encoding": "gzip, compress, deflate, br",
            "openai-organization": "",
            "user-agent": "n8n",
        },
    ),
    "n8n's list": Sent("/v1/models", None, NODE),
}
COMPLETIONS: Mapping[str, Sent] = {
    "langchain": Sent(
        "/v1/completions",
        {
            "model": NAMES,
            "prompt": ["The capital of France is"],
            "frequency_penalty": 0,
            "logprobs": 2,
            "max_tokens": 8,
            "n": 1,
            "presence_penalty": 0,
            "seed": None,
            "temperature": 0.7,
            "top_p": 1,
        },
    ),
    "llamaindex": Sent(
        "/v1/completions",
        {"model": NAMES, "prompt": "1 2", "max_tokens": 8, "stream": False, "temperature": 0.1},
    ),
    "llm": Sent(
        "/v1/completions",
        {
            "model": NAMES,
            "stream": True,
            "prompt": "The capital of France is",
            "max_tokens": 8,
            "stream_options": WITH_USAGE,
        },
    ),
    # One stop for each mark of the template that it has filled in itself.
    "continue": Sent(
        "/v1/completions",
        {
            "model": NAMES,
            "max_tokens": 256,
            "temperature": 0.01,
            "stop": ["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<file_sep>", "\n\n", "```"],
            "prompt": "<fim_prefix>def f(<fim_suffix>return 1<fim_middle>",
            "stream": True,
        },
        BEARER | {"api-key": KEY},
    ),
    "zed": Sent(
        "/v1/completions",
        {
            "model": NAMES,
            "prompt": "[SUFFIX]return 1[PREFIX]def f(",
            "max_tokens": 64,
            "stop": ["[PREFIX]", "[SUFFIX]"],
        },
        BEARER,
    ),
    "an editor with a suffix": Sent(
        "/v1/completions",
        {"model": "filler", "prompt": "def f(", "suffix": "return 1", "stream": True},
        BEARER,
    ),
}
EMBEDDINGS: Mapping[str, Sent] = {
    "openai": Sent(
        "/v1/embeddings",
        {"input": ["Hello"], "model": "embedder", "encoding_format": "base64"},
    ),
    "langchain without tokens": Sent(
        "/v1/embeddings",
        {"model": "embedder", "input": ["foo", "bar"], "encoding_format": "base64"},
    ),
    "langchain.js": Sent(
        "/v1/embeddings",
        {"model": "embedder", "input": "hi", "encoding_format": "base64"},
        NODE,
    ),
    "open webui": Sent("/v1/embeddings", {"input": ["Hello"], "model": "embedder"}, AIOHTTP),
    "continue in an editor": Sent(
        "/v1/embeddings", {"input": ["Hello", "Wörld"], "model": "embedder"}, BEARER
    ),
}


def cases(sent: Mapping[str, Sent]) -> list[Any]:
    return [pytest.param(request, id=name) for name, request in sent.items()]


def records(answer: Answer) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in answer.body.decode().split("\n\n") if line]
    return [json.loads(line) for line in lines if line != "[DONE]"]


@pytest.fixture
async def known(llm: FakeLLM) -> AsyncGenerator[Service]:
    """Give a service with a key."""
    llm.models["smollm2:135m"] = details("smollm2:135m", Capability.TOOLS)
    llm.models["filler"] = details("filler", Capability.INSERT)
    async with service_of(llm, api_key=KEY) as running:
        yield running


async def send(service: Service, sent: Sent) -> Answer:
    return await service.ask(sent.body, sent.path, sent.headers)


@pytest.mark.parametrize("sent", cases(CHAT))
async def test_what_clients_chat_with_is_answered(known: Service, sent: Sent) -> None:
    answer = await send(known, sent)

    assert answer.status == 200
    assert "x-ignored-parameters" not in answer.headers
    streams = bool(sent.body and sent.body.get("stream"))
    objects = {r["object"] for r in records(answer)} if streams else {answer.json["object"]}
    assert objects == {"chat.completion.chunk" if streams else "chat.completion"}


async def test_n8n_asks_for_a_response(known: Service) -> None:
    # Its chat node does, as it comes.
    body: dict[str, object] = {
        "input": [{"type": "message", "role": "user", "content": "Say hello."}],
        "model": NAMES,
        "stream": False,
        "text": {},
    }

    answer = await send(known, Sent("/v1/responses", body, LANGCHAIN_JS))

    assert answer.status == 200
    assert (answer.json["object"], answer.json["status"]) == ("response", "completed")
    assert answer.json["output"][0]["content"][0]["text"] == "Hello"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"openai-organization": "local"}, id="async-openai with an organization"),
        pytest.param(
            {"openai-organization": "local", "user-agent": "Go-http-client/1.1"},
            id="go-openai with an organization",
        ),
    ],
)
async def test_clients_that_read_strictly_get_a_response(
    known: Service, headers: dict[str, str]
) -> None:
    sent = Sent("/v1/responses", {"input": "hi", "model": NAMES}, BEARER | headers)

    assert (await send(known, sent)).json["object"] == "response"


@pytest.mark.parametrize("sent", cases(MODELS))
async def test_what_clients_list_models_with_is_answered(known: Service, sent: Sent) -> None:
    answer = await send(known, sent)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    # Pickers show these, and filter by them.
    assert {"id", "object", "created", "owned_by"} <= answer.json["data"][0].keys()


@pytest.mark.parametrize("sent", cases(COMPLETIONS))
async def test_what_clients_complete_with_is_answered(known: Service, sent: Sent) -> None:
    answer = await send(known, sent)

    assert answer.status == 200
    found = records(answer) if sent.body and sent.body.get("stream") else [answer.json]
    texts = [choice["text"] for record in found for choice in record["choices"]]
    assert "".join(texts) == "Hello"


@pytest.mark.parametrize("sent", cases(EMBEDDINGS))
async def test_what_clients_embed_with_is_answered(known: Service, sent: Sent) -> None:
    answer = await send(known, sent)

    assert answer.status == 200
    wants_text = bool(sent.body and sent.body.get("encoding_format") == "base64")
    assert isinstance(answer.json["data"][0]["embedding"], str) is wants_text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"authorization": f"bearer {KEY}"}, 200, id="lower case"),
        pytest.param(BEARER | {"x-api-key": KEY}, 200, id="both forms"),
        pytest.param({"authorization": "Bearer undefined"}, 401, id="a client without a key"),
        pytest.param({}, 401, id="none"),
    ],
)
async def test_keys_as_clients_send_them(
    known: Service, headers: Mapping[str, str], status: int
) -> None:
    assert (await known.ask(path="/v1/models", headers=headers)).status == status
