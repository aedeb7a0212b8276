"""The embedded engine on a system without an OpenMP library of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from adapters.llamacpp import openmp

# The system's library, where there is one, would be found only by a search; a loaded one is not
# searched for. So the engine runs on the copy if it is the only one in the process.
PROGRAM = """
from pathlib import Path
from adapters.llamacpp import openmp

assert openmp.preload()
import xllamacpp
maps = Path("/proc/self/maps").read_text().splitlines()
print({line.split()[5] for line in maps if "libgomp" in line})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's engine needs libgomp")
def test_the_engine_takes_the_copy_of_the_package() -> None:
    done = subprocess.run(  # noqa: S603 - a program of this file
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "{'/memfd:libgomp.so.1'}"


def test_without_the_package_there_is_no_copy() -> None:
    assert not openmp.preload(package="no-such-package")
