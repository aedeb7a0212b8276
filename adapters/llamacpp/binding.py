"""The part of xllamacpp that is used, with types; the package itself has none."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from adapters.llamacpp import openmp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A prompt is read in batches of this many tokens, and a request can be stopped between two of
# them. Measured on a processor, 64 to 256 read no slower than llama.cpp's own 512.
_BATCH = 128

_LONGEST_TEXT = 2048

_MIB_FOR_OLD_PROMPTS = 0


class Server(Protocol):
    """llama.cpp's server loop on threads of its own; dropping the last reference ends it."""

    listening_address: str

    def handle_chat_completions(self, request: bytes, callback: Callable[[bytes], bool]) -> None:
        """Answer on the calling thread, without its GIL, until the callback returns True."""
        ...

    def handle_completions(self, request: bytes, callback: Callable[[bytes], bool]) -> None:
        """Go on with a bare prompt, in the same manner."""
        ...

    def handle_embeddings(self, request: bytes) -> bytes:
        """Return the answer, which may be an error."""
        ...


class _Library(Protocol):
    def CommonParams(self) -> Any: ...  # noqa: ANN401, N802 - a class of fields; no stubs exist

    def Server(self, params: Any) -> Server: ...  # noqa: ANN401, N802 - a class; no stubs exist

    llama_pooling_type: Any


def load(  # noqa: PLR0913 - each is a setting of the engine
    path: Path, name: str, key: str, *, threads: int, slots: int, context: int, template: str = ""
) -> Server:
    """Load a model and return the running server.

    Args:
        path: the model's GGUF file.
        name: what the server calls the model.
        key: what its HTTP listener asks for; llama.cpp's server cannot be had without one.
        threads: threads that compute. They spin: more than half the cores is a trap.
        slots: answers generated at a time.
        context: tokens of each slot.
        template: of chats, in Jinja; the model's own where it is empty.

    Raises:
        ImportError: the package is not installed.
        Exception: anything that the engine refuses.
    """
    library = _library()
    params = _params(library, path, name, key, threads)
    params.n_ctx = context * slots
    params.n_parallel = slots
    params.n_batch = _BATCH
    params.n_ubatch = _BATCH
    params.chat_template = template
    return library.Server(params)


def load_embedder(
    path: Path, name: str, key: str, *, threads: int, context: int, pools: bool
) -> Server:
    """Load a model to make vectors with and return the running server.

    Args:
        path: the model's GGUF file.
        name: what the server calls the model.
        key: what its HTTP listener asks for.
        threads: threads that compute.
        context: most tokens of a text, up to 2,048.
        pools: the model knows how to make one vector of many; else it is their mean.

    Raises:
        ImportError: the package is not installed.
        Exception: anything that the engine refuses.
    """
    library = _library()
    params = _params(library, path, name, key, threads)
    params.embedding = True
    if not pools:
        params.pooling_type = library.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.n_ctx = context
    params.n_parallel = 1
    # A text is read in one batch. Each token of it takes room for a value of every word.
    params.n_batch = min(context, _LONGEST_TEXT)
    params.n_ubatch = params.n_batch
    return library.Server(params)


def _library() -> _Library:
    # Not imported above: the library is 100 MB that only this engine's users should pay for.
    try:
        library = importlib.import_module("xllamacpp")
    except ImportError as error:
        if openmp.NAME not in str(error) or not openmp.preload():
            raise
        library = importlib.import_module("xllamacpp")
    return cast("_Library", library)


def _params(library: _Library, path: Path, name: str, key: str, threads: int) -> Any:  # noqa: ANN401 - a class of fields; no stubs exist
    params = library.CommonParams()
    params.model.path = str(path)
    params.model_alias = {name}
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = _MIB_FOR_OLD_PROMPTS
    # It would shorten the context in silence where memory is short.
    params.fit_params = False
    # A last turn of the assistant is a turn, as everywhere in OpenAI's API, not a beginning.
    params.prefill_assistant = False
    # Level 1 prints every refused request on standard error.
    params.verbosity = 0
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.ui = False
    params.endpoint_slots = False
    return params
