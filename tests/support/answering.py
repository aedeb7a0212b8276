"""The use cases of chat over fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.schema import RustSchemas
from application.answers import Answers
from application.chat import ChatService
from application.streaming import Limits
from application.timed import TimedLLM
from domain.errors import InvalidRequestError
from domain.messages import ImagePart
from tests.support.fake_system import CountingIds, FixedClock

if TYPE_CHECKING:
    from application.ports.llm import LLMPort
    from domain.messages import ImageLink


class FakeImages:
    """Has one picture at every address but those with ``missing`` in them."""

    async def fetch(self, link: ImageLink) -> ImagePart:
        """Return a picture that names its address."""
        if "missing" in link.url:
            message = "There is no such image."
            raise InvalidRequestError(message, code="invalid_image_url", param=link.param)
        return ImagePart("image/png", link.url)


def chat_service(llm: LLMPort, limits: Limits | None = None) -> ChatService:
    """Return the service; ids count from 1, the first is that of the first answer."""
    ids = CountingIds()
    timed = TimedLLM(llm, limits or Limits())
    answers = Answers(timed, ids, RustSchemas(), FakeImages())
    return ChatService(answers, ids, FixedClock())
