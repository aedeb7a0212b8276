"""POST /v1/embeddings for the OpenAPI document."""

from __future__ import annotations

from entrypoints.http.openai.embeddings import wire
from entrypoints.http.openai.operations import Content, operation


def _answer(embedding: list[float] | str) -> dict[str, object]:
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
        "model": "nomic-embed-text",
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }


CREATE = operation(
    "embeddings",
    Content(
        wire.EmbeddingList,
        {"Numbers": _answer([0.6, -0.8]), "Base64": _answer("mpkZP83MTL8=")},
    ),
    body=Content(
        wire.EmbeddingsRequest,
        {
            "A text": {"input": "The sky is blue.", "model": "nomic-embed-text"},
            "Several texts, short vectors": {
                "input": ["The sky is blue.", "Grass is green."],
                "model": "nomic-embed-text",
                "dimensions": 256,
                "encoding_format": "base64",
            },
        },
    ),
)
