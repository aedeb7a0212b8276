"""How the fields of Responses are supported."""

from __future__ import annotations

# What frameworks send for services of their own; leaving it out changes no answer.
HARMLESS = (
    "access_programs",
    "background_options",
    "image",
    "litellm_metadata",
    "provider",
    "session_id",
    "tags",
    "trace_id",
)
