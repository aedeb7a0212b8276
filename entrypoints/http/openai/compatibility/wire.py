"""The JSON of GET /compatibility."""

from __future__ import annotations

from msgspec import Struct


class Field(Struct, omit_defaults=True):
    """How a field is supported; ``note`` says what its name does not."""

    status: str
    note: str = ""


class Compatibility(Struct):
    """What the statuses mean, the endpoints that there are, and their fields by their paths.

    Endpoints without a table take what their schema in `/docs` says.
    """

    statuses: dict[str, str]
    endpoints: list[str]
    fields: dict[str, dict[str, Field]]
