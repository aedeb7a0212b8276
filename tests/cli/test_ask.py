from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

import pytest

from domain.chat import FinishReason
from domain.errors import UpstreamProtocolError
from domain.events import Finished, ReasoningDelta, TextDelta
from domain.messages import Role
from tests.cli.conftest import KEY
from tests.support.command import ROOT, local_chat
from tests.support.fake_llm import USAGE
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import TEXT
from tests.support.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Running

END = [Finished(FinishReason.STOP, USAGE)]


def said(running: Running, role: Role = Role.USER) -> list[str]:
    return [it.text for it in running.llm.requests[-1].messages if it.role is role]


@pytest.mark.parametrize("way", [(), ("--no-stream",)])
async def test_the_answer_and_nothing_else_is_written(
    running: Running, tmp_path: Path, way: tuple[str, ...]
) -> None:
    running.llm.play([ReasoningDelta("Hm.")], [TextDelta("**Hel")], [TextDelta("lo**\u2028")], END)

    done = await local_chat("ask", "Greet", "me.", *way, folder=tmp_path, **running.variables)

    assert done == (0, "**Hello**\u2028\n", "")
    assert said(running) == ["Greet me."]


async def test_what_is_piped_in_follows_the_words(running: Running, tmp_path: Path) -> None:
    arguments = ("ask", "Shorten this.", "-m", "llama3", "-s", "Be brief.")

    done = await local_chat(
        *arguments, folder=tmp_path, stdin="A long\ntext.\n", **running.variables
    )

    assert done.out == "Hello\n"
    assert said(running) == ["Shorten this.\n\nA long\ntext."]
    assert said(running, Role.SYSTEM) == ["Be brief."]
    assert running.llm.requests[-1].model == "llama3"


async def test_what_is_piped_in_may_be_all(running: Running, tmp_path: Path) -> None:
    await local_chat("ask", folder=tmp_path, stdin="Greet me.", **running.variables)

    assert said(running) == ["Greet me."]


async def test_nothing_to_ask_is_a_wrong_usage(tmp_path: Path) -> None:
    done = await local_chat("ask", folder=tmp_path)

    assert done.code == 2
    assert 'local-chat ask "Why is the sky blue?"' in done.errors


async def test_json_is_the_whole_answer(running: Running, tmp_path: Path) -> None:
    done = await local_chat("ask", "--json", "Greet me.", folder=tmp_path, **running.variables)

    answer = json.loads(done.out)
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"] == "Hello"


async def test_a_refusal_is_told_and_code_1(running: Running, tmp_path: Path) -> None:
    done = await local_chat("ask", "-m", "nope", "Hi", folder=tmp_path, **running.variables)

    assert done.code == 1
    assert done.out == ""
    assert "nope" in done.errors
    assert "local-chat models" in done.errors


async def test_a_failure_after_the_first_words_is_told(running: Running, tmp_path: Path) -> None:
    running.llm.play([TextDelta("Hel")], UpstreamProtocolError("It broke."))

    done = await local_chat("ask", "Hi", folder=tmp_path, **running.variables)

    assert done == (1, "Hel\n", "Error: It broke.\n")


async def test_a_wrong_key_is_told(running: Running, tmp_path: Path) -> None:
    done = await local_chat(*("ask", "Hi", "--key", "wrong"), folder=tmp_path, **running.variables)

    assert done.code == 1
    assert "Incorrect API key provided. Give it with --key or OPENAI_API_KEY." in done.errors
    assert KEY not in done.errors


async def test_a_service_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = await local_chat("ask", "Hi", "--url", "127.0.0.1:1", folder=tmp_path)

    assert done.code == 1
    assert done.errors == (
        "Error: The service at http://127.0.0.1:1/v1 cannot be reached: start it "
        "(local-chat serve), or say where it is (--url, OPENAI_BASE_URL).\n"
    )


async def test_what_is_no_service_is_told(tmp_path: Path) -> None:
    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-server\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        done = await local_chat("ask", "Hi", "--url", f"127.0.0.1:{port}", folder=tmp_path)

    assert done.code == 1
    assert done.errors == (
        f"Error: What answers at http://127.0.0.1:{port}/v1 is no such service, or broke off.\n"
    )


@pytest.mark.parametrize("url", ["nonsense::", "ftp://a", "http://", "localhost:port"])
async def test_an_address_that_is_none_is_a_wrong_usage(url: str, tmp_path: Path) -> None:
    done = await local_chat("ask", "Hi", "--url", url, folder=tmp_path)

    assert done.code == 2
    assert done.errors.endswith(
        f"Error: '{url}' is no address; one is http://localhost:8000/v1, say.\n"
    )


async def test_proxies_are_not_asked_for_this_machine(running: Running, tmp_path: Path) -> None:
    proxy = "http://127.0.0.1:1"

    done = await local_chat(
        *("ask", "Hi"), folder=tmp_path, **running.variables, HTTP_PROXY=proxy, http_proxy=proxy
    )

    assert done.out == "Hello\n"


async def test_a_terminal_gets_markdown_and_no_commands_from_the_model(
    running: Running, tmp_path: Path
) -> None:
    running.llm.play(
        [ReasoningDelta("Let me think.")],
        [TextDelta("A **bold** word.\n\n\x1b]0;owned\x07\n\n```py\n1\n\n2\n```\n\n- one\n- two\n")],
        END,
    )

    async with terminal("ask", "Hi", folder=tmp_path, **running.variables) as shown:
        assert await shown.ended() == 0

    assert "\x1b[2;3mLet me think." in shown.raw.decode()
    assert "A bold word." in shown.text
    assert "```" not in shown.text
    assert " • one" in shown.text
    assert "\x1b]0" not in shown.raw.decode()


@pytest.mark.parametrize("off", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
async def test_colours_can_be_off(running: Running, tmp_path: Path, off: dict[str, str]) -> None:
    running.llm.play([TextDelta("```py\nprint(1)\n```\n")], END)
    variables = {**running.variables, **off}

    async with terminal("ask", "Hi", folder=tmp_path, **variables) as shown:
        assert await shown.ended() == 0

    assert "\x1b[3" not in shown.raw.decode()
    assert "print(1)" in shown.text


async def test_where_no_service_runs_one_starts_for_the_question(tmp_path: Path) -> None:
    async with FakeOllama() as ollama:
        done = await local_chat(
            *("ask", "Say hello."),
            folder=tmp_path,
            PORT="1",
            OLLAMA_URL=ollama.url,
            DEFAULT_MODEL="smollm2:135m",
            API_KEY="mine",
        )

    assert done == (0, f"{TEXT}\n", "")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - paths block, too


async def test_why_a_service_does_not_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "httptools.py").write_text("raise ImportError('broken here')", encoding="utf-8")
    path = os.pathsep.join((str(ROOT), str(tmp_path)))

    done = await local_chat("ask", "Hi", folder=tmp_path, PORT="1", PYTHONPATH=path)

    assert done.code == 1
    assert "The service did not start; `local-chat doctor` looks why." in done.errors
    assert "broken here" in done.errors
