"""Which of several servers is asked first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chat import ChatRequest
from domain.messages import Message, Role
from domain.routing import Candidate, conversation, order, prompt

IDLE = [Candidate(name, 0) for name in "abc"]
KEYS = [prompt("m", str(number)) for number in range(300)]

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        name=st.text(max_size=4),
        busy=st.integers(0, 9),
        loaded=st.booleans(),
        known=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def said(*turns: tuple[Role, str], model: str = "m") -> bytes:
    return conversation(ChatRequest(model, tuple(Message(role, text) for role, text in turns)))


@given(CANDIDATES, st.binary(max_size=8))
def test_all_are_in_the_order_and_the_first_is_about_the_least_busy(
    candidates: list[Candidate], key: bytes
) -> None:
    places = order(candidates, key)

    assert sorted(places) == list(range(len(candidates)))
    first = candidates[places[0]]
    known = [one for one in candidates if one.known]
    assert first.known == bool(known)
    if known:
        costs = [one.busy + (0 if one.loaded else 4) for one in known]
        assert first.busy + (0 if first.loaded else 4) <= min(costs) + 2


@given(CANDIDATES, st.binary(max_size=8))
def test_the_order_is_the_same_every_time(candidates: list[Candidate], key: bytes) -> None:
    names = [candidates[place].name for place in order(candidates, key)]
    shuffled = candidates[::-1]

    assert order(candidates, key) == order(candidates, key)
    if len({one.name for one in candidates}) == len(candidates):
        assert [shuffled[place].name for place in order(shuffled, key)][:1] == names[:1]


def test_keys_spread_over_idle_servers() -> None:
    shares = Counter(order(IDLE, key)[0] for key in KEYS)

    assert all(60 <= shares[place] <= 140 for place in range(3))


def test_the_loss_of_a_server_moves_its_own_keys_only() -> None:
    for key in KEYS:
        before = IDLE[order(IDLE, key)[0]].name
        after = IDLE[:2][order(IDLE[:2], key)[0]].name

        assert before in (after, "c")


@pytest.mark.parametrize("others", [0, 5])
def test_a_conversation_stays_until_its_server_is_much_busier(others: int) -> None:
    (home, *_) = order(IDLE, KEYS[0])
    unknown = Candidate("d", 0, known=False)

    def stays(extra: int) -> bool:
        busy = [replace(c, busy=others + extra * (i == home)) for i, c in enumerate(IDLE)]
        return order([*busy, unknown], KEYS[0])[0] == home

    assert [stays(extra) for extra in (1, 2, 3)] == [True, True, False]


def test_a_model_is_loaded_elsewhere_only_for_the_sake_of_a_longer_line() -> None:
    def first(busy: int) -> str:
        pair = [Candidate("has", busy), Candidate("loads", 0, loaded=False)]
        return pair[order(pair, b"k")[0]].name

    assert first(0) == first(1) == "has"
    assert first(7) == "loads"


def test_turns_of_a_conversation_have_its_key() -> None:
    first = ((Role.SYSTEM, "Be brief."), (Role.USER, "Hello"))
    later = (*first, (Role.ASSISTANT, "Hi"), (Role.USER, "And now?"))

    assert said(*first) == said(*later)
    assert len({said(*first), said(*first, model="n"), said(first[1]), said(*first[:1])}) == 4


def test_half_a_surrogate_pair_has_a_key_as_well() -> None:
    assert said((Role.USER, "\ud83d"))
    assert prompt("m" * 100, "\ud83d")
