"""Every setting as an option of a command."""

from __future__ import annotations

import os
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from entrypoints.cli import explanations
from entrypoints.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from msgspec.structs import FieldInfo

_WORDS: dict[type[msgspec.inspect.Type], str] = {
    msgspec.inspect.BoolType: "[true|false]",
    msgspec.inspect.IntType: "N",
    msgspec.inspect.FloatType: "NUMBER",
}


class SettingsCommand(click.Command):
    """A command that takes the settings; its help lists them by their sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                section = _explained(parameter.name or "").section
                sections.setdefault(section or "Options", []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


def settings_options(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command an option for each setting; ``settings`` reads what was given."""
    for field in reversed(msgspec.structs.fields(Settings)):
        kind = msgspec.inspect.type_info(field.type)
        # Alone, a switch turns on; the values are read as those of the variables are.
        switch = isinstance(kind, msgspec.inspect.BoolType)
        make = partial(click.option, is_flag=False, flag_value="true") if switch else click.option
        option = make(
            _option(field.name),
            field.name,
            metavar=_metavar(kind),
            help=f"{_explained(field.name).text} {_usual(field)}",
        )
        function = option(function)
    return function


def settings(given: Mapping[str, str | None] | None = None) -> Settings:
    """Return the settings: options, then the environment, then `.env`, then the defaults.

    Raises:
        SettingsError: with every problem at once, under the names that were used.
    """
    options = {name.upper(): text for name, text in (given or {}).items() if text is not None}
    try:
        return load(os.environ | options, Path(".env"))
    except SettingsError as error:
        raise SettingsError([_as_given(problem, options) for problem in error.problems]) from None


def _as_given(problem: str, options: Mapping[str, str]) -> str:
    name, colon, rest = problem.partition(":")
    return f"{_option(name)}{colon}{rest}" if name in options else problem


_explanations = cache(explanations.read)


def _explained(name: str) -> explanations.Explanation:
    return _explanations().get(name.upper(), explanations.Explanation())


def _option(name: str) -> str:
    return f"--{name.lower().replace('_', '-')}"


def _metavar(kind: msgspec.inspect.Type) -> str:
    if isinstance(kind, msgspec.inspect.UnionType):
        return _metavar(kind.types[0])
    if isinstance(kind, msgspec.inspect.LiteralType):
        return "|".join(map(str, kind.values))
    return _WORDS.get(type(kind), "TEXT")


def _usual(field: FieldInfo) -> str:
    return "" if field.default in (None, "", False) else f"[{field.default}]"
