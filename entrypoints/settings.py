"""Settings: the environment, then `.env`, then the defaults here."""

from __future__ import annotations

import difflib
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from domain.key_lines import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

Port = Annotated[int, Meta(ge=0, le=65535)]
_YEAR_S = 31_536_000
Seconds = Annotated[float, Meta(gt=0, le=_YEAR_S)]
SecondsOrNever = Annotated[float, Meta(ge=0, le=_YEAR_S)]
Count = Annotated[int, Meta(ge=1)]

_OLLAMA_PORT = 11434
# Addresses of model servers, and their usual ports.
_ADDRESSES: dict[str, int | None] = {"ollama_url": _OLLAMA_PORT, "upstream_url": None}
# Looser, and other programs' names count as near: OLLAMA_HOST, OPENAI_API_KEY, DB_PORT.
_NEARNESS = 0.75
# The one setting of which empty is a value.
_MAY_BE_EMPTY = "DEFAULT_TEMPERATURE"
_FILE = "sqlite:///"
_SERVERS = frozenset({"redis", "rediss", "valkey", "valkeys"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


WORKERS_NEED_A_SERVER = (
    "WORKERS: each would load a model of its own; set OLLAMA_URL or UPSTREAM_URL, or WORKERS=1"
)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting under its variable's name in lower case. `.env.example` explains them."""

    host: str = "127.0.0.1"
    port: Port = 8000
    # Processes that serve; with one there is no other.
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    api_key: str = ""
    # A file of further keys, one a line; domain/key_lines.py says what a line holds.
    api_key_file: str = ""
    allow_no_auth: bool = False
    allowed_hosts: str = ""
    llm_backend: Literal["auto", "ollama", "openai", "embedded", "scripted"] = "auto"
    # Where Ollama is, and where other engines are: several, comma-separated, share the work.
    ollama_url: str = ""
    upstream_url: str = ""
    # The engines' own key; the keys of clients never leave the service.
    upstream_api_key: str = ""
    default_model: str = ""
    default_temperature: Annotated[float, Meta(ge=0, le=2)] | None = 0.7
    num_ctx: Count | None = None
    model_num_ctx: str = ""
    embedded_model_path: str = ""
    embedded_threads: Count | None = None
    embedded_parallel: Annotated[int, Meta(ge=1, le=16)] = 2
    embedded_context: Count = 4096
    # Rules by which the backend `scripted` answers; recordings that it replays, others write.
    script_file: str = ""
    record_file: str = ""
    # NAME=MODEL, comma-separated: further names of models, for tools with hard-wired ones.
    model_aliases: str = ""
    # DELETE /v1/models/{model} removes a model from Ollama's disk.
    allow_model_delete: bool = False
    # Pages that may ask from a browser: https://chat.example.com, comma-separated; * for all.
    cors_origins: str = ""
    image_url_hosts: str = ""
    connect_timeout_s: Seconds = 2.0
    first_token_timeout_s: Seconds = 600.0
    idle_timeout_s: Seconds = 120.0
    total_timeout_s: Seconds = 3600.0
    heartbeat_after_s: SecondsOrNever = 15.0
    queue_timeout_s: Seconds = 300.0
    header_timeout_s: Seconds = 10.0
    body_timeout_s: Seconds = 60.0
    write_timeout_s: Seconds = 30.0
    websocket_idle_timeout_s: Seconds = 600.0
    responses_shape: Literal["auto", "simple", "openai"] = "auto"
    response_store: str = "sqlite:///data/responses.sqlite3"
    response_ttl_days: Annotated[int, Meta(ge=1, le=36_500)] = 30
    response_store_bytes: Count | None = None
    shutdown_grace_s: Seconds = 30.0
    max_concurrency: Count = 8
    max_queue: Annotated[int, Meta(ge=0)] = 64
    max_body_bytes: Count = 20 * 1024 * 1024
    max_header_bytes: Annotated[int, Meta(ge=1024)] = 64 * 1024
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    metrics_public: bool = False
    # Where traces go, by OTLP over HTTP: http://localhost:4318; empty for none.
    otel_exporter_otlp_endpoint: str = ""

    @property
    def api_keys(self) -> tuple[str, ...]:
        """The keys that open the service; none for no authentication."""
        return tuple(key for part in self.api_key.split(",") if (key := part.strip()))

    @property
    def key_file(self) -> Path | None:
        """The file of further keys; None for no such file."""
        return Path(self.api_key_file) if self.api_key_file else None

    @property
    def guarded(self) -> bool:
        """Whether whoever asks needs a key."""
        return bool(self.api_keys) or self.key_file is not None

    @property
    def model_servers(self) -> tuple[str, ...]:
        """The base URLs of the servers that run the models; none where this process does."""
        by_backend = {"ollama": self.ollama_url, "openai": self.upstream_url}
        return tuple(_entries(by_backend.get(self.llm_backend, "")))

    @property
    def uses_engines(self) -> bool:
        """Whether models run on servers that speak OpenAI's API."""
        return self.llm_backend == "openai"

    @property
    def gguf(self) -> Path | None:
        """The file that the embedded engine runs; None for the bundled model."""
        return Path(self.embedded_model_path) if self.embedded_model_path else None

    @property
    def threads(self) -> int:
        """Threads of the embedded engine: half the cores unless set; with all, it crawls."""
        return self.embedded_threads or max(1, (os.cpu_count() or 2) // 2)

    @property
    def windows(self) -> dict[str, int]:
        """Context lengths by model."""
        pairs = (entry.rpartition("=") for entry in _entries(self.model_num_ctx))
        return {name.strip(): int(length) for name, _, length in pairs}

    @property
    def aliases(self) -> dict[str, str]:
        """Models by the further names that stand for them."""
        pairs = (entry.partition("=") for entry in _entries(self.model_aliases))
        return {alias.strip(): model.strip() for alias, _, model in pairs}

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of pages that may ask; none for no cross-origin requests."""
        return tuple(_entries(self.cors_origins))

    @property
    def store_kind(self) -> str:
        """What keeps responses: ``memory``, ``sqlite``, ``valkey`` or ``none``."""
        scheme = self.response_store.partition("://")[0]
        return "valkey" if scheme in _SERVERS else scheme

    @property
    def keeps(self) -> bool:
        """Whether responses are kept at all."""
        return self.store_kind != "none"

    @property
    def store_path(self) -> Path:
        """The file of ``sqlite``: after three slashes from here, after four from the root."""
        return Path(self.response_store.removeprefix(_FILE))

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names under which the service answers; none for any.

        A service for this machine alone answers to this machine's own names.
        """
        if self.allowed_hosts:
            return tuple(host.lower() for host in _entries(self.allowed_hosts) if host != "*")
        return tuple(sorted(_LOOPBACK)) if self.host in _LOOPBACK else ()

    @property
    def image_hosts(self) -> tuple[str, ...]:
        """Hosts from which images may be fetched."""
        return tuple(host.lower() for host in _entries(self.image_url_hosts))


class SettingsError(Exception):
    """Settings that cannot be used; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def load(environ: Mapping[str, str], env_file: Path | None = None) -> Settings:
    """Read settings; the environment wins over the file, and an empty value means not set.

    Raises:
        SettingsError: with every problem at once.
    """
    problems: list[str] = []
    given = _from_file(env_file, problems) if env_file is not None else {}
    names = {field.encode_name.upper(): field for field in msgspec.structs.fields(Settings)}
    given |= {
        name: environ[name]
        for name in names
        if name in environ and (environ[name].strip() or name == _MAY_BE_EMPTY)
    }
    values: dict[str, object] = {}
    for name, text in given.items():
        if name == _MAY_BE_EMPTY and not text.strip():
            values["default_temperature"] = None
        if not text.strip() or name not in names:
            continue
        field = names[name]
        try:
            values[field.name] = msgspec.convert(text.strip(), field.type, strict=False)
        except msgspec.ValidationError as error:
            problems.append(f"{name}: {_plain(str(error))}")
    problems += _check(values)
    if problems:
        raise SettingsError(problems)
    for name, port in _ADDRESSES.items():
        if name in values:
            values[name] = ",".join(base_url(url, port) for url in _entries(str(values[name])))
    return Settings(**values)  # type: ignore[arg-type]  # each was converted to its field's type


def written(name: str, environ: Mapping[str, str], env_file: Path) -> str:
    """Return one setting as it is written, whatever the others are; empty where it is not."""
    return environ.get(name, "").strip() or _from_file(env_file, []).get(name, "")


def base_url(text: str, usual_port: int | None = _OLLAMA_PORT) -> str:
    """Return the base URL that ``text`` means.

    Takes what ``OLLAMA_HOST`` takes (Ollama `envconfig/config.go`), and URLs that go on to
    ``/v1``, ``/api`` or ``/api/chat``.

    Args:
        text: an address in any form.
        usual_port: where an address without a scheme and a port is.

    Raises:
        ValueError: it means none.
    """
    text = text.strip().strip("\"'")
    if "://" not in text:
        text = f"http://{text if not text.startswith(':') else f'127.0.0.1{text}'}"
        default_port = usual_port
    else:
        default_port = None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        message = "expected an address such as http://localhost:11434"
        raise ValueError(message)
    if "@" in parts.netloc:
        message = "a user and a password in an address are not sent; leave them out"
        raise ValueError(message)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    # Addresses to listen on are not addresses to connect to.
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - see above
    port = parts.port or default_port
    path = re.sub(r"/(api(/chat)?|v1)?/*$", "", parts.path.rstrip("/"))
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}"


def _entries(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _from_file(path: Path, problems: list[str]) -> dict[str, str]:
    """Read NAME=value lines; quotes around a value and an `export` before a name are dropped."""
    if not path.is_file():
        return {}
    names = [field.encode_name.upper() for field in msgspec.structs.fields(Settings)]
    given: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        problems.append(f"{path.name}: it cannot be read as UTF-8 text")
        return {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, sign, value = text.removeprefix("export ").partition("=")
        name = name.strip()
        if not sign:
            problems.append(f"{path.name}, line {number}: expected NAME=value")
        elif name not in names and (near := _near(name, names)):
            problems.append(f"{path.name}: unknown setting {name}; did you mean {near}?")
        else:
            given[name] = _value(value)
    return given


def _near(name: str, names: list[str]) -> str | None:
    found = difflib.get_close_matches(name.upper(), names, n=1, cutoff=_NEARNESS)
    return found[0] if found else None


def _value(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text.partition(" #")[0].rstrip()


def _plain(text: str) -> str:
    return text[0].lower() + text[1:].replace("`", "'")


def _check(values: Mapping[str, object]) -> list[str]:
    """Return what is wrong with values that are well-formed each by itself."""
    problems: list[str] = []
    problems += _check_addresses(values)
    problems += _check_engines(values)
    problems += _check_tracing(str(values.get("otel_exporter_otlp_endpoint", "")))
    for entry in _entries(str(values.get("model_num_ctx", ""))):
        name, _, length = entry.rpartition("=")
        if not name or not length.strip().isdecimal() or not int(length):
            problems.append("MODEL_NUM_CTX: expected entries such as qwen3:8b=16384")
            break
    if not all(map(_is_alias, _entries(str(values.get("model_aliases", ""))))):
        problems.append("MODEL_ALIASES: expected entries such as gpt-4o=llama3.2")
    problems += _check_store(str(values.get("response_store", "none")))
    path = str(values.get("embedded_model_path", ""))
    if path and not Path(path).is_file():
        problems.append("EMBEDDED_MODEL_PATH: there is no such file")
    key_file = str(values.get("api_key_file", ""))
    problems += _check_keys(Path(key_file)) if key_file else []
    problems += _check_script(values)
    problems += _check_workers(values)
    host = str(values.get("host", "127.0.0.1"))
    keys = key_file or [key for key in str(values.get("api_key", "")).split(",") if key.strip()]
    if host not in _LOOPBACK and not keys and not values.get("allow_no_auth"):
        problems.append(
            "HOST: an address that others can reach needs API_KEY or API_KEY_FILE; "
            "ALLOW_NO_AUTH=true opens it to everyone"
        )
    return problems


def _check_addresses(values: Mapping[str, object]) -> list[str]:
    problems: list[str] = []
    for name in _ADDRESSES:
        try:
            for url in _entries(str(values.get(name, ""))):
                base_url(url)
        except ValueError as error:
            problems.append(f"{name.upper()}: {error}")
    return problems


def _check_engines(values: Mapping[str, object]) -> list[str]:
    backend = values.get("llm_backend", "auto")
    if backend == "auto" and values.get("upstream_url"):
        return ["UPSTREAM_URL: it is asked with LLM_BACKEND=openai, which has to be said"]
    if backend != "openai":
        return []
    needed = {"upstream_url": "where the engine is", "default_model": "which of its models"}
    return [
        f"{name.upper()}: LLM_BACKEND=openai needs to know {what}"
        for name, what in needed.items()
        if not values.get(name)
    ]


def _check_workers(values: Mapping[str, object]) -> list[str]:
    workers = values.get("workers", 1)
    if workers == 1:
        return []
    problems: list[str] = []
    if values.get("llm_backend") == "embedded":
        problems.append(WORKERS_NEED_A_SERVER)
    if values.get("response_store") == "memory":
        problems.append(
            "RESPONSE_STORE: what one of several WORKERS keeps in memory the others do not see"
        )
    if values.get("record_file"):
        problems.append("RECORD_FILE: only one process can record or replay; set WORKERS=1")
    return problems


def _check_script(values: Mapping[str, object]) -> list[str]:
    script, record = str(values.get("script_file", "")), str(values.get("record_file", ""))
    scripted = values.get("llm_backend") == "scripted"
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


def _check_tracing(endpoint: str) -> list[str]:
    if not endpoint:
        return []
    if not endpoint.startswith(("http://", "https://")):
        return ["OTEL_EXPORTER_OTLP_ENDPOINT: expected an address such as http://localhost:4318"]
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        needed = "traces need more packages: pip install -r requirements-tracing.txt"
        return [f"OTEL_EXPORTER_OTLP_ENDPOINT: {needed}"]
    return []


def _is_alias(entry: str) -> bool:
    alias, _, model = entry.partition("=")
    return bool(alias.strip() and model.strip())


def _check_keys(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ["API_KEY_FILE: there is no such file"]
    except (OSError, UnicodeDecodeError):
        return ["API_KEY_FILE: it cannot be read as UTF-8 text"]
    return [f"API_KEY_FILE, {problem}" for problem in parse(text).problems]


def _check_store(text: str) -> list[str]:
    if text.startswith(_FILE):
        good = text != _FILE and not text.endswith(("/", ":memory:"))
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
    place = parts.scheme in _SERVERS and parts.hostname
    return bool(place) and (not number or number.isdecimal())
