"""Inputs that clients have turned into tokens, back to text.

Clients of OpenAI's may send tokens of OpenAI's vocabularies in place of text. No model here
knows those, so the text that they encode is what counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.vocabulary import Vocabulary, VocabularyPort

# As OpenAI's tokeniser chooses (tiktoken, `model.py`): by the model's name, and for a name that
# it does not know the clients that send tokens fall back to the older one.
_NEWER = ("gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss", "chatgpt-4o", "o1", "o3", "o4-mini")


class TokenTexts:
    """Reads inputs of either form."""

    def __init__(self, vocabularies: VocabularyPort) -> None:
        self._vocabularies = vocabularies

    async def read(
        self, inputs: Sequence[str | Sequence[int]], model: str, param: str
    ) -> tuple[str, ...]:
        """Return the text of each input.

        Args:
            inputs: texts, or tokens of the encoding that OpenAI's tokeniser gives ``model``.
            model: the model by the client's name.
            param: the request's field that holds them.

        Raises:
            InvalidRequestError: there are tokens, and no vocabulary or no such token.
        """
        texts = tuple(entry for entry in inputs if isinstance(entry, str))
        if len(texts) == len(inputs):
            return texts
        encoding = encoding_of(model)
        vocabulary = await self._vocabularies.load(encoding)
        if vocabulary is None:
            raise _unreadable(param)
        return tuple(_text(vocabulary, entry, encoding, param) for entry in inputs)


def encoding_of(model: str) -> str:
    """Return the encoding that OpenAI's tokeniser gives a model's name."""
    return "o200k_base" if model.startswith(_NEWER) else "cl100k_base"


def _text(vocabulary: Vocabulary, entry: str | Sequence[int], encoding: str, param: str) -> str:
    if isinstance(entry, str):
        return entry
    try:
        return vocabulary.text(entry)
    except KeyError as error:
        message = f"'{param}' holds a token that is not one of the encoding '{encoding}'."
        raise InvalidRequestError(message, code="invalid_token", param=param) from error


def _unreadable(param: str) -> InvalidRequestError:
    message = (
        f"'{param}' holds tokens, and this server has no vocabulary to read them with: send text "
        "(in LangChain's OpenAIEmbeddings set check_embedding_ctx_length=False), or have the "
        "package bpe-openai installed beside the server."
    )
    return InvalidRequestError(message, code="tokens_not_supported", param=param)
