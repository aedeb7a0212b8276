"""Units come back evenly, and nobody gets more than there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rates import Rate

LIMITS = st.integers(1, 100_000)
PAUSES = st.floats(0, 120, allow_nan=False)


def test_a_minutes_worth_may_be_used_at_once() -> None:
    rate = Rate(3)

    for left in (3, 2, 1):
        assert (rate.left(100.0), rate.ready_s(100.0)) == (left, 0)
        rate.take(1, 100.0)

    assert (rate.left(100.0), rate.ready_s(100.0), rate.full_s(100.0)) == (0, 20, 60)


def test_units_come_back_one_after_the_other() -> None:
    rate = Rate(60)
    rate.take(60, 0.0)

    assert [rate.left(now) for now in (0.0, 0.5, 1.0, 2.5, 60.0, 600.0)] == [0, 0, 1, 2, 60, 60]


def test_what_is_owed_comes_back_first() -> None:
    rate = Rate(60)
    rate.take(180, 0.0)

    assert (rate.left(0.0), rate.left(120.0), rate.left(121.0)) == (0, 0, 1)
    assert (rate.ready_s(0.0), rate.full_s(0.0)) == (121, 180)


def test_what_was_taken_too_much_is_given_back() -> None:
    rate = Rate(100)
    rate.take(80, 0.0)
    rate.take(-50, 0.0)

    assert rate.left(0.0) == 70


def test_no_more_comes_back_than_there_was() -> None:
    rate = Rate(100)
    rate.take(10, 0.0)
    rate.take(-500, 0.0)

    assert rate.left(0.0) == 100
    rate.take(1, 0.0)
    assert rate.left(0.0) == 99


@pytest.mark.parametrize(
    ("used", "after", "left", "ready_s", "full_s"),
    [
        (30, 120, 90, 0, 15),
        (60, 120, 60, 0, 30),
        (90, 120, 30, 0, 45),
        (30, 40, 10, 0, 45),
        # All of what there is now, and no more.
        (30, 30, 0, 2, 60),
        (30, 6, 0, 10, 60),
        # What was owed before stays so.
        (90, 30, 0, 32, 90),
        (0, 6, 6, 0, 0),
    ],
)
def test_what_was_used_stays_used_under_another_limit(
    used: int, after: int, left: int, ready_s: float, full_s: float
) -> None:
    rate = Rate(60)
    rate.take(used, 1e6)
    rate.change(after, 1e6)

    assert (rate.left(1e6), rate.full_s(1e6)) == (left, full_s)
    assert rate.ready_s(1e6) == pytest.approx(ready_s)


@given(LIMITS, LIMITS, st.integers(0, 200_000))
def test_no_other_limit_gives_back_what_was_used(before: int, after: int, used: int) -> None:
    rate = Rate(before)
    rate.take(used, 0.0)
    owed_s = rate.full_s(0.0)
    rate.change(after, 0.0)

    assert rate.left(0.0) == max(0, after - used)
    assert rate.full_s(0.0) <= max(60.0, owed_s)


@given(LIMITS, st.lists(PAUSES, min_size=1, max_size=200))
def test_no_stretch_of_time_sees_more_than_it_may(limit: int, pauses: list[float]) -> None:
    rate, now = Rate(limit), 1e6
    taken: list[float] = []
    for pause in pauses:
        now += pause / limit
        if not rate.ready_s(now):
            rate.take(1, now)
            taken.append(now)

    for start, first in enumerate(taken):
        for end in range(start, len(taken)):
            may = limit + (taken[end] - first) * limit / 60
            assert end - start + 1 <= may + 0.01


@given(LIMITS, st.integers(0, 1_000_000), st.floats(0, 1e7, allow_nan=False))
def test_whoever_waits_as_told_gets_one(limit: int, used: int, now: float) -> None:
    rate = Rate(limit)
    rate.take(used, now)

    later = now + rate.ready_s(now)

    assert rate.ready_s(later) == 0
    assert rate.left(now + rate.full_s(now)) == limit


@given(LIMITS, st.lists(st.tuples(st.integers(-50, 50), PAUSES), max_size=100))
def test_there_is_never_less_than_none_nor_more_than_all(
    limit: int, steps: list[tuple[int, float]]
) -> None:
    rate, now = Rate(limit), 0.0
    for units, pause in steps:
        now += pause
        rate.take(units, now)
        assert 0 <= rate.left(now) <= limit
        assert rate.full_s(now) >= 0
        assert rate.ready_s(now) <= max(rate.full_s(now), 0)


@pytest.mark.parametrize("limit", [1, 7, 999_999_999])
def test_one_is_left_exactly_when_one_is_ready(limit: int) -> None:
    rate = Rate(limit)
    rate.take(limit, 1e6)

    assert rate.left(1e6) == 0
    assert rate.left(1e6 + rate.ready_s(1e6)) <= 1
