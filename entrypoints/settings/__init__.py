"""Settings: the environment, then `.env`, then the defaults."""

from __future__ import annotations

from entrypoints.settings.checks import WORKERS_NEED_A_SERVER, SettingsError
from entrypoints.settings.reading import load, written
from entrypoints.settings.values import Settings

__all__ = ["WORKERS_NEED_A_SERVER", "Settings", "SettingsError", "load", "written"]
