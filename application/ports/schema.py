"""The port to a JSON Schema validator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from domain.tools import JSONObject


class SchemaCheck(Protocol):
    """A schema, ready to check with."""

    def fault(self, text: str) -> str | None:
        """Return what is wrong with ``text`` as an instance of the schema, or None.

        The answer is one sentence that says where. Text that is not JSON is a fault, too.
        """
        ...


class SchemaPort(Protocol):
    """A JSON Schema library."""

    def compile(self, schema: JSONObject, *, param: str) -> SchemaCheck:
        """Return a check for ``schema``.

        Raises:
            InvalidRequestError: the schema is not one (code ``invalid_json_schema``); ``param``
                is named, and the message says where in the schema.
        """
        ...
