"""llama.cpp's failures in the domain's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.llamacpp import errors, model_file, wire
from domain.errors import InvalidRequestError, UpstreamError, UpstreamUnavailableError

_PREFIX = "Unable to generate parser for this template. Automatic parser generation failed: "


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            _PREFIX + "JSON schema error at #/properties/x: unrecognized type wibble",
            "#/properties/x: unrecognized type wibble",
            id="place",
        ),
        pytest.param(
            _PREFIX + "JSON schema conversion failed:\nInvalid pattern ^(a$: unbalanced",
            "Invalid pattern ^(a$: unbalanced",
            id="pattern",
        ),
    ],
)
def test_a_schema_is_refused_with_the_reason(text: str, reason: str) -> None:
    error = errors.raised(ValueError(text))

    assert isinstance(error, InvalidRequestError)
    assert error.code == "invalid_json_schema"
    assert error.param == "response_format"
    assert error.message == f"The JSON Schema is refused: {reason}."


def test_a_schema_that_makes_too_large_a_grammar_is_refused() -> None:
    failure = wire.Failure(
        "Failed to initialize samplers: failed to parse grammar", "invalid_request_error"
    )

    error = errors.reported(failure)

    assert isinstance(error, InvalidRequestError)
    assert error.code == "invalid_json_schema"


def test_a_refused_field_is_named() -> None:
    text = "Field 'max_tokens': Value must be between -1 <= value <= 9, but got -2"

    error = errors.reported(wire.Failure(text, "invalid_request_error"))

    assert isinstance(error, InvalidRequestError)
    assert error.param == "max_tokens"


@pytest.mark.parametrize("kind", ["server_error", "invalid_request_error", ""])
def test_other_reports_say_nothing_of_the_prompt(kind: str) -> None:
    error = errors.reported(wire.Failure("my secret prompt", kind))

    assert type(error) is UpstreamError
    assert "secret" not in error.message


def test_other_exceptions_say_nothing_of_the_prompt() -> None:
    error = errors.raised(RuntimeError("Failed to parse tools: my secret tool"))

    assert type(error) is UpstreamError
    assert "secret" not in error.message


def test_an_engine_that_is_not_ready_may_be_asked_again() -> None:
    error = errors.reported(wire.Failure("Loading model", "unavailable_error"))

    assert isinstance(error, UpstreamUnavailableError)


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        pytest.param(ModuleNotFoundError("xllamacpp"), "engine_missing", id="package"),
        pytest.param(RuntimeError("Failed to init server"), "model_load_failed", id="file"),
    ],
)
def test_an_engine_that_does_not_start_is_unavailable(cause: Exception, code: str) -> None:
    assert errors.load_failed(cause).code == code


def test_a_library_that_the_engine_lacks_is_named() -> None:
    error = errors.load_failed(ImportError("libgomp.so.1: cannot open shared object file"))

    assert "libgomp.so.1" in error.message


def test_the_bundled_model_is_found_without_importing_it() -> None:
    path = model_file.locate(None)

    assert path.suffix == ".gguf"
    assert model_file.model_name(None) == "smollm2:135m"
    assert model_file.created(None) == int(path.stat().st_mtime)


def test_a_file_of_ones_own_is_named_by_its_stem(tmp_path: Path) -> None:
    path = tmp_path / "Qwen3-0.6B.Q8_0.gguf"
    path.write_bytes(b"GGUF")

    assert model_file.locate(path) == path
    assert model_file.model_name(path) == "qwen3-0.6b.q8_0"


def test_a_missing_file_is_not_shown_but_its_setting_is() -> None:
    with pytest.raises(UpstreamUnavailableError) as caught:
        model_file.locate(Path("/nowhere/model.gguf"))

    assert "EMBEDDED_MODEL_PATH" in caught.value.message
    assert "nowhere" not in caught.value.message


@pytest.mark.parametrize("package", ["no-such-package", "msgspec"])
def test_a_bundled_model_that_is_not_installed_is_said_so(package: str) -> None:
    with pytest.raises(UpstreamUnavailableError) as caught:
        model_file.locate(None, package=package)

    assert caught.value.code == "model_file_missing"
    assert "requirements-data.txt" in caught.value.message
