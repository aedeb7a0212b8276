"""OLLAMA_URL in all its forms, and the settings of this server's surface."""

from __future__ import annotations

import pytest

from entrypoints.settings import SettingsError, load
from entrypoints.settings.addresses import base_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", "http://localhost:11434"),
        ("10.0.0.7", "http://10.0.0.7:11434"),
        ("10.0.0.7:5000", "http://10.0.0.7:5000"),
        (":5000", "http://127.0.0.1:5000"),
        ("example.com/", "http://example.com:11434"),
        ("http://localhost:11434", "http://localhost:11434"),
        ("http://localhost:11434/", "http://localhost:11434"),
        ("http://localhost:11434//", "http://localhost:11434"),
        ("http://localhost:11434/v1", "http://localhost:11434"),
        ("http://localhost:11434/v1/", "http://localhost:11434"),
        ("http://localhost:11434/api", "http://localhost:11434"),
        ("http://localhost:11434/api/", "http://localhost:11434"),
        ("http://localhost:11434/api/chat", "http://localhost:11434"),
        ("http://localhost:11434/api/chat/", "http://localhost:11434"),
        ("localhost:11434/api/chat", "http://localhost:11434"),
        ("http://example.com", "http://example.com"),
        ("https://example.com/ollama", "https://example.com/ollama"),
        ("https://example.com/ollama/v1/", "https://example.com/ollama"),
        ("http://0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104 - where a server may listen
        ("[::1]", "http://[::1]:11434"),
        ("http://[::]:5000", "http://[::1]:5000"),
        (' "http://localhost:11434/v1" ', "http://localhost:11434"),
    ],
)
def test_an_address_in_any_form_is_one_base(text: str, expected: str) -> None:
    assert base_url(text) == expected
    assert load({"OLLAMA_URL": text}).ollama_url == expected


@pytest.mark.parametrize(
    "text", ["ftp://localhost", "http://", "unix:///run/ollama", "http://u:p@box"]
)
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match="OLLAMA_URL"):
        load({"OLLAMA_URL": text})


def test_aliases_are_pairs() -> None:
    settings = load({"MODEL_ALIASES": "gpt-4o=llama3.2, text-embedding-3-small = hf.co/a/b:Q4 ,"})

    assert settings.aliases == {"gpt-4o": "llama3.2", "text-embedding-3-small": "hf.co/a/b:Q4"}


@pytest.mark.parametrize("text", ["gpt-4o", "gpt-4o=", "=llama3.2", "a=b,c"])
def test_what_is_no_pair_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_ALIASES"):
        load({"MODEL_ALIASES": text})


def test_the_surface_is_closed_unless_opened() -> None:
    settings = load({})

    assert (settings.aliases, settings.origins, settings.allow_model_delete) == ({}, (), False)


def test_origins_are_a_list() -> None:
    settings = load({"CORS_ORIGINS": "https://a.example, http://localhost:3000"})

    assert settings.origins == ("https://a.example", "http://localhost:3000")
