from __future__ import annotations

import re
from pathlib import Path

from entrypoints.settings import Settings, load

FILE = Path(__file__).parents[2] / ".env.example"
SETTING = re.compile(r"# ([A-Z_]+)=(\S*)(?:\s+#.*)?")


def described() -> dict[str, str]:
    """Return the defaults that the file gives, by the names of their settings."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    found = (SETTING.fullmatch(line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def test_every_setting_is_described_and_nothing_else() -> None:
    assert sorted(described()) == sorted(name.upper() for name in Settings.__struct_fields__)


def test_the_defaults_are_those_of_the_code() -> None:
    assert load(described()) == Settings()


def test_copying_the_file_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_bytes(FILE.read_bytes())

    assert load({}, copy) == Settings()
    assert all(
        not line or line.startswith("#") for line in FILE.read_text(encoding="utf-8").splitlines()
    )
