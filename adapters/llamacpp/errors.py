"""llama.cpp's errors to the domain's.

Its texts may hold the client's own words, schema and paths; what the caller reads is ours, but
for the place in a schema and the reason beside it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapters.engines import failures
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    ServiceError,
    UpstreamError,
    UpstreamUnavailableError,
)

if TYPE_CHECKING:
    from adapters.llamacpp import wire

_LONGEST_REASON = 200

# llama.cpp `common/json-schema-to-grammar.cpp`.
_SCHEMA = re.compile(
    r"JSON schema error at (?P<place>\S+): (?P<reason>[^\n]+)"
    r"|JSON schema conversion failed:\s*(?P<failed>[^\n]+)"
)
_TOO_LARGE = re.compile(
    r"input \((?P<tokens>\d{1,18}) tokens\) is too large .*current batch size: (?P<most>\d{1,18})"
)
_GRAMMAR = re.compile(r"failed to parse grammar|Failed to initialize samplers")
_FIELD = re.compile(r"Field '(?P<field>\w+)': (?P<reason>[^\n]+)")


def reported(failure: wire.Failure, prompt: str = "messages") -> ServiceError:
    """Return what a reported error means.

    Args:
        failure: the engine's words.
        prompt: the client's name for what the model reads.
    """
    if failure.type == "exceed_context_size_error":
        return too_long(prompt, failure.n_prompt_tokens, failure.n_ctx)
    if found := _TOO_LARGE.search(failure.message):
        return too_long(prompt, int(found["tokens"]), int(found["most"]))
    if failure.type == "unavailable_error":
        return UpstreamUnavailableError("The embedded engine is not ready; try again shortly.")
    return _known(failure.message) or failed()


def raised(error: Exception) -> ServiceError:
    """Return what an exception of the binding means."""
    return _known(str(error)) or failed()


def failed() -> UpstreamError:
    """Return the error for what nobody foresaw."""
    return UpstreamError("The embedded engine failed on this request.", code="upstream_error")


def stopping() -> UpstreamUnavailableError:
    """Return the error for a request that the engine's end cuts short."""
    return UpstreamUnavailableError("The embedded engine is stopping.")


def load_failed(error: Exception) -> UpstreamUnavailableError:
    """Return the error for an engine that does not start."""
    if isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError):
        message = f"The embedded engine cannot be loaded: {error}."
        return UpstreamUnavailableError(message, code="engine_missing")
    if isinstance(error, ImportError):
        message = "The embedded engine is not installed; install the package xllamacpp."
        return UpstreamUnavailableError(message, code="engine_missing")
    message = "The embedded engine cannot load the model; check that it is a sound GGUF file."
    return UpstreamUnavailableError(message, code="model_load_failed")


def model_not_found(model: str, only: str) -> NotFoundError:
    """Return the error for any model but the one that is loaded."""
    message = f"The model '{model}' does not exist; the embedded engine has '{only}' only."
    return NotFoundError(message, code="model_not_found", param="model")


def not_deletable() -> InvalidRequestError:
    """Return the error for a wish to delete the model."""
    message = "The embedded engine's model is a file of this machine and cannot be deleted here."
    return InvalidRequestError(message, code="model_not_deletable", param="model")


def _known(text: str) -> InvalidRequestError | None:
    if found := _SCHEMA.search(text):
        reason = found["failed"] or f"{found['place']}: {found['reason']}"
        return _schema_refused(f"The JSON Schema is refused: {reason[:_LONGEST_REASON]}.")
    if _GRAMMAR.search(text):
        return _schema_refused(
            "The JSON Schema is too large for the embedded engine, or refers to itself in a circle."
        )
    if found := _FIELD.search(text):
        message = f"{found['field']} is refused: {found['reason'][:_LONGEST_REASON]}."
        return InvalidRequestError(message, code="invalid_value", param=found["field"])
    return None


def too_long(prompt: str, tokens: int | str, most: int) -> InvalidRequestError:
    """Return the error for a prompt of so many tokens where there is room for ``most``."""
    longer = "Shorten it, or give the embedded engine a longer context (EMBEDDED_CONTEXT)."
    return failures.too_long(prompt, tokens, most, mend=longer)


def _schema_refused(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, code="invalid_json_schema", param="response_format")
