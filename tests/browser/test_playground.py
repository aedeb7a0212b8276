"""The page at / as a browser has it, in front of a model that plays a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from domain.chat import FinishReason, Usage
from domain.errors import UpstreamProtocolError, UpstreamUnavailableError
from domain.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.messages import Role
from tests.browser import chromium
from tests.support.fake_llm import FakeLLM
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

    from domain.models import ModelSummary
    from tests.browser.chromium import Page
    from tests.support.service import Service

CHROMIUM = chromium.find()
KEY = "correct-horse"
USAGE = Usage(prompt_tokens=7, completion_tokens=42)
END = Finished(FinishReason.STOP, USAGE)
ANSWERED = "document.querySelectorAll('.assistant[aria-busy=false]').length === {}"
LISTED = "document.querySelectorAll('#model option').length > 3"
FOCUSED = "document.activeElement.id"
# How the focus shows; the message box leaves that to its frame, and the end of the page has none.
OUTLINE = (
    "document.activeElement.matches('#prompt, body') ? 'elsewhere'"
    " : getComputedStyle(document.activeElement).outlineStyle"
)
# Every control that one can see and use, in the order of the page.
CONTROLS = (
    "[...document.querySelectorAll('a[href], button, select, textarea, input, summary')]"
    ".filter((it) => it.checkVisibility() && !it.disabled && it.tabIndex >= 0)"
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH to open the page in")


class LateList(FakeLLM):
    """A model server that holds its list of models back."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = asyncio.Event()

    async def list_models(self) -> Sequence[ModelSummary]:
        await self.listed.wait()
        return await super().list_models()


@contextlib.asynccontextmanager
async def opened(llm: FakeLLM, **settings: str) -> AsyncGenerator[tuple[Page, Service]]:
    """Open the page; in the end nobody else was asked and nothing was complained of."""
    async with (
        asyncio.timeout(60),
        service_of(llm, **settings) as service,
        chromium.browsing(str(CHROMIUM)) as page,
    ):
        origin = f"http://127.0.0.1:{service.port}"
        await page.open(f"{origin}/")
        yield page, service
        strangers = [u for u in page.requested if not u.startswith((f"{origin}/", "data:"))]
        assert strangers == []
        assert [it for it in page.complaints if not it.startswith("Failed to load")] == []


async def choose(page: Page, model: str) -> None:
    await page.when(LISTED)
    await page.choose("#model", model)


async def ask(page: Page, text: str) -> None:
    await page.type("#prompt", text)
    await page.press("Enter")


async def test_an_answer_is_drawn_while_it_comes(llm: FakeLLM, tmp_path: Path) -> None:
    rest = asyncio.Event()
    llm.play(
        [ReasoningDelta("Light bends.")],
        [TextDelta("A **rain"), TextDelta("bow**:\n\n- red\n- blue\n\n```python\nprint(1)")],
        rest,
        [TextDelta("\n```\n<img src=x onerror=alert(1)> <script>alert(2)</script>"), END],
    )
    async with opened(llm) as (page, _):
        await choose(page, "thinker")
        await page.type("#system", "Be brief.")
        await page.type("#temperature", "0.2")
        await page.type("#max-tokens", "64")
        await ask(page, "Why are there rainbows?")
        half = await page.when("document.querySelector('.assistant pre')?.innerText")
        busy = await page.when("!document.querySelector('#stop').hidden")
        (tmp_path / "midway.png").write_bytes(await page.picture())
        rest.set()
        await page.when(ANSWERED.format(1))
        (tmp_path / "answered.png").write_bytes(await page.picture())

        assert (half, busy) == ("print(1)", True)
        assert await page.text(".assistant strong") == "rainbow"
        assert await page.text(".assistant ul") == "red\nblue"
        assert "Light bends." in str(await page.when("document.body.textContent"))
        # What a model writes is text.
        assert "<img src=x" in await page.text(".assistant .body")
        assert await page.when("!document.querySelector('.body img, .body script')")
        facts = await page.text(".assistant .meta")
        assert "thinker" in facts
        assert "42 tokens" in facts
        assert "first token after" in facts
        assert await page.text("#status") == "Answered."
    (request,) = llm.requests
    assert (request.model, [message.text for message in request.messages]) == (
        "thinker",
        ["Be brief.", "Why are there rainbows?"],
    )
    assert (request.sampling.temperature, request.sampling.max_tokens) == (0.2, 64)


