from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrypoints.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def problems(environ: Mapping[str, str], env_file: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, env_file)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return caught.value.problems


def test_nothing_set_gives_the_defaults() -> None:
    assert load({}) == Settings()


def test_a_missing_file_is_as_good_as_an_empty_one(env_file: Path) -> None:
    assert load({}, env_file) == Settings()


def test_values_have_the_types_of_their_settings() -> None:
    environ = {
        "PORT": " 9000 ",
        "DEFAULT_TEMPERATURE": "1",
        "NUM_CTX": "4096",
        "ALLOW_NO_AUTH": "true",
        "HEARTBEAT_AFTER_S": "0",
        "LLM_BACKEND": "ollama",
        "PATH": "/bin",
    }

    assert load(environ) == Settings(
        port=9000,
        default_temperature=1.0,
        num_ctx=4096,
        allow_no_auth=True,
        heartbeat_after_s=0.0,
        llm_backend="ollama",
    )


def test_the_environment_wins_over_the_file(env_file: Path) -> None:
    env_file.write_text("PORT=1000\nDEFAULT_MODEL=mine\n")

    assert load({"PORT": "2000"}, env_file) == Settings(port=2000, default_model="mine")


def test_an_empty_value_means_not_set(env_file: Path) -> None:
    env_file.write_text("PORT=\nNUM_CTX=  \nAPI_KEY=from-the-file\n", encoding="utf-8")

    assert load({"HOST": "", "API_KEY": ""}, env_file) == Settings(api_key="from-the-file")


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_temperature_is_the_models_own(text: str, env_file: Path) -> None:
    env_file.write_text("DEFAULT_TEMPERATURE=0.1")

    assert load({"DEFAULT_TEMPERATURE": text}, env_file) == Settings(default_temperature=None)


def test_the_file_may_have_comments_quotes_and_exports(env_file: Path) -> None:
    env_file.write_text(
        "\ufeff# all of it\n"
        "\n"
        "export DEFAULT_MODEL = 'a model'  \n"
        'API_KEY="one#two"\n'
        "HOST=localhost # here\n"
        "SOMETHING_ELSE=1\n"
        'UPSTREAM_API_KEY="\n'
        "LOG_LEVEL=debug\n",
        encoding="utf-8",
    )

    assert load({}, env_file) == Settings(
        default_model="a model",
        api_key="one#two",
        host="localhost",
        upstream_api_key='"',
        log_level="debug",
    )


def test_every_problem_is_told_at_once(env_file: Path) -> None:
    env_file.write_text("OLLAMA_ULR=x\nnonsense\nDEFAULT_TEMPERATURE=3\n")
    environ = {
        "PORT": "many",
        "LLM_BACKEND": "gpt",
        "OLLAMA_URL": "ftp://a",
        "MODEL_NUM_CTX": "qwen3",
        "EMBEDDED_MODEL_PATH": "/nowhere/model.gguf",
        "HOST": "192.0.2.1",
        "IDLE_TIMEOUT_S": "0",
    }

    assert problems(environ, env_file) == [
        ".env: unknown setting OLLAMA_ULR; did you mean OLLAMA_URL?",
        ".env, line 2: expected NAME=value",
        "DEFAULT_TEMPERATURE: expected a number (at least 0, at most 2), not '3'",
        "PORT: expected a whole number (at least 0, at most 65535), not 'many'",
        "LLM_BACKEND: expected auto, embedded, ollama, openai or scripted, not 'gpt'",
        "IDLE_TIMEOUT_S: expected a number (above 0, at most 31536000), not '0'",
        "OLLAMA_URL: expected an address such as http://localhost:11434",
        "MODEL_NUM_CTX: expected entries such as qwen3:8b=16384",
        "EMBEDDED_MODEL_PATH: there is no such file",
        (
            "HOST: an address that others can reach needs API_KEY or API_KEY_FILE; "
            "ALLOW_NO_AUTH=true opens it to everyone"
        ),
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OLLAMA_ULR", "OLLAMA_URL"),
        ("API_KEYS", "API_KEY"),
        ("DEFAULT_MODELS", "DEFAULT_MODEL"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("port", "PORT"),
    ],
)
def test_a_name_that_is_nearly_right_is_a_problem(name: str, meant: str, env_file: Path) -> None:
    env_file.write_text(f"{name}=1")

    assert problems({}, env_file) == [f".env: unknown setting {name}; did you mean {meant}?"]


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "OLLAMA_HOST", "DB_HOST", "DB_PORT", "COMPOSE_PROJECT_NAME", ""]
)
def test_a_name_of_something_else_is_left_alone(name: str, env_file: Path) -> None:
    env_file.write_text(f"{name}=1")

    assert load({}, env_file) == Settings()


def test_a_file_that_is_no_text_is_a_problem(env_file: Path) -> None:
    env_file.write_bytes(b"PORT=\xff")

    assert problems({"PORT": "x"}, env_file) == [
        ".env: it cannot be read as UTF-8 text",
        "PORT: expected a whole number (at least 0, at most 65535), not 'x'",
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("METRICS_PUBLIC", "yes", "true or false"),
        ("MAX_CONCURRENCY", "1.5", "a whole number (at least 1)"),
        ("NUM_CTX", "8k", "a whole number (at least 1)"),
    ],
)
def test_a_value_of_another_kind_is_told_what_is_expected(
    name: str, text: str, expected: str
) -> None:
    assert problems({name: text}) == [f"{name}: expected {expected}, not '{text}'"]


