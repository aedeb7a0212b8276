"""What `.env.example` says of each setting, for the help of the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).parents[2] / ".env.example"
_SECTION = re.compile(r"# --- (.+?) -+")
_SETTING = re.compile(r"# ([A-Z_]+)=\S*(?:\s+# (.*))?")
_MORE = re.compile(r"#\s{8,}# (.*)")


class Explanation(NamedTuple):
    """The section that a setting is in, and its sentence; both empty where there is no file."""

    section: str = ""
    text: str = ""


def read() -> dict[str, Explanation]:
    """Return the explanations by the names of their settings."""
    found: dict[str, Explanation] = {}
    section = name = ""
    for line in _FILE.read_text(encoding="utf-8").splitlines() if _FILE.is_file() else ():
        if match := _SECTION.fullmatch(line):
            section = match[1]
        elif match := _SETTING.fullmatch(line):
            name = match[1]
            found[name] = Explanation(section, match[2] or "")
        elif (match := _MORE.fullmatch(line)) and name:
            found[name] = Explanation(section, f"{found[name].text} {match[1]}".lstrip())
    return found