async def test_whoever_is_faster_than_the_list_of_models_asks_the_default_one() -> None:
    llm = LateList()
    async with opened(llm) as (page, _):
        await ask(page, "Hello?")
        await page.when(ANSWERED.format(1))
        llm.listed.set()
        await page.when(LISTED)
        chosen = await page.when("document.querySelector('#model').selectedOptions[0].text")

    assert [request.model for request in llm.requests] == ["smollm2:135m"]
    assert chosen == "Default: smollm2:135m"


async def test_nothing_that_a_model_writes_becomes_more_than_text(llm: FakeLLM) -> None:
    hostile = (
        "<script>complain()</script> <img src=x onerror=complain()> <b>bold</b>\n\n"
        '[a](javascript:complain()) [b](data:text/html,x) [c](http://x/" onclick="complain())\n'
        "[**d**](https://example.com/?a=1&b=2) `<i>` **<u>x</u>** ![e](https://example.com/f.png)\n\n"
        "# <h1>\n\n- <li>\n\n> <q>\n\n| <td> | b |\n|---|---|\n| <td> | d |\n\n"
        "```html\n</pre><script>complain()</script>\n```\n" + "[" * 20_000
    )
    llm.play([ReasoningDelta("<script>complain()</script>"), TextDelta(hostile), END])
    async with opened(llm) as (page, _):
        await ask(page, "<em>Attack</em> me.")
        await page.when(ANSWERED.format(1))
        made = await page.when(
            "[...document.querySelectorAll('.turn .body *')].map((it) => "
            "[it.localName, ...it.getAttributeNames()].join(' '))"
        )
        links = await page.when("[...document.querySelectorAll('.turn a')].map((it) => it.href)")

    blocks = {"p", "h3", "ul", "li", "blockquote", "table", "tr", "th", "td", "div", "pre"}
    assert {one.split()[0] for one in made} <= blocks | {"code", "button", "strong", "em", "a"}
    attributes = {name for one in made for name in one.split()[1:]}
    assert attributes <= {"class", "href", "rel", "tabindex", "target", "title", "type"}
    # One is an image, which the page would have to fetch: it is a link, too.
    assert links == ["https://example.com/?a=1&b=2", "https://example.com/f.png"]


async def test_stop_ends_the_work_at_the_model_server_and_keeps_what_came(llm: FakeLLM) -> None:
    llm.play([TextDelta("Once upon")], asyncio.Event())
    async with opened(llm) as (page, _):
        await ask(page, "Tell a story.")
        await page.when("document.querySelector('.assistant p')")
        await page.click("#stop")
        await llm.streams[0].closed.wait()
        await page.when(ANSWERED.format(1))
        assert await page.text("#status") == "Stopped."
        await ask(page, "Go on.")
        await page.when(ANSWERED.format(2))

    assert [message.text for message in llm.requests[1].messages] == [
        "Tell a story.",
        "Once upon",
        "Go on.",
    ]


