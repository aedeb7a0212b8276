"""jsonschema-rs behind SchemaPort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsonschema_rs
import msgspec

from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.tools import JSONObject

# The reason stands at the front of a message, the whole instance at its end.
_LONGEST_FAULT = 200


class RustSchemaCheck:
    """A compiled schema."""

    def __init__(self, validator: jsonschema_rs.Validator) -> None:
        self._validator = validator

    def fault(self, text: str) -> str | None:
        try:
            instance = msgspec.json.decode(text)
        # A text that no encoding takes raises ValueError.
        except (msgspec.DecodeError, ValueError, RecursionError):
            return "it is not JSON"
        for error in self._validator.iter_errors(instance):
            return f"{_place(error.instance_path)}: {error.message[:_LONGEST_FAULT]}"
        return None


class RustSchemas:
    """JSON Schema, draft 2020-12 unless a schema names another."""

    def compile(self, schema: JSONObject, *, param: str) -> RustSchemaCheck:
        try:
            # Left to itself, the library fetches references from wherever they point.
            validator = jsonschema_rs.validator_for(
                dict(schema), offline=True, validate_formats=False
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            place = _place(getattr(error, "instance_path", ()))
            reason = getattr(error, "message", str(error))[:_LONGEST_FAULT]
            message = f"This is not a JSON Schema that can be used: {place}: {reason}."
            raise InvalidRequestError(message, code="invalid_json_schema", param=param) from error
        return RustSchemaCheck(validator)


def _place(path: Sequence[str | int]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
