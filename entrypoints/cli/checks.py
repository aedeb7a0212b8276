"""What ``doctor`` looks at in this machine; each check returns what it found."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import getproxies_environment, proxy_bypass

import msgspec

from entrypoints.cli import background, listening
from entrypoints.cli.open_files import most, needed
from entrypoints.settings.addresses import bracketed

if TYPE_CHECKING:
    from entrypoints.settings import Settings

_GIB = 1024**3
# What a file of responses may grow to unless told otherwise.
_USUAL_STORE_BYTES = 2 * _GIB


class State(StrEnum):
    """How well something is; only what is broken keeps the service from working."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a check found, and how to mend it where that is needed."""

    check: str
    state: State
    found: str
    mend: str = ""


def python() -> Finding:
    """Which Python runs this."""
    version = f"{platform.python_version()} at {Path(sys.executable)}"
    return Finding("Python", State.OK, version)


def bad_settings(problems: list[str]) -> list[Finding]:
    """Settings that cannot be used."""
    mend = "correct it in the environment or in .env"
    return [Finding("Settings", State.BROKEN, problem, mend) for problem in problems]


def good_settings() -> Finding:
    """Settings that can be used."""
    return Finding("Settings", State.OK, "with .env" if Path(".env").is_file() else "no .env here")


def address(settings: Settings) -> Finding:
    """Whether the service can listen where it should."""
    place = f"{bracketed(settings.host)}:{settings.port}"
    try:
        listening.check(settings.host, settings.port)
    except OSError as error:
        return _not_free(place, settings, error)
    return Finding("Address", State.OK, f"{place} is free")


def _not_free(place: str, settings: Settings, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        if background.answers(background.own_url(settings)):
            return Finding("Address", State.OK, f"the service runs at {place}")
        mend = f"stop it, or choose another: local-chat serve --port {next_port(settings)}"
        return Finding("Address", State.BROKEN, f"another program listens at {place}", mend)
    if error.errno == errno.EACCES:
        mend = "ports below 1024 need rights; choose another: local-chat serve --port 8000"
        return Finding("Address", State.BROKEN, f"{place} may not be used", mend)
    mend = "set HOST to an address of this machine: 127.0.0.1 for it alone, 0.0.0.0 for all"
    return Finding("Address", State.BROKEN, f"{place} is no address of this machine", mend)


def next_port(settings: Settings) -> int:
    """Return a port that is likely to be free where the service's own is not."""
    return settings.port % 65535 + 1


def disk(settings: Settings) -> Finding:
    """Whether the file of responses can be written, and grow."""
    path = settings.store_path.absolute()
    # What there is of the way to it.
    place = next(it for it in (path, *path.parents) if it.exists())
    mend = "set RESPONSE_STORE to a file elsewhere, or to memory"
    if not os.access(place, os.W_OK):
        return Finding("Responses", State.BROKEN, f"{place} cannot be written", mend)
    free = shutil.disk_usage(place).free
    most = settings.response_store_bytes or _USUAL_STORE_BYTES
    found = f"{settings.store_path}, {free / _GIB:.1f} GiB free"
    if free < most:
        mend = f"they may take {most / _GIB:.1f} GiB; make room, or set RESPONSE_STORE_BYTES"
        return Finding("Responses", State.NOTE, found, mend)
    return Finding("Responses", State.OK, found)


def proxies() -> Finding:
    """Whether clients here would ask a proxy for this very machine."""
    kinds = sorted({"http", "https", "all"} & getproxies_environment().keys())
    if not kinds:
        return Finding("Proxy", State.OK, "none is set")
    names = ", ".join(f"{kind.upper()}_PROXY" for kind in kinds)
    if all(proxy_bypass(host) for host in ("localhost", "127.0.0.1")):
        return Finding("Proxy", State.OK, f"{names}, but not for this machine")
    mend = "export NO_PROXY=localhost,127.0.0.1, or clients ask the proxy for this service"
    return Finding("Proxy", State.NOTE, f"{names} for every address", mend)


def open_files(settings: Settings) -> Finding:
    """Whether enough files may be open for the answers that may run or wait."""
    limit = most()
    if limit is None:
        return Finding("Open files", State.OK, "no limit")
    wanted = needed(settings)
    if limit < wanted:
        mend = f"ulimit -n {max(wanted, 4096)} before the service starts"
        answers = settings.max_concurrency + settings.max_queue
        found = f"at most {limit}; {answers} requests at a time need {wanted}"
        return Finding("Open files", State.NOTE, found, mend)
    return Finding("Open files", State.OK, f"at most {limit}")
