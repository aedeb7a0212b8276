"""Filling holes by asking in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.infill import Unfenced, has_fences, question
from domain.messages import Role


def unfenced(pieces: list[str]) -> str:
    reader = Unfenced()
    return "".join(map(reader.feed, pieces)) + reader.end()


def test_the_text_is_asked_for_with_its_hole_after_a_rule_and_examples() -> None:
    rule, *examples, last = question("def f(", "return 1")

    assert rule.role is Role.SYSTEM
    assert "<HOLE/>" in rule.text
    assert [turn.role for turn in examples] == [Role.USER, Role.ASSISTANT] * 2
    assert (last.role, last.text) == (Role.USER, "def f(<HOLE/>return 1")


@given(st.text(), st.text())
def test_no_text_is_changed(prompt: str, suffix: str) -> None:
    text = question(prompt, suffix)[-1].text

    assert text.startswith(prompt)
    assert text.endswith(suffix)


def test_a_text_may_hold_marks_itself() -> None:
    rule, example, *_, last = question("<HOLE/><HOLE-2/>", "<HOLE-4/>")

    assert last.text == "<HOLE/><HOLE-2/><HOLE-3/><HOLE-4/>"
    assert "<HOLE-3/>" in rule.text
    assert example.text == "The 5th <HOLE-3/> is Jupiter."


def test_a_text_made_of_marks_is_looked_through_once() -> None:
    text = "".join(f"<HOLE-{number}/>" for number in range(2, 300_000))

    *_, last = question(f"<HOLE/>{text}", "")

    assert last.text.endswith("<HOLE-299999/><HOLE-300000/>")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param("```python\nreturn a\n```", "return a", id="fenced"),
        pytest.param(
            "\n```\n    a\n\n    b\n```\nThat is it.", "    a\n\n    b", id="and explained"
        ),
        pytest.param("```c++ \na\n  ```", "a", id="with spaces"),
        pytest.param("```python\nreturn a\n", "return a\n", id="cut"),
        pytest.param("```python\nreturn a\n``", "return a\n``", id="cut in its end"),
        pytest.param("```pyth", "```pyth", id="cut in its begin"),
        pytest.param("```js\n`a`\n`b\n```", "`a`\n`b", id="with ticks"),
        pytest.param("a\n```\nb\n```", "a\n```\nb\n```", id="later"),
        pytest.param("```return a``` it is\n", "```return a``` it is\n", id="within a line"),
        pytest.param("    return a\n", "    return a\n", id="indented"),
        pytest.param("\n\n", "\n\n", id="empty lines"),
        pytest.param("", "", id="nothing"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_fence_around_an_answer_is_taken_off(answer: str, text: str, size: int) -> None:
    pieces = [answer[place : place + size] for place in range(0, len(answer), size)]

    assert unfenced(pieces) == text


@given(st.lists(st.text(st.sampled_from("`\n a:"))))
def test_an_answer_means_the_same_in_any_pieces(pieces: list[str]) -> None:
    assert unfenced(pieces) == unfenced(["".join(pieces)])


@given(st.text().filter(lambda text: not has_fences(text)), st.integers(1, 5))
def test_an_answer_without_fences_is_left_alone(answer: str, size: int) -> None:
    pieces = [answer[place : place + size] for place in range(0, len(answer), size)]

    assert unfenced(pieces) == answer


@given(st.text(st.sampled_from("` \na"), min_size=60))
def test_little_is_held_back(answer: str) -> None:
    reader = Unfenced()
    passed = "".join(map(reader.feed, answer))

    assert len(passed + reader.end()) - len(passed) <= 53
