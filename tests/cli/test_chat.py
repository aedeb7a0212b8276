from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import pytest

from domain.chat import FinishReason
from domain.errors import UpstreamProtocolError
from domain.events import Finished, TextDelta
from domain.messages import Role
from tests.support.command import LIMIT_S, local_chat
from tests.support.fake_llm import USAGE
from tests.support.fake_ollama import FakeOllama
from tests.support.terminal import CTRL_C, CTRL_D, Terminal, terminal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.cli.conftest import Running

PROMPT = ">>> "
END = [Finished(FinishReason.STOP, USAGE)]


def sent(running: Running) -> list[tuple[Role, str]]:
    return [(it.role, it.text) for it in running.llm.requests[-1].messages]


@pytest.fixture
async def shown(running: Running, tmp_path: Path) -> AsyncGenerator[Terminal]:
    """A chat that waits for its first line."""
    async with terminal("chat", folder=tmp_path, **running.variables) as shown:
        await shown.shows("/help lists the commands", PROMPT)
        yield shown


async def say(shown: Terminal, line: str, *told: str) -> None:
    """Type a line, and wait until the chat has shown all this and waits for the next."""
    shown.types(f"{line}\n")
    await shown.shows(*told, PROMPT)


async def test_a_conversation_remembers_until_it_is_told_to_forget(
    running: Running, shown: Terminal
) -> None:
    await say(shown, "Greet me.", "Hello", "smollm2:135m, 2 tokens")
    await say(shown, "Again.", "Hello")
    assert sent(running) == [
        (Role.USER, "Greet me."),
        (Role.ASSISTANT, "Hello"),
        (Role.USER, "Again."),
    ]

    await say(shown, "/new", "A new conversation.")
    await say(shown, "/system Be brief.", "The system prompt is set.")
    await say(shown, "Who?", "Hello")
    assert sent(running) == [(Role.SYSTEM, "Be brief."), (Role.USER, "Who?")]

    shown.types("/quit\n")
    assert await shown.ended() == 0


async def test_ctrl_c_stops_the_answer_and_not_the_chat(running: Running, shown: Terminal) -> None:
    running.llm.play([TextDelta("Once upon ")], asyncio.Event())

    shown.types("Tell me a story.\n")
    await shown.shows("Once upon")
    shown.types(CTRL_C)
    await shown.shows("(stopped)", PROMPT)
    await running.llm.streams[0].closed.wait()

    await say(shown, "Go on.", "Hello")
    assert sent(running)[1:] == [(Role.ASSISTANT, "Once upon "), (Role.USER, "Go on.")]

    shown.types("half a line")
    await shown.shows("half a line")
    await shown.waits()
    shown.types(CTRL_C)
    await shown.shows("(Ctrl-D or /quit ends)", PROMPT)
    shown.types(CTRL_D)
    assert await shown.ended() == 0


async def test_another_model_is_chosen_from_those_that_there_are(
    running: Running, shown: Terminal
) -> None:
    await say(shown, "/model", "name", "gpt-4o = llama3")
    await say(shown, "/model nope", "There is no model nope")
    await say(shown, "/model llama3", "From here on llama3 answers.")
    await say(shown, "Hi", "Hello")

    assert running.llm.requests[-1].model == "llama3"


async def test_a_failed_answer_is_told_and_forgotten(running: Running, shown: Terminal) -> None:
    running.llm.play(UpstreamProtocolError("It broke."))

    await say(shown, "Hi", "It broke.")
    await say(shown, "Hi again", "Hello")

    assert sent(running) == [(Role.USER, "Hi again")]


async def test_the_conversation_is_saved_where_nothing_is_lost(
    running: Running, tmp_path: Path
) -> None:
    async with terminal("chat", "-s", "Be brief.", folder=tmp_path, **running.variables) as shown:
        await shown.shows(PROMPT)
        await say(shown, "Hi", "Hello")
        await say(shown, "/save a.md", "Saved as a.md.")
        await say(shown, "/save a.json", "Saved as a.json.")
        await say(shown, "/save a.json", "a.json is there already")
        await say(shown, "/save no/such/place", "cannot be written")

    assert (tmp_path / "a.md").read_text(encoding="utf-8") == (
        "## System\n\nBe brief.\n\n## User\n\nHi\n\n## Assistant\n\nHello\n"
    )
    assert json.loads((tmp_path / "a.json").read_bytes()) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]


async def test_a_message_of_many_lines_stands_in_quotes(running: Running, shown: Terminal) -> None:
    shown.types('"""one\n')
    await shown.shows("... ")
    await say(shown, 'two"""', "Hello")

    assert sent(running) == [(Role.USER, "one\ntwo")]


async def test_a_mistyped_command_is_not_sent(running: Running, shown: Terminal) -> None:
    await say(shown, "/modle", "There is no /modle")
    await say(shown, "/help", "/save FILE")

    assert running.llm.requests == []


async def test_lines_may_be_piped_in(running: Running, tmp_path: Path) -> None:
    done = await local_chat("chat", folder=tmp_path, stdin="Hi\n/quit\n", **running.variables)

    assert done == (0, "Hello\n", "")


async def test_the_service_of_its_own_ends_with_the_chat(tmp_path: Path) -> None:
    async with FakeOllama() as ollama:
        settings = {"PORT": "1", "OLLAMA_URL": ollama.url, "DEFAULT_MODEL": "smollm2:135m"}
        async with terminal("chat", folder=tmp_path, **settings) as shown:
            await shown.shows(PROMPT)
            shown.types("Say hello.\n")
            await shown.shows("smollm2:135m, ", PROMPT)
            shown.types(CTRL_D)
            assert await shown.ended() == 0
        await ollama.disconnected()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_the_service_of_its_own_ends_even_with_a_chat_that_is_killed(tmp_path: Path) -> None:
    async with terminal("chat", folder=tmp_path, PORT="1", LLM_BACKEND="scripted") as shown:
        await shown.shows(PROMPT)
        ended = shown.child_ended()
    async with asyncio.timeout(LIMIT_S):
        await ended.wait()
