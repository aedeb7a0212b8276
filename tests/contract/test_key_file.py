"""The file that keys are kept in, on a real disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from adapters.key_file import KeyFile
from application.ports.keys import KeyFileError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_what_is_written_is_read(path: Path) -> None:
    file = KeyFile(path)
    file.edit(lambda text: f"{text}one\n")
    file.edit(lambda text: f"{text}zwei: ß\n")

    assert file.read() == "one\nzwei: ß\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_mark_at_the_begin_is_no_part_of_the_text(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbfone\n")

    assert KeyFile(path).read() == "one\n"


def test_the_stamp_changes_with_the_file(path: Path) -> None:
    file = KeyFile(path)
    before = file.stamp()
    path.write_text("one")
    first = file.stamp()
    path.write_text("other")
    second = file.stamp()

    assert before is None
    assert len({first, second}) == 2
    assert file.stamp() == second


@pytest.mark.parametrize(
    ("mode", "private"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False)]
)
def test_whether_others_may_read_it_is_known(path: Path, mode: int, private: bool) -> None:  # noqa: FBT001 - a case
    path.write_text("one")
    path.chmod(mode)

    assert KeyFile(path).is_private() is private


def test_an_edit_makes_an_open_file_private(path: Path) -> None:
    path.write_text("one")
    path.chmod(0o644)
    KeyFile(path).edit(str.upper)

    assert (path.read_text(), path.stat().st_mode & 0o777) == ("ONE", 0o600)


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("one")
    path.symlink_to(real)
    KeyFile(path).edit(str.upper)

    assert path.is_symlink()
    assert real.read_text() == "ONE"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_an_edit_by_root_leaves_the_file_to_its_owner(path: Path) -> None:
    path.write_text("one")
    os.chown(path, 4321, 1234)
    KeyFile(path).edit(str.upper)

    found = path.stat()
    assert (found.st_uid, found.st_gid, path.read_text()) == (4321, 1234, "ONE")


def test_an_edit_that_fails_changes_nothing(path: Path) -> None:
    path.write_text("one")

    def refuse(_text: str) -> str:
        raise LookupError

    with pytest.raises(LookupError):
        KeyFile(path).edit(refuse)

    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


def test_two_edits_at_a_time_do_not_lose_each_other(path: Path) -> None:
    file = KeyFile(path)

    def meanwhile(text: str) -> str:
        with pytest.raises(
            KeyFileError, match=r"someone else is changing it; if not, remove keys.new"
        ):
            file.edit(str.upper)
        return f"{text}mine"

    file.edit(meanwhile)

    assert path.read_text() == "mine"


def test_a_file_that_cannot_be_read_says_why_without_its_text(path: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read"):
        KeyFile(path).read()
    # Nobody reads what is not there.
    assert KeyFile(path).is_private()
    with pytest.raises(KeyFileError, match="cannot be read"):
        KeyFile(tmp_path).read()
    path.write_bytes(b"zebra\xff")
    with pytest.raises(KeyFileError, match=r"^it is not UTF-8 text$") as caught:
        KeyFile(path).read()
    assert caught.value.__cause__ is None
    path.write_bytes(b"#" * (4 * 1024 * 1024))
    assert len(KeyFile(path).read()) == 4 * 1024 * 1024
    path.write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    with pytest.raises(KeyFileError, match="larger than 4 MiB"):
        KeyFile(path).read()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be written"):
        KeyFile(tmp_path / "nowhere" / "keys").edit(str.upper)
