"""Counting: distributions, and which names are models."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from application.figures import UNKNOWN, Distribution, Figures

_times = st.floats(min_value=0, max_value=1e6)


@given(values=st.lists(_times), bounds=st.lists(_times, unique=True).map(sorted))
def test_a_distribution_counts_what_is_up_to_each_bound(
    values: list[float], bounds: list[float]
) -> None:
    distribution = Distribution(bounds)
    for value in values:
        distribution.add(value)

    for place, bound in enumerate(bounds):
        assert sum(distribution.counts[: place + 1]) == sum(value <= bound for value in values)
    assert sum(distribution.counts) == len(values)
    assert distribution.total == sum(values)


def test_a_name_is_a_model_once_that_is_known() -> None:
    figures = Figures()
    before = figures.of("chat", "Llama3")
    figures.know("llama3")

    assert figures.label("LLAMA3") == figures.label("library/llama3") == "llama3:latest"
    assert figures.label("zebra") == UNKNOWN
    assert figures.of("chat", "Llama3") is not before


def test_what_is_remembered_of_names_is_bounded() -> None:
    figures = Figures()
    for number in range(300):
        figures.know(f"zebra-{number}")
        figures.of("chat", f"zebra-{number}")

    assert len(figures.answered) == 65
