"""Whose keys are whose, today and after a change; with a real file."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest

from adapters.key_file import KeyFile
from application.account import Accounts
from application.keyring import KeyRing, Loaded
from domain.keys import owner_of_key, owner_of_name
from tests.support.fake_system import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

FIXED = "a-fixed-key"
PLAIN = b"zebra-0123456789-abcdef"
OTHER = b"other-0123456789-abcdef"
HASHED = f"sha256:{hashlib.sha256(PLAIN).hexdigest()}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def ring_of(path: Path | None) -> KeyRing:
    file = None if path is None else KeyFile(path)
    ring = KeyRing((FIXED,), file, {}, Accounts(FixedClock(), 60))
    ring.reload()
    return ring


def owner(ring: KeyRing, key: bytes) -> str | None:
    caller = ring.find(key)
    return None if caller is None else caller.owner


def test_without_a_file_there_is_nothing_to_read_anew() -> None:
    ring = ring_of(None)

    assert not ring.has_changed()
    assert ring.reload() == Loaded(0, private=True)
    assert owner(ring, FIXED.encode()) == owner_of_key(FIXED.encode())


def test_fixed_keys_and_those_of_the_file_add_up(path: Path) -> None:
    path.write_text(f"{PLAIN.decode()} name=alice\n")
    ring = ring_of(path)

    assert owner(ring, FIXED.encode()) == owner_of_key(FIXED.encode())
    assert owner(ring, PLAIN) == owner_of_name("alice")
    assert ring.find(OTHER) is None


def test_keys_of_old_keep_their_owner(path: Path) -> None:
    # As it has been derived since responses are kept.
    known = hashlib.blake2b(PLAIN, digest_size=16, person=b"owner").hexdigest()
    path.write_text(PLAIN.decode())
    plain = owner(ring_of(path), PLAIN)
    path.write_text(HASHED)
    hashed = owner(ring_of(path), PLAIN)

    assert plain == hashed == known
    assert owner(KeyRing((PLAIN.decode(),), None, {}, Accounts(FixedClock(), 60)), PLAIN) == known


def test_another_key_of_the_same_name_has_the_same_owner_and_limits(path: Path) -> None:
    limits = "name=alice requests_per_minute=2"
    path.write_text(f"{PLAIN.decode()} {limits}\n{OTHER.decode()} {limits}\n")
    ring = ring_of(path)
    first, second = ring.find(PLAIN), ring.find(OTHER)

    assert first is not None
    assert second is not None
    assert first.owner == second.owner
    assert first.allowance is second.allowance is not None
    assert first.name == second.name == "alice"


def test_keys_without_a_name_do_not_use_what_another_may(path: Path) -> None:
    path.write_text("".join(f"{key.decode()} concurrency=1\n" for key in (PLAIN, OTHER)))
    ring = ring_of(path)
    first, second = ring.find(PLAIN), ring.find(OTHER)

    assert first is not None
    assert second is not None
    assert first.allowance is not second.allowance


def test_a_change_is_seen_and_keys_come_and_go(path: Path) -> None:
    path.write_text(PLAIN.decode())
    ring = ring_of(path)
    gone = ring.find(PLAIN)
    assert not ring.has_changed()

    path.write_text(OTHER.decode() + "\n")
    assert ring.has_changed()
    assert ring.reload() == Loaded(1, private=False)

    assert (ring.find(PLAIN), ring.has_changed()) == (None, False)
    assert ring.find(OTHER) is not None
    assert gone is not None
    assert not gone.valid
    assert owner(ring, FIXED.encode()) is not None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"short\n", "line 1: a key has 16 characters or more; shorter ones can be guessed"),
        (b"\xff", "it is not UTF-8 text"),
        (None, "it cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(
    path: Path, text: bytes | None, problem: str
) -> None:
    path.write_text(f"{PLAIN.decode()} concurrency=3")
    ring = ring_of(path)
    before = ring.find(PLAIN)
    path.unlink()
    if text is not None:
        path.write_bytes(text)

    assert ring.has_changed()
    assert ring.reload().problems == (problem,)
    # It is told once, not again and again.
    assert not ring.has_changed()
    assert ring.find(PLAIN) is before
    assert before is not None
    assert before.valid


def test_what_is_used_stays_used_while_the_limits_stay(path: Path) -> None:
    path.write_text(f"{PLAIN.decode()} requests_per_minute=5")
    ring = ring_of(path)
    before = ring.find(PLAIN)
    assert before is not None
    held = before.allowance
    path.write_text(f"# more\n{HASHED} requests_per_minute=5")
    ring.reload()
    assert before.allowance is held
    assert held is not None

    path.write_text(f"{HASHED} requests_per_minute=6")
    ring.reload()
    assert before.allowance is not held
    assert before.allowance is not None
    assert before.allowance.limits.requests_per_minute == 6
    assert before.allowance.account is held.account

    path.write_text(HASHED)
    ring.reload()
    # What is under way has an owner that the file alone does not tell.
    assert before.owner == owner_of_key(PLAIN)
    assert before.allowance is None


def test_of_a_key_given_twice_the_file_says_what_it_may_do(path: Path) -> None:
    path.write_text(f"{'f' * 16} name=f concurrency=1")
    ring = KeyRing(("f" * 16,), KeyFile(path), {}, Accounts(FixedClock(), 60))
    fixed = ring.find(b"f" * 16)
    ring.reload()

    assert fixed is ring.find(b"f" * 16)
    assert fixed is not None
    assert fixed.owner == owner_of_name("f")
    assert fixed.allowance is not None


def test_an_empty_file_lets_nobody_in(path: Path) -> None:
    path.write_text("# none so far\n")
    ring = KeyRing((), KeyFile(path), {}, Accounts(FixedClock(), 60))

    assert ring.closed
    assert ring.reload() == Loaded(0, private=False)
    assert ring.find(b"") is None
    assert not KeyRing((), None, {}, Accounts(FixedClock(), 60)).closed


def test_no_key_is_in_memory_as_it_is(path: Path) -> None:
    path.write_text(f"{PLAIN.decode()} name=a concurrency=1\n{OTHER.decode()}")
    ring = ring_of(path)
    ring.find(PLAIN)

    shown = repr([vars(ring), *vars(ring).values()])
    assert "zebra" not in shown
    assert "other-" not in shown
    assert FIXED not in shown


def test_every_key_is_compared_whichever_is_given(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("".join(f"{'k' * 16}{number} name=n{number}\n" for number in range(20)))
    ring = ring_of(path)
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def counting(given: bytes, known: bytes) -> bool:
        compared.append(known)
        return compare(given, known)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    counts: list[int] = []
    for key in (FIXED, f"{'k' * 16}0", f"{'k' * 16}19", "unknown", ""):
        compared.clear()
        ring.find(key.encode())
        counts.append(len(set(compared)))

    assert counts == [21] * 5
