"""Reads settings from the environment and from `.env`."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import msgspec

from entrypoints.settings.addresses import OLLAMA_PORT, base_url
from entrypoints.settings.checks import SettingsError, problems_among
from entrypoints.settings.values import Settings, entries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FIELDS = {field.name.upper(): field for field in msgspec.structs.fields(Settings)}
# Looser, and other programs' names count as near: OLLAMA_HOST, OPENAI_API_KEY, DB_PORT.
_NEARNESS = 0.75
# The one setting of which empty is a value.
_MAY_BE_EMPTY = "DEFAULT_TEMPERATURE"


def load(environ: Mapping[str, str], env_file: Path | None = None) -> Settings:
    """Read settings; the environment wins over the file, and an empty value means not set.

    Raises:
        SettingsError: with every problem at once.
    """
    problems: list[str] = []
    given = _from_file(env_file, problems) if env_file is not None else {}
    given |= {
        name: environ[name]
        for name in _FIELDS
        if name in environ and (environ[name].strip() or name == _MAY_BE_EMPTY)
    }
    settings = Settings(**_converted(given, problems))  # type: ignore[arg-type]  # of their fields' types
    problems += problems_among(settings)
    if problems:
        raise SettingsError(problems)
    return msgspec.structs.replace(
        settings,
        ollama_url=_base_urls(settings.ollama_url, OLLAMA_PORT),
        upstream_url=_base_urls(settings.upstream_url, None),
    )


def written(name: str, environ: Mapping[str, str], env_file: Path) -> str:
    """Return one setting as it is written, whatever the others are; empty where it is not."""
    return environ.get(name, "").strip() or _from_file(env_file, []).get(name, "")


def _converted(given: Mapping[str, str], problems: list[str]) -> dict[str, object]:
    """Return by their fields' names the values that are well-formed; add what is not."""
    values: dict[str, object] = {}
    for name, text in given.items():
        if name == _MAY_BE_EMPTY and not text.strip():
            values["default_temperature"] = None
        if not text.strip() or name not in _FIELDS:
            continue
        field = _FIELDS[name]
        try:
            values[field.name] = msgspec.convert(text.strip(), field.type, strict=False)
        except msgspec.ValidationError:
            problems.append(f"{name}: expected {_kind(field.type)}, not '{text.strip()}'")
    return values


def _base_urls(text: str, usual_port: int | None) -> str:
    return ",".join(base_url(url, usual_port) for url in entries(text))


def _from_file(path: Path, problems: list[str]) -> dict[str, str]:
    """Read NAME=value lines; quotes around a value and an `export` before a name are dropped."""
    if not path.is_file():
        return {}
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
        elif name not in _FIELDS and (near := _near(name)):
            problems.append(f"{path.name}: unknown setting {name}; did you mean {near}?")
        else:
            given[name] = _value(value)
    return given


def _near(name: str) -> str | None:
    found = difflib.get_close_matches(name.upper(), _FIELDS, n=1, cutoff=_NEARNESS)
    return found[0] if found else None


def _value(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text.partition(" #")[0].rstrip()


def _kind(wanted: object) -> str:
    """Return in a person's words which values a type has."""
    kind = msgspec.inspect.type_info(wanted)
    if isinstance(kind, msgspec.inspect.UnionType):
        kind = kind.types[0]
    if isinstance(kind, msgspec.inspect.LiteralType):
        *most, last = map(str, kind.values)
        return f"{', '.join(most)} or {last}"
    if not isinstance(kind, (msgspec.inspect.IntType, msgspec.inspect.FloatType)):
        return "true or false"
    whole = "whole " if isinstance(kind, msgspec.inspect.IntType) else ""
    bounds = (("at least", kind.ge), ("above", kind.gt), ("at most", kind.le))
    limits = ", ".join(f"{word} {bound:.0f}" for word, bound in bounds if bound is not None)
    return f"a {whole}number ({limits})"
