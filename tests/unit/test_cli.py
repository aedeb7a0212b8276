from __future__ import annotations

import sys
from pathlib import Path

import pytest

from entrypoints.cli.__main__ import main
from entrypoints.cli.serve import banner
from entrypoints.settings import Settings

DEMONSTRATION = (
    "Models: only the small demonstration model 'smollm2:135m', in this process; it is no "
    "assistant. Start Ollama or set OLLAMA_URL for yours, or EMBEDDED_MODEL_PATH for a GGUF file."
)
ADDRESS = "API: http://localhost:8000/v1  Page: http://localhost:8000/  Reference: http://localhost:8000/docs"


def test_the_banner_names_ollama_and_the_default_model() -> None:
    settings = Settings(
        llm_backend="ollama", ollama_url="http://localhost:11434", default_model="llama3.2"
    )

    assert banner(settings) == (
        "Models: Ollama at http://localhost:11434; the default model is 'llama3.2' "
        f"(DEFAULT_MODEL chooses another).\n{ADDRESS}"
    )


def test_the_banner_takes_the_demonstration_model_for_nothing_else() -> None:
    settings = Settings(llm_backend="embedded", default_model="smollm2:135m")

    assert banner(settings) == f"{DEMONSTRATION}\n{ADDRESS}"


def test_the_banner_names_a_file_of_the_users_own() -> None:
    settings = Settings(
        llm_backend="embedded",
        default_model="mine",
        embedded_model_path=str(Path("mine.gguf")),
        host="192.0.2.1",
        port=80,
        api_key="x" * 16,
    )

    assert banner(settings) == (
        "Models: llama.cpp in this process with your file, as 'mine'.\n"
        "API: http://192.0.2.1:80/v1  Page: http://192.0.2.1:80/  "
        "Reference: http://192.0.2.1:80/docs"
    )


@pytest.mark.parametrize(
    ("key", "warned"),
    [("x" * 15, True), (f"{'x' * 16},short", True), ("x" * 16, False), ("", False)],
)
def test_a_short_key_draws_a_warning(key: str, warned: bool) -> None:  # noqa: FBT001 - a case
    told = banner(Settings(llm_backend="embedded", api_key=key))

    assert ("Warning: API_KEY" in told) is warned
    assert not key or key not in told


@pytest.mark.parametrize(
    ("host", "opened", "everywhere"),
    [
        ("localhost", "localhost", False),
        ("::1", "[::1]", False),
        ("0.0.0.0", "localhost", True),  # noqa: S104 - the case in point
        ("::", "[::1]", True),
    ],
)
def test_the_address_of_the_banner_can_be_opened(
    host: str,
    opened: str,
    everywhere: bool,  # noqa: FBT001 - a case
) -> None:
    told = banner(Settings(llm_backend="embedded", host=host, api_key="x" * 16))

    assert f"Page: http://{opened}:8000/  " in told
    assert (f"all addresses of this machine ({host})" in told) is everywhere


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        (Settings(host="0.0.0.0", allow_no_auth=True), 1),  # noqa: S104 - the case in point
        (Settings(host="192.0.2.1", allow_no_auth=True), 1),
        (Settings(host="192.0.2.1", allow_no_auth=True, api_key="x" * 16), 0),
        (Settings(host="192.0.2.1", allow_no_auth=True, api_key_file="keys"), 0),
        (Settings(allow_no_auth=True), 0),
    ],
)
def test_a_service_that_is_open_to_others_says_so_once(settings: Settings, warned: int) -> None:
    assert banner(settings).count("may ask, without a key") == warned


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["fly"], 2), (["--help"], 0)])
def test_a_command_is_needed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
) -> None:
    monkeypatch.setattr(sys, "argv", ["local-chat", *arguments])

    assert main() == code
    assert "Usage: local-chat" in "".join(capsys.readouterr())