async def test_the_key_is_asked_for_kept_in_the_tab_and_never_shown(llm: FakeLLM) -> None:
    async with opened(llm, api_key=KEY) as (page, service):
        await page.when("document.querySelector('#key').open")
        first = await page.text("#key-fault")
        await page.write("wrong")
        await page.press("Enter")
        await page.when("document.querySelector('#key-fault').innerText.startsWith('Incorrect')")
        await page.write(KEY)
        await page.press("Enter")
        await page.when(LISTED)
        await ask(page, "Hello?")
        await page.when(ANSWERED.format(1))
        await page.click("#show-code")
        curl = await page.text("#snippet")
        kept = await page.when(
            "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"
        )
        whole = await page.when("document.documentElement.outerHTML")
        await page.open(f"http://127.0.0.1:{service.port}/")
        await page.when(LISTED)
        await page.click("#show-key")
        await page.click("#forget-key")
        forgotten = await page.when("JSON.stringify({...sessionStorage})")

        assert first == "This server asks for a key."
        assert json.loads(kept) == [{"playground-key": KEY}, {}, ""]
        assert "Authorization: Bearer $OPENAI_API_KEY" in curl
        assert KEY not in whole
        assert forgotten == "{}"
        # Two were refused: without a key, and with the wrong one.
        assert len([it for it in page.complaints if "401" in it]) == 2


async def test_a_failure_tells_its_code_and_request_and_can_be_tried_again(
    llm: FakeLLM, tmp_path: Path
) -> None:
    llm.play(UpstreamUnavailableError("It cannot be reached.", code="upstream_unavailable"))
    llm.play([TextDelta("Half")], UpstreamProtocolError("It broke off.", code="upstream_truncated"))
    async with opened(llm) as (page, _):
        await ask(page, "Hello?")
        early = await page.text(".error")
        await page.click(".error button")
        await page.when("document.querySelector('.error')?.innerText.includes('broke')")
        late = await page.text(".error")
        (tmp_path / "error.png").write_bytes(await page.picture())
        await page.click(".error button")
        await page.when("document.querySelector('.assistant .body').innerText === 'Hello'")
        await page.when("!document.querySelector('.error')")

    assert "It cannot be reached.\n\nstatus 503 · upstream_unavailable · request req_" in early
    assert "It broke off.\n\nupstream_truncated · request req_" in late
    assert [len(request.messages) for request in llm.requests] == [1, 1, 1]


async def test_tool_calls_are_shown_and_their_results_sent(llm: FakeLLM) -> None:
    llm.play(
        [
            ToolCallDelta(0, "call_1", "get_weather", '{"city":'),
            ToolCallDelta(0, None, None, '"X"}'),
        ],
        [Finished(FinishReason.TOOL_CALLS, USAGE)],
    )
    async with opened(llm) as (page, _):
        await choose(page, "tools-model")
        await page.click("#settings summary")
        await page.type("#tools", "[1")
        fault = await page.text("#tools-fault")
        await page.click("#example-tool")
        await ask(page, "The weather in X?")
        shown = await page.text(".call")
        await page.type(".call textarea", "Sunny.")
        await page.click(".results button")
        await page.when(ANSWERED.format(2))

    assert fault.startswith("The definitions of tools are no JSON array")
    assert 'get_weather\n{\n  "city": "X"\n}' in shown
    assert [tool.name for tool in llm.requests[0].tools] == ["get_weather"]
    asked, called, result = llm.requests[1].messages
    assert (asked.role, called.tool_calls[0].id) == (Role.USER, "call_1")
    assert (result.role, result.tool_call_id, result.text) == (Role.TOOL, "call_1", "Sunny.")


