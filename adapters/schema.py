"""jsonschema-rs behind SchemaPort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsonschema_rs
import msgspec

from adapters import schema_work
from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.tools import JSONObject

# The reason stands at the front of a message, the whole instance at its end.
_LONGEST_FAULT = 200
# A reason is gathered from all that were tried, which takes a thousand times as long.
_EXPLAINED_WORK = 3_000
# What all regular expressions of a schema may take together.
_PATTERNS_BYTES = 20 * 1024 * 1024


class RustSchemaCheck:
    """A compiled schema."""

    def __init__(self, schema: JSONObject, validator: jsonschema_rs.Validator) -> None:
        self._schema = schema
        self._validator = validator

    def fault(self, text: str) -> str | None:
        try:
            instance = msgspec.json.decode(text)
        # A text that no encoding takes raises ValueError.
        except (msgspec.DecodeError, ValueError, RecursionError):
            return "it is not JSON"
        work = schema_work.work(self._schema, instance)
        if work > schema_work.MOST:
            return "it takes too long to tell"
        if self._validator.is_valid(instance):
            return None
        if work > _EXPLAINED_WORK:
            return "there are too many reasons to name one"
        error = next(self._validator.iter_errors(instance))
        return f"{_place(error.instance_path)}: {error.message[:_LONGEST_FAULT]}"


class RustSchemas:
    """JSON Schema, draft 2020-12 unless a schema names another."""

    def compile(self, schema: JSONObject, *, param: str) -> RustSchemaCheck:
        if found := schema_work.strange_reference(schema):
            reason = f"$: references must begin with '#/', so '{found}' is not taken here"
            raise _unusable(reason, param)
        if schema_work.work(schema) > schema_work.MOST:
            reason = "$: its references lead to the same places too many times"
            raise _unusable(reason, param)
        options = jsonschema_rs.FancyRegexOptions(
            backtrack_limit=schema_work.PATTERN_STEPS,
            size_limit=_PATTERNS_BYTES // max(1, schema_work.patterns(schema)),
        )
        try:
            # Left to itself, the library fetches references from wherever they point.
            validator = jsonschema_rs.validator_for(
                dict(schema), offline=True, validate_formats=False, pattern_options=options
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            place = _place(getattr(error, "instance_path", ()))
            reason = f"{place}: {getattr(error, 'message', str(error))[:_LONGEST_FAULT]}"
            raise _unusable(reason, param) from error
        return RustSchemaCheck(schema, validator)


def _unusable(reason: str, param: str) -> InvalidRequestError:
    message = f"This is not a JSON Schema that can be used: {reason}."
    return InvalidRequestError(message, code="invalid_json_schema", param=param)


def _place(path: Sequence[str | int]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
