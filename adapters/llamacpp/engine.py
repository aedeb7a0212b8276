"""The engine as threads see it: loaded once, asked by many."""

from __future__ import annotations

import http.client
import threading
from typing import TYPE_CHECKING

import msgspec

from adapters.llamacpp import binding, errors, marks, model_file, preset, wire
from domain.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from application.ports.system import IdPort

_PROPS_TIMEOUT_S = 10


class Engine:
    """One model in this process. Every method may be called from any thread; all may block.

    Args:
        ids: makes the key of the HTTP listener that llama.cpp insists on.
        model_path: a GGUF file; None for the bundled model.
        threads: threads that compute.
        slots: answers generated at a time.
        context_length: tokens of one answer with its prompt; llama.cpp rounds it up to a
            multiple of 256, and down to what the model was trained on.

    Attributes:
        marks: the model's own for a hole in a text, once it is loaded.
    """

    def __init__(
        self, ids: IdPort, model_path: Path | None, *, threads: int, slots: int, context_length: int
    ) -> None:
        self.name = model_file.model_name(model_path)
        self.context_length = context_length
        self.marks: marks.Marks | None = None
        self._path = model_path
        self._key = ids.new("")
        self._threads = threads
        self._slots = slots
        self._lock = threading.Lock()
        self._server: binding.Server | None = None
        self._stopping = False

    @property
    def loaded(self) -> bool:
        """Whether ``load`` would return at once."""
        return self._server is not None and not self._stopping

    @property
    def listening_address(self) -> str | None:
        """Where llama.cpp's own HTTP server listens, behind its key; None while not loaded."""
        return self._server.listening_address if self._server is not None else None

    def load(self) -> binding.Server:
        """Return the running engine; the first call loads the model.

        Raises:
            UpstreamUnavailableError: the model cannot be loaded, or the engine is stopping.
        """
        with self._lock:
            if self._stopping:
                raise errors.stopping()
            if self._server is None:
                self._server = self._start()
            return self._server

    def generate(
        self, request: bytes, take: Callable[[bytes], bool], *, bare: bool = False
    ) -> None:
        """Answer ``request``, giving each chunk to ``take`` until that returns True.

        With ``bare``, it holds a prompt that no chat template touches.

        Raises:
            InvalidRequestError: the engine refuses the request.
            UpstreamError: the engine failed, or is stopping.
        """
        server = self.load()
        handle = server.handle_completions if bare else server.handle_chat_completions
        try:
            handle(request, lambda data: self._stopping or take(data))
        except Exception as error:
            # Any C++ exception arrives, and each as another of Python's.
            raise errors.raised(error) from error
        if self._stopping:
            raise errors.stopping()

    def stop(self) -> None:
        """End every answer at its next chunk, and let none begin; does not wait."""
        self._stopping = True

    def close(self) -> None:
        """Free the model; every ``generate`` must have returned."""
        self.stop()
        with self._lock:
            self._server = None

    def _start(self) -> binding.Server:
        try:
            server = self._run(model_file.locate(self._path))
            self.context_length = self._true_context(server)
        except ServiceError:
            raise
        except Exception as error:
            raise errors.load_failed(error) from error
        return server

    def _run(self, path: Path) -> binding.Server:
        self.marks = marks.read(path)
        return binding.load(
            path,
            self.name,
            self._key,
            threads=self._threads,
            slots=self._slots,
            context=self.context_length,
            template="" if self._path else preset.TEMPLATE,
        )

    def _true_context(self, server: binding.Server) -> int:
        # The binding does not tell; the listener does.
        address = server.listening_address.removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=_PROPS_TIMEOUT_S)
        try:
            connection.request("GET", "/props", headers={"Authorization": f"Bearer {self._key}"})
            props = msgspec.json.decode(connection.getresponse().read(), type=wire.Props)
        finally:
            connection.close()
        return props.default_generation_settings.n_ctx


class EmbeddingEngine(Engine):
    """The same model once more, set up to make vectors instead of text."""

    def embed(self, request: bytes) -> bytes:
        """Return the engine's answer to ``request``, which may be an error.

        Raises:
            UpstreamError: the engine failed, or is stopping.
        """
        server = self.load()
        try:
            return server.handle_embeddings(request)
        except Exception as error:
            raise errors.raised(error) from error

    def _run(self, path: Path) -> binding.Server:
        return binding.load_embedder(
            path,
            self.name,
            self._key,
            threads=self._threads,
            context=self.context_length,
            pools=model_file.pools(path),
        )
