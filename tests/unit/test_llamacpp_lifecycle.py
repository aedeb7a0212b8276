"""The embedded engine's beginning and end."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.llamacpp.llm import LlamaCppLLM
from adapters.system import RandomIds
from domain.chat import ChatRequest
from domain.errors import UpstreamUnavailableError
from domain.messages import Message, Role
from domain.sampling import JSONSchemaFormat, Sampling

MODEL = "smollm2:135m"
GUARD_S = 60

LONG = JSONSchemaFormat("numbers", {"type": "array", "items": {"type": "integer"}, "minItems": 500})


def ask(text: str, max_tokens: int) -> ChatRequest:
    return ChatRequest(MODEL, (Message(Role.USER, text),), Sampling(max_tokens=max_tokens))


async def test_a_closed_engine_answers_no_more() -> None:
    llm = LlamaCppLLM(RandomIds(), context_length=256)
    running = await llm.stream(replace(ask("Count.", 200), output=LONG))
    await anext(running)
    waiting = await llm.stream(ask("Hello", 2))

    await llm.aclose()
    await llm.aclose()

    assert llm.listening_address is None
    for stream in (running, waiting):
        with pytest.raises(UpstreamUnavailableError):
            async for _ in stream:
                pass
        await stream.aclose()
    with pytest.raises(UpstreamUnavailableError):
        await llm.stream(ask("Hello", 2))
    with pytest.raises(UpstreamUnavailableError):
        await llm.check()


async def test_a_missing_file_is_unavailable(tmp_path: Path) -> None:
    llm = LlamaCppLLM(RandomIds(), tmp_path / "absent.gguf")

    for call in (llm.check, llm.list_models):
        with pytest.raises(UpstreamUnavailableError) as caught:
            await call()
        assert caught.value.code == "model_file_missing"

    await llm.aclose()
    assert llm.listening_address is None


async def test_a_file_that_is_no_model_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "Broken.gguf"
    path.write_bytes(b"GGUF" * 100)
    llm = LlamaCppLLM(RandomIds(), path)

    for _ in range(2):
        with pytest.raises(UpstreamUnavailableError) as caught:
            await llm.show_model("broken")
        assert caught.value.code == "model_load_failed"

    await llm.aclose()


# llama.cpp's own server program takes over the signals, and its library logs.
PROGRAM = f"""
import asyncio, signal, sys
from adapters.llamacpp.llm import LlamaCppLLM
from adapters.system import RandomIds
from domain.chat import ChatRequest
from domain.messages import Message, Role
from domain.sampling import Sampling

assert "xllamacpp" not in sys.modules
signal.signal(signal.SIGTERM, lambda *_: print("ours", flush=True))

async def main():
    llm = LlamaCppLLM(RandomIds(), context_length=256)
    assert "xllamacpp" not in sys.modules
    for text in ("Hello", "hi " * 300):
        request = ChatRequest({MODEL!r}, (Message(Role.USER, text),), Sampling(max_tokens=2))
        stream = await llm.stream(request)
        try:
            async for _ in stream:
                pass
        except Exception as error:
            print(type(error).__name__)
        await stream.aclose()
    signal.raise_signal(signal.SIGTERM)
    if "close" in sys.argv:
        await llm.aclose()

asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["close", "forget"])
def test_a_process_keeps_its_signals_and_its_standard_error(end: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own text
        [sys.executable, "-c", PROGRAM, end],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=GUARD_S,
    )

    assert done.stderr == ""
    assert done.stdout == "InvalidRequestError\nours\n"
    assert done.returncode == 0
