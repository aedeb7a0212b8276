from __future__ import annotations

import pytest

from adapters.stores import codec
from domain.conversation import Conversation, ResponseStatus, StoredResponse
from domain.errors import StoreError
from domain.items import AnswerText, FunctionCallItem, MessageItem
from domain.messages import Role, TextPart

# Written by version 1; what it holds must be read for as long as anyone may have it on disk.
VERSION_1 = bytes.fromhex(
    "0187a26964a6726573705f31a763726561746564ce6553f100a56d6f64656ca66c6c616d6133a67374617475"
    "73a9636f6d706c65746564a46563686fc4027b7da5696e7075749184a474797065a76d657373616765a26964"
    "a56d73675f31a4726f6c65a475736572a7636f6e74656e749182a474797065a474657874a474657874a24869"
    "a66f75747075749284a474797065a76d657373616765a26964a56d73675f32a4726f6c65a961737369737461"
    "6e74a7636f6e74656e749182a474797065a6616e73776572a474657874a548656c6c6f85a474797065a46361"
    "6c6ca26964a466635f31a763616c6c5f6964a663616c6c5f31a46e616d65a16ea9617267756d656e7473a27b"
    "7d"
)
RESPONSE = StoredResponse(
    "resp_1",
    1_700_000_000,
    "llama3",
    ResponseStatus.COMPLETED,
    input=(MessageItem("msg_1", Role.USER, (TextPart("Hi"),)),),
    output=(
        MessageItem("msg_2", Role.ASSISTANT, (AnswerText("Hello"),)),
        FunctionCallItem("fc_1", "call_1", "n", "{}"),
    ),
)


def test_version_1_is_read() -> None:
    assert codec.decode_response(VERSION_1) == RESPONSE


def test_version_1_is_written() -> None:
    assert codec.encode_response(RESPONSE) == VERSION_1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x7f" + VERSION_1[1:], id="a version to come"),
        pytest.param(VERSION_1[:-1], id="cut"),
        pytest.param(VERSION_1.replace(b"completed", b"comppeted"), id="an unknown status"),
        pytest.param(VERSION_1.replace(b"\xa4user", b"\xa4uzer"), id="an unknown role"),
        pytest.param(VERSION_1.replace(b"\xa2Hi", b"\xa2\xff\xff"), id="no UTF-8"),
    ],
)
def test_what_cannot_be_read_is_an_error(data: bytes) -> None:
    with pytest.raises(StoreError, match="cannot read") as caught:
        codec.decode_response(data)

    assert caught.value.code == "store_unreadable"


def test_an_item_with_an_unknown_word_is_an_error() -> None:
    data = codec.encode_item(RESPONSE.input[0]).replace(b"\xa4user", b"\xa4uzer")

    with pytest.raises(StoreError):
        codec.decode_item(data)


def test_a_conversation_comes_back() -> None:
    conversation = Conversation("conv_1", 7, {"a": "b"})

    assert codec.decode_conversation(codec.encode_conversation(conversation)) == conversation
