"""What Schemathesis is told of our document beside what stands in it."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:  # noqa: ARG001
    """Leave out the schemas of streams.

    As in OpenAI's document they describe what stands after `data:`; Schemathesis holds them
    against whole events. The tests of streams read the records.
    """
    for path in raw_schema["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                answer.get("content", {}).get("text/event-stream", {}).pop("schema", None)
