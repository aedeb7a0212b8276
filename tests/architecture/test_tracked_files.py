"""What is kept says nothing of the machine that it was written on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Homes and work folders of people and machines; places that exist everywhere are none of them.
PLACES = re.compile(rb"(?<![\w.:/-])/(?:work|home|Users|root/\.\w+|mnt|tmp/\w+)/[\w.-]+")
# A lock that names an index binds everyone to it.
INDEXES = re.compile(
    rb"--(?:extra-)?index-url|--trusted-host|--find-links|\"resolved\":|registry="
    rb"|https?://[^\s\"'<>]+(?:/simple/|\.whl|\.tgz|\.tar\.gz)"
)
# Tests of what must not leak name such places; transcripts are another's words.
ALLOWED = ("tests/",)
GIT = shutil.which("git") or "git"


def tracked() -> list[Path]:
    command = (GIT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603 - git
    if listed.returncode:
        pytest.skip("not a clone")
    names = [name.decode() for name in listed.stdout.split(b"\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def findings(pattern: re.Pattern[bytes]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {match[0].decode()}"
        for file in tracked()
        if not str(file.relative_to(ROOT)).startswith(ALLOWED)
        for match in pattern.finditer(file.read_bytes())
    ]


def test_no_file_names_a_place_on_one_machine() -> None:
    assert findings(PLACES) == []


def test_no_file_names_a_package_index() -> None:
    assert findings(INDEXES) == []


def test_every_pinned_requirement_has_a_hash() -> None:
    unhashed = re.compile(rb"^[\w.\[\],-]+==\S+$", re.MULTILINE)

    assert [text for text in findings(unhashed) if ".txt: " in text] == []
