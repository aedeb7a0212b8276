"""What a line of the key file means, and what is told of one that means nothing."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.key_lines import added, parse, parse_line, render, without
from domain.keys import Key, KeyLimits, digest, owner_of_key, owner_of_name

PLAIN = "zebra-0123456789-abcdef"
HEX = hashlib.sha256(PLAIN.encode()).hexdigest()


def problems(text: str) -> tuple[str, ...]:
    return parse(text).problems


def test_a_plain_key_and_its_digest_are_the_same_key() -> None:
    plain, hashed = parse_line(PLAIN), parse_line(f"sha256:{HEX.upper()}")

    assert plain == Key(digest(PLAIN.encode()), owner_of_key(PLAIN.encode()))
    # Whose it is shows once it is used.
    assert hashed == Key(digest(PLAIN.encode()), None)


def test_a_name_owns_and_a_key_does_not() -> None:
    plain, hashed = parse_line(f"{PLAIN} name=alice"), parse_line(f"sha256:{HEX} name=alice")

    assert plain == hashed == Key(digest(PLAIN.encode()), owner_of_name("alice"), "alice")


def test_options_come_in_any_order_and_comments_after_them() -> None:
    line = (
        f"  sha256:{HEX}  models=llama3.2,qwen3:8b tokens_per_minute=9 name=a.b-c_1"
        " concurrency=2\trequests_per_minute=60 # for the tests, until=June\r"
    )

    read = parse_line(line)

    assert read is not None
    assert (read.name, read.limits) == (
        "a.b-c_1",
        KeyLimits(60, 9, 2, ("llama3.2", "qwen3:8b")),
    )


@pytest.mark.parametrize("line", ["", "   ", "# a comment", "  #x", "\r"])
def test_what_is_empty_or_a_comment_is_no_key(line: str) -> None:
    assert parse_line(line) is None


def test_an_owner_by_name_is_never_one_by_key() -> None:
    assert owner_of_name(PLAIN) != owner_of_key(PLAIN.encode())


AFTER = (
    "line 1: after the key come name=..., requests_per_minute=..., tokens_per_minute=..., "
    "concurrency=..., models=..."
)
COUNT = "is a whole number from 1 to 999999999"
NAME = "line 1: a name is 1 to 64 letters, digits, '.', '_' and '-', and does not begin with 'sk-'"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("short", "line 1: a key has 16 characters or more; shorter ones can be guessed"),
        ("sha256:", "line 1: after 'sha256:' come 64 hexadecimal digits"),
        (f"sha256:{HEX}0", "line 1: after 'sha256:' come 64 hexadecimal digits"),
        (f"sha256:{'g' * 64}", "line 1: after 'sha256:' come 64 hexadecimal digits"),
        (f"{PLAIN} {PLAIN}", AFTER),
        (f"{PLAIN} rpm=3", AFTER),
        (f"{PLAIN} Name=a", AFTER),
        (f"name=alice {PLAIN}", "line 1: a line begins with its key"),
        ("requests_per_minute=100", "line 1: a line begins with its key"),
        (f"{PLAIN} concurrency=1 concurrency=1", "line 1: concurrency is given twice"),
        (f"{PLAIN} concurrency=0", f"line 1: concurrency {COUNT}"),
        (f"{PLAIN} concurrency=-1", f"line 1: concurrency {COUNT}"),
        (f"{PLAIN} requests_per_minute=1.5", f"line 1: requests_per_minute {COUNT}"),
        (f"{PLAIN} requests_per_minute=", f"line 1: requests_per_minute {COUNT}"),
        (f"{PLAIN} tokens_per_minute=1000000000", f"line 1: tokens_per_minute {COUNT}"),
        (f"{PLAIN} models=", "line 1: models are names with commas between them"),
        (f"{PLAIN} models=a,,b", "line 1: models are names with commas between them"),
        (f"{PLAIN} name=", NAME),
        (f"{PLAIN} name={'n' * 65}", NAME),
        (f"{PLAIN} name=sk-local-0123", NAME),
        (f"{PLAIN} name={PLAIN}", NAME),
        (f"{PLAIN} name=a/b", NAME),
    ],
)
def test_a_bad_line_is_told_by_number_and_never_quoted(line: str, problem: str) -> None:
    assert problems(line) == (problem,)
    assert "zebra" not in problem


def test_all_problems_are_told_and_the_good_lines_are_known() -> None:
    lines = parse(f"# keys\nshort\n{PLAIN} name=a\n\nsha256:{HEX}\nx" + "y" * 20 + " models=\n")

    assert lines.problems == (
        "line 2: a key has 16 characters or more; shorter ones can be guessed",
        "line 5: the same key is on line 3",
        "line 6: models are names with commas between them",
    )
    assert list(lines.keys) == [3]


def test_keys_of_one_name_have_the_same_limits() -> None:
    first, second = f"{PLAIN} name=a concurrency=1", f"{PLAIN}-2 name=a"

    assert problems(f"{first}\n{second} concurrency=1") == ()
    assert problems(f"{first}\n{second}") == (
        "line 2: the keys of one name have the same limits; line 1 has others",
    )


@given(st.text(max_size=300))
def test_any_text_is_read_and_none_of_it_is_told(text: str) -> None:
    marked = "\n".join(f"{line} zebra" for line in text.split("\n"))

    assert all("zebra" not in problem for problem in problems(marked))


COUNTS = st.none() | st.integers(1, 999_999_999)


def key(plain: bytes, name: str | None, limits: KeyLimits) -> Key:
    return Key(digest(plain), None if name is None else owner_of_name(name), name, limits)


KEYS = st.builds(
    key,
    st.binary(),
    st.none() | st.from_regex(r"[a-z0-9][A-Za-z0-9._]{0,63}", fullmatch=True),
    st.builds(
        KeyLimits,
        COUNTS,
        COUNTS,
        COUNTS,
        st.lists(st.from_regex(r"[a-z0-9.:/-]{1,20}", fullmatch=True), max_size=3).map(tuple),
    ),
)


@given(KEYS)
def test_a_key_is_read_as_it_was_written(written: Key) -> None:
    assert parse_line(render(written)) == written


@given(st.text(max_size=200), KEYS)
def test_a_new_line_leaves_the_others_alone(text: str, new: Key) -> None:
    before, _, after = added(text, new).rpartition(render(new))

    assert before == (text if not text or text.endswith("\n") else f"{text}\n")
    assert after == "\n"


def test_a_name_goes_and_everything_else_stays() -> None:
    text = f"# team\r\n{PLAIN} name=a\nbroken line\n\n{PLAIN}-2 name=b # until June\n{PLAIN}-3"

    assert without(text, "a") == text.replace(f"{PLAIN} name=a\n", "")
    assert without(text, "b") == text.replace(f"{PLAIN}-2 name=b # until June\n", "")
    assert without(text, "c") == text
