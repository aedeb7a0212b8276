"""When a dead model server is left alone, and for how long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.transport.circuit import Circuit


def opened(at: float = 0.0) -> Circuit:
    circuit = Circuit(failures=3, first_s=1, longest_s=4)
    for _ in range(3):
        circuit.failed(at)
    return circuit


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    circuit = Circuit(failures=3)
    states: list[bool] = []
    for outcome in "ffaffaff":
        circuit.failed(0) if outcome == "f" else circuit.answered()
        states.append(circuit.is_open)

    circuit.failed(0)

    assert not any(states)
    assert circuit.is_open


def test_a_closed_circuit_lets_everything_through() -> None:
    assert [Circuit().wait_s(now) for now in range(3)] == [0, 0, 0]


def test_an_open_circuit_says_how_long_it_is_open() -> None:
    circuit = opened(at=10)

    assert [circuit.wait_s(now) for now in (10, 10.25, 10.75)] == [1, 0.75, 0.25]
    assert circuit.remaining_s(10.75) == 0.25


def test_one_request_tries_for_all() -> None:
    circuit = opened()

    assert [circuit.wait_s(1), circuit.wait_s(1), circuit.wait_s(1.5)] == [0, 1, 0.5]


def test_a_trial_without_an_outcome_is_followed_by_another() -> None:
    circuit = opened()

    assert [circuit.wait_s(1), circuit.wait_s(2), circuit.wait_s(3)] == [0, 0, 0]


def test_each_failed_trial_doubles_the_pause_up_to_a_bound() -> None:
    circuit = opened()
    now, pauses = 0.0, list[float]()
    for _ in range(5):
        now += circuit.remaining_s(now)
        circuit.wait_s(now)
        circuit.failed(now)
        pauses.append(circuit.remaining_s(now))

    assert pauses == [2, 4, 4, 4, 4]


def test_what_began_before_does_not_prolong_the_pause() -> None:
    circuit = opened()

    for _ in range(10):
        circuit.failed(0.5)

    assert circuit.wait_s(0.5) == 0.5


def test_an_answer_closes_it_and_the_next_pause_is_short_again() -> None:
    circuit = opened()
    circuit.wait_s(1)
    circuit.failed(1)
    circuit.answered()
    closed = circuit.wait_s(1)
    for _ in range(3):
        circuit.failed(5)

    assert closed == 0
    assert circuit.remaining_s(5) == 1


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "fail", "answer"]), st.floats(0, 10, allow_subnormal=False)),
    max_size=200,
)


@given(STEPS)
def test_whatever_happens_the_pause_is_bounded_and_trials_are_apart(
    steps: list[tuple[str, float]],
) -> None:
    circuit = Circuit(failures=3, first_s=1, longest_s=4)
    now, row, last_trial = 0.0, 0, -1.0
    for step, passed in steps:
        now += passed
        match step:
            case "ask":
                was_open = circuit.is_open
                wait_s = circuit.wait_s(now)
                assert 0 <= wait_s <= 4
                assert was_open or wait_s == 0
                if was_open and wait_s == 0:
                    assert last_trial < 0 or now - last_trial >= 1
                    last_trial = now
            case "fail":
                circuit.failed(now)
                row += 1
            case _:
                circuit.answered()
                row, last_trial = 0, -1.0
        assert circuit.is_open == (row >= 3)
        assert circuit.failures == row
