"""How the fields of Embeddings are supported."""

from __future__ import annotations

from entrypoints.http.openai.support import Table, accepted, emulated, honoured

# Hints that other services take; no model here can be told them.
HARMLESS = ("input_type", "litellm_metadata", "priority", "task")

FIELDS: Table = {
    "input": honoured("a text, up to 2,048 of them, or tokens of OpenAI's vocabularies"),
    "model": honoured("`DEFAULT_MODEL` where it is left out"),
    "encoding_format": emulated("`float` or `base64`, the same floats of 32 bits"),
    "dimensions": honoured("up to those that the model has; the vectors have length 1 again"),
    "user": accepted(),
    "options": honoured("Ollama's parameters by their own names: `num_ctx`, ..."),
    "keep_alive": honoured("by Ollama; the embedded model stays loaded"),
    "truncate": honoured("lets an input over the context be cut; else it is refused"),
    **{name: accepted("`x-ignored-parameters` names it") for name in HARMLESS},
}
