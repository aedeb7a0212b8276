"""GET and DELETE /v1/models for the OpenAPI document."""

from __future__ import annotations

from entrypoints.http.openai.models import wire
from entrypoints.http.openai.operations import Content, operation

_MODEL: dict[str, object] = {
    "id": "llama3.2:latest",
    "object": "model",
    "created": 1_700_000_000,
    "owned_by": "library",
    "context_length": 131072,
    "embedding_length": 3072,
    "capabilities": ["completion", "tools"],
    "quantization": "Q4_K_M",
    "parameter_size": "3.2B",
    "loaded": True,
}

LIST = operation("models", Content(wire.ModelList, {"One": {"object": "list", "data": [_MODEL]}}))

RETRIEVE = operation("models", Content(wire.Model, {"A model": _MODEL}))

DELETE = operation(
    "models",
    Content(
        wire.DeletedModel,
        {"Gone": {"id": "llama3.2:latest", "object": "model", "deleted": True}},
    ),
)
