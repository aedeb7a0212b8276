"""LangChain's public standard tests on ``OpenAIEmbeddings``, which is told to send text.

By itself it sends tokens, for which it wants to download a vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_openai import OpenAIEmbeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings


class TestStandard(EmbeddingsIntegrationTests):
    """Vectors in base64, as the SDK beneath asks for them."""

    @property
    def embeddings_class(self) -> type[Embeddings]:
        return OpenAIEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "embedder", "check_embedding_ctx_length": False}
