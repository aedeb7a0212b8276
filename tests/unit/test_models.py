"""Names of models."""

from __future__ import annotations

import pytest

from domain.models import canonical, owner


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("library/llama3.2", "llama3.2"),
        ("LLAMA3.2", "llama3.2:Latest"),
        ("team/custom", "team/custom:latest"),
        ("hf.co/a/b", "hf.co/a/b:latest"),
    ],
)
def test_spellings_of_one_model_are_one(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("llama3.2", "llama3.2:1b"),
        ("llama3.2", "team/llama3.2"),
        ("host:5000/ns/model", "host/ns/model"),
    ],
)
def test_other_models_are_others(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama3.2:1b", "library"),
        ("team/custom:v1", "team"),
        ("hf.co/unsloth/x:Q4_K_M", "unsloth"),
    ],
)
def test_the_owner_is_the_namespace(name: str, expected: str) -> None:
    assert owner(name) == expected
