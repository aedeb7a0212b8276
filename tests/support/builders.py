"""Values whose content does not matter to the test that uses them.

Each field has its default, or a value that could be true; a test names what it is about.
"""

from __future__ import annotations

from polyfactory.factories import DataclassFactory

from domain.chat import ChatRequest, ChatResult, FinishReason, TokenLogprob, TopLogprob, Usage
from domain.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.messages import ImagePart, Message, Role, TextPart
from domain.models import ModelDetails, ModelSummary
from domain.sampling import JSONSchemaFormat, Sampling
from domain.tools import ToolCall, ToolDefinition

_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class MessageFactory(DataclassFactory[Message]):
    """A user's turn."""

    __check_model__ = True
    role = Role.USER
    content = "Say hello."
    tool_calls = ()
    tool_call_id = None
    tool_name = None
    reasoning = ""


class SamplingFactory(DataclassFactory[Sampling]):
    """The model's own sampling."""

    __check_model__ = True
    __use_defaults__ = True


class ChatRequestFactory(DataclassFactory[ChatRequest]):
    """A question of one turn to a model that every fake has."""

    __check_model__ = True
    __use_defaults__ = True
    model = "smollm2:135m"

    @classmethod
    def messages(cls) -> tuple[Message, ...]:
        """Return one user's turn."""
        return (MessageFactory.build(),)


class UsageFactory(DataclassFactory[Usage]):
    """Counts that could be true."""

    __check_model__ = True
    prompt_tokens = 7
    completion_tokens = 2
    cached_tokens = 0
    reasoning_tokens = 0


class TopLogprobFactory(DataclassFactory[TopLogprob]):
    """An alternative."""

    __check_model__ = True
    token = "Hi"  # noqa: S105 - a token of a language model
    logprob = -2.5
    utf8 = b"Hi"


class TokenLogprobFactory(DataclassFactory[TokenLogprob]):
    """A drawn token without alternatives."""

    __check_model__ = True
    __use_defaults__ = True
    token = "Hello"  # noqa: S105 - a token of a language model
    logprob = -0.25
    utf8 = b"Hello"


class ToolCallFactory(DataclassFactory[ToolCall]):
    """A call that fits ``ToolDefinitionFactory``."""

    __check_model__ = True
    id = "call_1"
    name = "get_weather"
    arguments = '{"city":"Rome"}'


class ToolDefinitionFactory(DataclassFactory[ToolDefinition]):
    """A function with one argument."""

    __check_model__ = True
    __use_defaults__ = True
    name = "get_weather"
    description = "Weather of a city"
    parameters = _SCHEMA


class JSONSchemaFormatFactory(DataclassFactory[JSONSchemaFormat]):
    """A form with one property."""

    __check_model__ = True
    __use_defaults__ = True
    name = "answer"
    schema = _SCHEMA


class ChatResultFactory(DataclassFactory[ChatResult]):
    """A short answer."""

    __check_model__ = True
    __use_defaults__ = True
    content = "Hello"
    finish_reason = FinishReason.STOP
    usage = UsageFactory


class TextPartFactory(DataclassFactory[TextPart]):
    """Any text."""

    __check_model__ = True
    text = "What is this?"


class ImagePartFactory(DataclassFactory[ImagePart]):
    """The smallest GIF."""

    __check_model__ = True
    media_type = "image/gif"
    base64 = "R0lGODlhAQABAAAAACw="


class TextDeltaFactory(DataclassFactory[TextDelta]):
    """A piece of text without log probabilities."""

    __check_model__ = True
    __use_defaults__ = True
    text = "Hel"


class ReasoningDeltaFactory(DataclassFactory[ReasoningDelta]):
    """A piece of thinking."""

    __check_model__ = True
    text = "Hm."


class ToolCallDeltaFactory(DataclassFactory[ToolCallDelta]):
    """A whole call in one delta."""

    __check_model__ = True
    index = 0
    id = "call_1"
    name = "get_weather"
    arguments = '{"city":"Rome"}'


class FinishedFactory(DataclassFactory[Finished]):
    """The end of an answer that said all it had to say."""

    __check_model__ = True
    reason = FinishReason.STOP
    usage = UsageFactory


class ModelSummaryFactory(DataclassFactory[ModelSummary]):
    """A listed model."""

    __check_model__ = True
    name = "smollm2:135m"
    created = 1_700_000_000


class ModelDetailsFactory(DataclassFactory[ModelDetails]):
    """A model of which nothing is known."""

    __check_model__ = True
    __use_defaults__ = True
    name = "smollm2:135m"
