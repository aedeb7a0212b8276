from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.generation import Generation
from domain.chat import FinishReason, TokenLogprob, TopLogprob, Usage
from domain.errors import UpstreamError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from entrypoints.http import errors
from entrypoints.http.openai.chat import answer, wire
from entrypoints.http.openai.chat.stream import ChatSSEEncoder
from entrypoints.http.openai.fields import StreamOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

STOP = Finished(FinishReason.STOP, Usage(7, 2))
CALLED = Finished(FinishReason.TOOL_CALLS, Usage(7, 2))
HEAD = (
    '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,'
    '"model":"m","service_tier":"default","system_fingerprint":"fp_local","choices":['
)
TEXTS = st.text(st.characters(codec="utf-8"))


def encoder(model: str = "m", **fields: Any) -> ChatSSEEncoder:
    body = wire.ChatCompletionRequest([wire.UserMessage("Hi")], **fields)
    return ChatSSEEncoder(Generation("chatcmpl-1", 1_700_000_000, model), body)


def encoded(*events: ChatEvent, model: str = "m", **fields: Any) -> bytes:
    return encoder(model, **fields).feed(0, events)


def record(delta: str, reason: str = "null", index: int = 0, logprobs: str = "null") -> str:
    choice = f'"index":{index},"delta":{delta},"logprobs":{logprobs},"finish_reason":{reason}'
    return f"data: {HEAD}{{{choice}}}]}}\n\n"


ROLE = record('{"role":"assistant","content":"","refusal":null}')
END = record("{}", '"stop"')
DONE = "data: [DONE]\n\n"


def test_a_stream_of_text() -> None:
    assert encoded(TextDelta("Hel"), TextDelta("lo"), STOP).decode() == (
        ROLE + record('{"content":"Hel"}') + record('{"content":"lo"}') + END + DONE
    )


def test_the_role_comes_once_and_the_end_once() -> None:
    machine = encoder()

    parts = [machine.feed(0, [TextDelta("a")]), machine.feed(0, []), machine.feed(0, [STOP])]

    assert [part.decode() for part in parts] == [
        ROLE + record('{"content":"a"}'),
        "",
        END + DONE,
    ]


def test_thinking_goes_by_both_names() -> None:
    assert encoded(ReasoningDelta("Hm"), STOP).decode() == (
        ROLE + record('{"reasoning_content":"Hm","reasoning":"Hm"}') + END + DONE
    )


def test_calls_have_id_type_and_name_once() -> None:
    calls = (
        ToolCallDelta(0, "call_a", "f", '{"a"'),
        ToolCallDelta(0, None, None, ":1}"),
        ToolCallDelta(1, "call_b", "g", "{}"),
    )

    assert encoded(*calls, CALLED).decode() == (
        ROLE
        + record(
            r'{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\""},'
            '"id":"call_a","type":"function"}]}'
        )
        + record('{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}')
        + record(
            '{"tool_calls":[{"index":1,"function":{"name":"g","arguments":"{}"},'
            '"id":"call_b","type":"function"}]}'
        )
        + record("{}", '"tool_calls"')
        + DONE
    )


def test_the_deprecated_form_has_its_own_shape() -> None:
    functions = [wire.FunctionDefinition("f")]
    call = ToolCallDelta(0, "call_a", "f", "{}")

    assert encoded(call, CALLED, functions=functions).decode() == (
        ROLE
        + record('{"function_call":{"name":"f","arguments":"{}"}}')
        + record("{}", '"function_call"')
        + DONE
    )


def test_log_probabilities_stand_beside_their_text() -> None:
    drawn = TokenLogprob("é", -0.5, "é".encode(), (TopLogprob("a", -1.5, None),))

    assert encoded(TextDelta("é", (drawn,)), STOP, logprobs=True).decode() == (
        ROLE
        + record(
            '{"content":"é"}',
            logprobs='{"content":[{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":'
            '[{"token":"a","logprob":-1.5,"bytes":null}]}],"refusal":null}',
        )
        + END
        + DONE
    )


def test_usage_comes_last_when_asked_for_and_is_null_before() -> None:
    options = StreamOptions(include_usage=True)

    records = encoded(TextDelta("a"), STOP, stream_options=options).decode().split("\n\n")

    usage = (
        '{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,'
        '"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
        '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,'
        '"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'
    )
    assert [each.endswith(',"usage":null}') for each in records[:3]] == [True] * 3
    assert records[3:] == [f'data: {HEAD}],"usage":{usage}}}', "data: [DONE]", ""]


@pytest.mark.parametrize("first", [0, 2])
def test_several_choices_end_when_the_last_has_ended(first: int) -> None:
    machine = encoder(n=3)

    begun = machine.feed(first, [TextDelta("a")]).decode()
    middle = [machine.feed(index, [STOP]).decode() for index in (2, 0)]
    last = machine.feed(1, [STOP]).decode()

    roles = [
        record('{"role":"assistant","content":"","refusal":null}', index=index)
        for index in range(3)
    ]
    assert begun == "".join(roles) + record('{"content":"a"}', index=first)
    assert middle == [record("{}", '"stop"', index) for index in (2, 0)]
    assert last == record("{}", '"stop"', 1) + DONE


def test_a_failure_ends_a_stream_without_done() -> None:
    shown = errors.envelope(UpstreamError("It broke.", code="upstream_error"))

    assert encoder().fail(shown) == (
        b'data: {"error":{"message":"It broke.","type":"server_error","param":null,'
        b'"code":"upstream_error"}}\nevent: error\n\n'
    )


@given(TEXTS, TEXTS, st.booleans())
def test_the_short_way_of_text_gives_the_bytes_of_the_long_way(
    text: str,
    model: str,
    usage: bool,  # noqa: FBT001 - drawn
) -> None:
    options = StreamOptions(include_usage=True) if usage else None
    chunk = answer.ChatCompletionChunk(
        id="chatcmpl-1",
        created=1_700_000_000,
        model=model,
        system_fingerprint="fp_local",
        choices=[answer.ChunkChoice(0, answer.Delta(content=text))],
        usage=None if usage else msgspec.UNSET,
    )

    short = encoded(TextDelta(text), model=model, stream_options=options)

    assert short.endswith(b"\n\ndata: " + msgspec.json.encode(chunk) + b"\n\n")


@given(st.lists(st.lists(TEXTS)), st.sampled_from(["m", "\x00text\x00", '"\x00text\x00"']))
def test_any_text_reaches_the_client_in_records_of_one_line(
    batches: Sequence[Sequence[str]], model: str
) -> None:
    machine = encoder(model)
    out = b"".join(machine.feed(0, [TextDelta(text) for text in batch]) for batch in batches)
    out += machine.feed(0, [STOP])

    records = out.decode().split("\n\n")

    assert all(each.startswith("data: ") and "\n" not in each for each in records[:-1])
    assert records[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(each.removeprefix("data: ")) for each in records[:-2]]
    texts = [chunk["choices"][0]["delta"]["content"] for chunk in chunks[1:-1]]
    assert texts == [text for batch in batches for text in batch]
    assert {chunk["model"] for chunk in chunks} == {model}