async def test_everything_can_be_done_by_keyboard(llm: FakeLLM) -> None:
    llm.play([TextDelta("Once")], asyncio.Event())
    async with opened(llm) as (page, _):
        await page.when("!document.querySelector('#model').disabled")
        assert await page.when(FOCUSED) == "prompt"
        await page.write("A story")
        await page.press("Enter", shift=True)
        await page.write("of two lines")
        await page.press("Enter")
        await page.when("document.querySelector('.assistant p')")
        await page.press("Escape")
        await llm.streams[0].closed.wait()
        await page.when(ANSWERED.format(1))
        assert await page.when(FOCUSED) == "prompt"

        # Around once with Tab: all that can be used is reached, and shows that it is.
        await page.write("more")
        count = await page.when(f"{CONTROLS}.length")
        await page.when(f"({CONTROLS}.forEach((it, i) => it.dataset.at = i), true)")
        reached: set[str] = set()
        outlined: set[str] = set()
        for _ in range(count + 3):
            await page.press("Tab")
            reached.add(str(await page.when("document.activeElement.dataset.at ?? 'none'")))
            outlined.add(await page.when(OUTLINE))
        assert reached >= {str(number) for number in range(count)}
        assert outlined == {"solid", "elsewhere"}

        await page.when("(document.querySelector('#show-code').focus(), true)")
        await page.press("Enter")
        assert await page.when(FOCUSED) == "tab-curl"
        await page.press("ArrowRight")
        assert (await page.text("#snippet")).startswith("from openai import OpenAI")
        await page.press("Escape")
        await page.when("!document.querySelector('#code').open")
        assert await page.when(FOCUSED) == "show-code"
        await page.press("Tab")
        await page.press("Tab")
        before = await page.when("document.querySelector('#theme').getAttribute('aria-pressed')")
        await page.press("Space")
        after = await page.when("document.querySelector('#theme').getAttribute('aria-pressed')")
        assert (before, after) == ("false", "true")

    assert llm.requests[0].messages[0].text == "A story\nof two lines"


async def test_every_control_has_a_name_and_a_phone_shows_all_of_it(
    llm: FakeLLM, tmp_path: Path
) -> None:
    llm.play([TextDelta("word " * 80 + "x" * 400 + "\n\n```\n" + "y" * 400), END])
    async with opened(llm) as (page, _):
        await page.call(
            "Emulation.setDeviceMetricsOverride",
            width=360,
            height=640,
            deviceScaleFactor=1,
            mobile=True,
        )
        await page.open(str(await page.when("location.href")))
        await ask(page, "Long, please. " + "z" * 300)
        await page.when(ANSWERED.format(1))
        width = await page.when("document.documentElement.scrollWidth")
        inside = await page.when(
            f"{CONTROLS}.every((it) => it.getBoundingClientRect().right <= innerWidth + 1)"
        )
        await page.click("#show-settings")
        tree = await page.call("Accessibility.getFullAXTree")
        (tmp_path / "phone.png").write_bytes(await page.picture())

    roles = {"button", "textbox", "combobox", "spinbutton", "link", "dialog"}
    named = [
        node["name"]["value"]
        for node in tree["nodes"]
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert (width, inside) == (360, True)
    assert len(named) > 12
    assert all(named)


@pytest.mark.parametrize("language", ["curl", "python"])
async def test_the_code_that_is_shown_works_as_it_is(llm: FakeLLM, language: str) -> None:
    if language == "curl" and shutil.which("curl") is None:
        pytest.skip("no curl on PATH")
    text = 'It\'s "quoted" \\n $HOME `id`\nü 🙂'
    async with opened(llm, api_key=KEY) as (page, _):
        await page.when("document.querySelector('#key').open")
        await page.write(KEY)
        await page.press("Enter")
        await page.when(LISTED)
        await choose(page, "tools-model")
        await page.click("#example-tool")
        await page.type("#system", "Be 'brief'.")
        await page.type("#temperature", "0")
        await page.type("#prompt", text)
        await page.click("#show-code")
        await page.click(f"#tab-{language}")
        code = await page.text("#snippet")
        command = ("bash", "-c") if language == "curl" else (sys.executable, "-c")
        said = await output((*command, code), {"OPENAI_API_KEY": KEY})

    assert KEY not in code
    assert ("[DONE]" if language == "curl" else "Hello") in said
    (request,) = llm.requests
    assert [message.text for message in request.messages] == ["Be 'brief'.", text]
    assert (request.model, request.sampling.temperature) == ("tools-model", 0)
    assert [tool.name for tool in request.tools] == ["get_weather"]


async def output(command: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """Return what a program prints."""
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()
