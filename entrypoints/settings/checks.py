"""What is wrong with settings that are well-formed each by itself."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from domain.key_lines import parse
from entrypoints.settings.addresses import base_url
from entrypoints.settings.values import SQLITE, STORE_SERVERS, entries

if TYPE_CHECKING:
    from entrypoints.settings.values import Settings

WORKERS_NEED_A_SERVER = (
    "WORKERS: each would load a model of its own; set OLLAMA_URL or UPSTREAM_URL, or WORKERS=1"
)

# What a GGUF file begins with.
_GGUF = b"GGUF"


class SettingsError(Exception):
    """Settings that cannot be used; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def problems_among(settings: Settings) -> list[str]:
    """Return a sentence for each problem; it begins with the name of the setting."""
    return [
        *_address("OLLAMA_URL", settings.ollama_url),
        *_address("UPSTREAM_URL", settings.upstream_url),
        *_engines(settings),
        *_tracing(settings.otel_exporter_otlp_endpoint),
        *_pairs(settings),
        *_store(settings.response_store),
        *_model_file(settings.gguf),
        *_key_file(settings.key_file),
        *_script(settings),
        *_workers(settings),
        *_host(settings),
    ]


def _address(name: str, text: str) -> list[str]:
    try:
        for url in entries(text):
            base_url(url)
    except ValueError as error:
        return [f"{name}: {error}"]
    return []


def _engines(settings: Settings) -> list[str]:
    if settings.llm_backend == "auto" and settings.upstream_url:
        return ["UPSTREAM_URL: it is asked with LLM_BACKEND=openai, which has to be said"]
    if not settings.uses_engines:
        return []
    needed = {
        "UPSTREAM_URL": (settings.upstream_url, "where the engine is"),
        "DEFAULT_MODEL": (settings.default_model, "which of its models"),
    }
    return [
        f"{name}: LLM_BACKEND=openai needs to know {what}"
        for name, (value, what) in needed.items()
        if not value
    ]


def _tracing(endpoint: str) -> list[str]:
    if not endpoint:
        return []
    if not endpoint.startswith(("http://", "https://")):
        return ["OTEL_EXPORTER_OTLP_ENDPOINT: expected an address such as http://localhost:4318"]
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        needed = "traces need more packages: pip install -r requirements-tracing.txt"
        return [f"OTEL_EXPORTER_OTLP_ENDPOINT: {needed}"]
    return []


def _pairs(settings: Settings) -> list[str]:
    problems: list[str] = []
    if not all(map(_is_window, entries(settings.model_num_ctx))):
        problems.append("MODEL_NUM_CTX: expected entries such as qwen3:8b=16384")
    if not all(map(_is_alias, entries(settings.model_aliases))):
        problems.append("MODEL_ALIASES: expected entries such as gpt-4o=llama3.2")
    return problems


def _is_window(entry: str) -> bool:
    name, _, length = entry.rpartition("=")
    return bool(name) and length.strip().isdecimal() and int(length) > 0


def _is_alias(entry: str) -> bool:
    alias, _, model = entry.partition("=")
    return bool(alias.strip() and model.strip())


def _store(text: str) -> list[str]:
    if text.startswith(SQLITE):
        good = text != SQLITE and not text.endswith(("/", ":memory:"))
    else:
        good = text in ("memory", "none") or _is_server(text)
    # The value is not shown: it may hold a password.
    expected = "expected memory, none, sqlite:///a/file or redis://host:6379/0"
    return [] if good else [f"RESPONSE_STORE: {expected}"]


def _is_server(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # A port that is none is found when it is looked at.
        _ = parts.port
    except ValueError:
        return False
    number = parts.path.strip("/")
    place = parts.scheme in STORE_SERVERS and parts.hostname
    return bool(place) and (not number or number.isdecimal())


def _model_file(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            good = file.read(len(_GGUF)) == _GGUF
    except FileNotFoundError:
        return ["EMBEDDED_MODEL_PATH: there is no such file"]
    except OSError:
        return ["EMBEDDED_MODEL_PATH: it cannot be read as a file"]
    return [] if good else ["EMBEDDED_MODEL_PATH: it is no GGUF file"]


def _key_file(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ["API_KEY_FILE: there is no such file"]
    except (OSError, UnicodeDecodeError):
        return ["API_KEY_FILE: it cannot be read as UTF-8 text"]
    return [f"API_KEY_FILE, {problem}" for problem in parse(text).problems]


def _script(settings: Settings) -> list[str]:
    script, record = settings.script_file, settings.record_file
    scripted = settings.llm_backend == "scripted"
    problems: list[str] = []
    if script and not scripted:
        problems.append("SCRIPT_FILE: only LLM_BACKEND=scripted answers by it")
    if script and record:
        problems.append("RECORD_FILE: a script and a recording cannot answer both")
    if script and not Path(script).is_file():
        problems.append("SCRIPT_FILE: there is no such file")
    if record and not (Path(record).is_file() if scripted else Path(record).parent.is_dir()):
        missing = "file to replay" if scripted else "folder to record in"
        problems.append(f"RECORD_FILE: there is no such {missing}")
    return problems


def _workers(settings: Settings) -> list[str]:
    if settings.workers == 1:
        return []
    problems: list[str] = []
    if settings.llm_backend == "embedded":
        problems.append(WORKERS_NEED_A_SERVER)
    if settings.response_store == "memory":
        problems.append(
            "RESPONSE_STORE: what one of several WORKERS keeps in memory the others do not see"
        )
    if settings.record_file:
        problems.append("RECORD_FILE: only one process can record or replay; set WORKERS=1")
    return problems


def _host(settings: Settings) -> list[str]:
    if settings.is_local or settings.guarded or settings.allow_no_auth:
        return []
    needed = "an address that others can reach needs API_KEY or API_KEY_FILE"
    return [f"HOST: {needed}; ALLOW_NO_AUTH=true opens it to everyone"]
