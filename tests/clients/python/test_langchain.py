"""LangChain's public standard tests, as its own integrations run them, on ``ChatOpenAI``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import openai
import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage

GIF = "R0lGODlhAQABAAAAACw="


class TestStandard(ChatModelIntegrationTests):
    """Structured output by JSON Schema, which is the integration's default."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "scripted", "temperature": 0, "max_retries": 0, "stream_usage": True}

    @property
    def model_override_value(self) -> str:
        return "thinker"

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    # Audio and files are refused here; the tests of images fetch theirs from the internet:
    # ``test_images_of_both_forms`` below stands in for them.

    @property
    def supported_usage_metadata_details(
        self,
    ) -> dict[Literal["invoke", "stream"], list[Any]]:
        details = ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._whole("thinker", stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._whole("scripted", stream=stream)

    def _whole(self, model: str, *, stream: bool) -> AIMessage:
        chat = ChatOpenAI(**self.chat_model_params | {"model": model})
        if not stream:
            return chat.invoke("Hello")
        chunks = iter(chat.stream("Hello"))
        whole = next(chunks)
        for chunk in chunks:
            whole += chunk
        return whole


class TestFunctionCalling(TestStandard):
    """Structured output through a tool that must be called."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}


class TestResponses(TestStandard):
    """All of it over Responses."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return super().chat_model_params | {"use_responses_api": True}


class TestResponsesFunctionCalling(TestResponses):
    """Structured output over Responses, through a tool that must be called."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{GIF}"}},
        {"type": "image", "base64": GIF, "mime_type": "image/gif"},
    ],
    ids=["openai", "langchain"],
)
def test_images_of_both_forms(part: dict[str, Any]) -> None:
    message = HumanMessage([{"type": "text", "text": "What is this?"}, part])

    answer = ChatOpenAI(model="scripted").invoke([message])

    assert answer.content == "You said: What is this? I see an image."


def test_a_failure_inside_a_stream_is_raised() -> None:
    with pytest.raises(openai.APIError, match="broke off"):
        list(ChatOpenAI(model="scripted").stream("Fail: midway"))


def test_a_failure_before_a_stream_is_raised() -> None:
    with pytest.raises(openai.RateLimitError):
        list(ChatOpenAI(model="scripted", max_retries=0).stream("Fail: busy"))
