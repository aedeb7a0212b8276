"""All cases by their ids: those of the suite of 2026-04-24, and those of others beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.compliance import cases, socket_cases

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.compliance.suite import Suite

# Those of the suite of 2026-04-24; then those of other revisions.
SUITE: tuple[Callable[[Suite], Awaitable[None]], ...] = (
    cases.basic_response,
    cases.streaming_response,
    cases.system_prompt,
    cases.tool_calling,
    cases.image_input,
    cases.multi_turn,
    cases.assistant_phase,
    cases.response_output_phase_schema,
    cases.compact_response,
    cases.compact_missing_model,
    socket_cases.websocket_response,
    socket_cases.websocket_sequential_responses,
    socket_cases.websocket_continuation,
    socket_cases.websocket_reconnect_store_false_recovery,
    socket_cases.websocket_previous_response_not_found,
    socket_cases.websocket_failed_continuation_evicts_cache,
    socket_cases.websocket_compact_new_chain,
)
OTHERS: tuple[Callable[[Suite], Awaitable[None]], ...] = (
    cases.tool_calling_streaming,
    cases.function_call_roundtrip,
    cases.previous_response_id,
    socket_cases.websocket_generate_false,
)
CASES = {case.__name__.replace("_", "-"): case for case in (*SUITE, *OTHERS)}