def test_a_file_that_is_no_model_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_text("<html>Not found</html>")

    assert problems({"EMBEDDED_MODEL_PATH": str(path)}) == [
        "EMBEDDED_MODEL_PATH: it is no GGUF file"
    ]


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "-1", "soon"])
def test_a_time_is_a_number_of_seconds(text: str) -> None:
    (problem,) = problems({"TOTAL_TIMEOUT_S": text})

    assert problem.startswith("TOTAL_TIMEOUT_S: ")


@pytest.mark.parametrize("text", ["a=0", "a=", "=5", "5", "a=-1", "a=²", "a=1.5", "a=1,b"])
def test_a_context_length_is_a_number_of_tokens(text: str) -> None:
    assert problems({"MODEL_NUM_CTX": text}) == [
        "MODEL_NUM_CTX: expected entries such as qwen3:8b=16384"
    ]


def test_lists_are_separated_by_commas() -> None:
    settings = load(
        {
            "API_KEY": " one , two,,",
            "MODEL_NUM_CTX": "qwen3:8b = 16384, hf.co/a=b=8 ,",
            "IMAGE_URL_HOSTS": "A.example, b.example",
        }
    )

    assert settings.api_keys == ("one", "two")
    assert settings.windows == {"qwen3:8b": 16384, "hf.co/a=b": 8}
    assert settings.image_hosts == ("a.example", "b.example")


def test_no_key_is_no_key() -> None:
    assert load({"API_KEY": " , "}).api_keys == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_no_key(host: str) -> None:
    assert load({"HOST": host}).host == host


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"API_KEY": "secret"}, id="key"),
        pytest.param({"ALLOW_NO_AUTH": "true"}, id="allowed"),
    ],
)
def test_other_addresses_need_a_key_or_leave(environ: Mapping[str, str]) -> None:
    assert load({"HOST": "192.0.2.1", **environ}).host == "192.0.2.1"


def test_an_empty_list_of_keys_does_not_open_the_service() -> None:
    (problem,) = problems({"HOST": "192.0.2.1", "API_KEY": " , "})

    assert problem.startswith("HOST: ")


def test_a_problem_never_tells_a_key() -> None:
    assert "marker" not in str(problems({"PORT": "x", "API_KEY": "marker"}))


def test_a_model_file_is_a_path(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF")

    assert load({"EMBEDDED_MODEL_PATH": str(file)}).gguf == file
    assert load({}).gguf is None


@pytest.mark.parametrize(("cores", "threads"), [(8, 4), (1, 1), (None, 1)])
def test_half_the_cores_compute_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, threads: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)

    assert load({"EMBEDDED_THREADS": "3"}).threads == 3
    assert load({}).threads == threads


def test_a_recording_may_be_a_new_file(tmp_path: Path) -> None:
    record = str(tmp_path / "new.jsonl")

    assert load({"RECORD_FILE": record}).record_file == record


def test_the_address_of_ollama_is_brought_to_its_base() -> None:
    assert load({"OLLAMA_URL": "0.0.0.0/api/chat"}).ollama_url == "http://127.0.0.1:11434"


def test_a_file_of_keys_guards_the_service(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# team\n{'k' * 16} name=a\n")

    settings = load({"API_KEY_FILE": str(path), "HOST": "192.0.2.1"})

    assert (settings.key_file, settings.guarded) == (path, True)
    assert not Settings().guarded
    assert Settings(api_key="one").guarded


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, ["API_KEY_FILE: there is no such file"]),
        (b"\xff", ["API_KEY_FILE: it cannot be read as UTF-8 text"]),
        (
            b"zebra\n\nsha256:zebra\n",
            [
                (
                    "API_KEY_FILE, line 1: a key has 16 characters or more; "
                    "shorter ones can be guessed"
                ),
                "API_KEY_FILE, line 3: after 'sha256:' come 64 hexadecimal digits",
            ],
        ),
    ],
)
def test_a_file_of_keys_that_cannot_be_used_is_a_problem(
    content: bytes | None, told: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)

    assert problems({"API_KEY_FILE": str(path)}) == told


def test_an_engine_needs_an_address_and_a_model() -> None:
    told = problems({"LLM_BACKEND": "openai"})
    settings = load(
        {"LLM_BACKEND": "openai", "UPSTREAM_URL": "gpu1:8000/v1", "DEFAULT_MODEL": "Org/M"}
    )

    assert [line.partition(":")[0] for line in told] == ["UPSTREAM_URL", "DEFAULT_MODEL"]
    assert settings.model_servers == ("http://gpu1:8000",)
    assert problems({"UPSTREAM_URL": "ftp://x"})[0].startswith("UPSTREAM_URL: ")


def test_an_engine_is_not_passed_over_in_silence() -> None:
    told = problems({"UPSTREAM_URL": "gpu1:8000"})

    assert told == ["UPSTREAM_URL: it is asked with LLM_BACKEND=openai, which has to be said"]
    assert load({"UPSTREAM_URL": "gpu1:8000", "LLM_BACKEND": "ollama"}).uses_engines is False


def test_a_backend_in_this_process_has_no_model_servers() -> None:
    assert load({"LLM_BACKEND": "embedded", "OLLAMA_URL": "localhost"}).model_servers == ()
