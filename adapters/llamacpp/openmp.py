"""llama.cpp's OpenMP library, for systems that have none of their own."""

from __future__ import annotations

import ctypes
import os
from importlib import metadata
from pathlib import Path

# What the engine's library asks the system for. Slim images of Linux do not have it.
NAME = "libgomp.so.1"

_PACKAGE = "pykdtree"


def preload(*, package: str = _PACKAGE) -> bool:
    """Load the copy of libgomp that ``package`` brings; return False where it brings none.

    Packages rename the copies that they bring, and the linker goes by the name within the file:
    the copy is given its first name again, in memory.
    """
    copy = _copy(package)
    if copy is None:
        return False
    data = copy.read_bytes()
    renamed = copy.name.encode() + b"\0"
    file = os.memfd_create(NAME)
    try:
        with open(file, "wb", closefd=False) as memory:
            memory.write(data.replace(renamed, NAME.encode().ljust(len(renamed), b"\0")))
        ctypes.CDLL(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
    return True


def _copy(package: str) -> Path | None:
    # The package is never imported; only its file is wanted.
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.name.startswith("libgomp"))
    return next(found, None)
