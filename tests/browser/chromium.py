"""A headless Chromium over its DevTools protocol, and what it fetched."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--window-size=1280,1000",
    # The browser itself must not leave the machine either; a page that tries is still logged.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
_DOMAINS = ("Page", "Runtime", "Network", "Log")
# What a key is called, its number, and what it writes.
_KEYS = {
    "ArrowRight": (39, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Space": (32, " "),
    "Tab": (9, ""),
}

# Runs once the page's content satisfies a condition, without asking again and again.
_WHEN = """
new Promise((resolve) => {
  let it;
  const look = () => { const value = (%s); if (value) { watch.disconnect(); resolve(value); } };
  const watch = new MutationObserver(look);
  const all = {subtree: true, childList: true, attributes: true, characterData: true};
  watch.observe(document, all);
  look();
})
"""


def find() -> str | None:
    """Return the path of a Chromium, if there is one."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class Page:
    """One tab.

    Attributes:
        requested: every URL that the page asked for.
        complaints: what the browser logged as an error, violations of the page's policy among
            them, and exceptions that no script caught.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.requested: list[str] = []
        self.complaints: list[str] = []
        self._socket = socket
        self._session: str | None = None
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()

    async def listen(self) -> None:
        """Take in what the browser says until the connection ends."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            else:
                self._note(said["method"], said["params"])

    async def attach(self) -> None:
        """Open the tab."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in _DOMAINS:
            await self.call(f"{domain}.enable")

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        """Return the result of a DevTools method.

        Raises:
            RuntimeError: the browser refused.
        """
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        command: dict[str, object] = {"id": number, "method": method, "params": params}
        if self._session is not None:
            command["sessionId"] = self._session
        await self._socket.send_json(command)
        said = await self._answers[number]
        if "error" in said:
            raise RuntimeError(said["error"]["message"])
        result: dict[str, Any] = said["result"]
        return result

    async def open(self, url: str) -> None:
        """Go to ``url`` and await its load event."""
        self._loaded.clear()
        await self.call("Page.navigate", url=url)
        await self._loaded.wait()

    async def when(self, condition: str) -> Any:
        """Return the value of a JavaScript expression once it is true."""
        done = await self.call(
            "Runtime.evaluate", expression=_WHEN % condition, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"])
        return done["result"].get("value")

    async def click(self, selector: str) -> None:
        """Click on an element once it is there."""
        await self.when(f"(it = {_element(selector)}) && (it.click(), true)")

    async def type(self, selector: str, text: str) -> None:
        """Type into a field once it is there."""
        await self.when(f"(it = {_element(selector)}) && (it.focus(), true)")
        await self.write(text)

    async def write(self, text: str) -> None:
        """Type where the focus is."""
        await self.call("Input.insertText", text=text)

    async def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key and let it go."""
        number, text = _KEYS[key]
        about = {
            "key": text if key == "Space" else key,
            "code": key,
            "windowsVirtualKeyCode": number,
            "modifiers": 8 if shift else 0,
        }
        down = "keyDown" if text else "rawKeyDown"
        await self.call("Input.dispatchKeyEvent", type=down, text=text, **about)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    async def choose(self, selector: str, option: str) -> None:
        """Choose an option of a list by its text, once it is there."""
        index = f"[...it.options].findIndex((one) => one.text === {json.dumps(option)})"
        changed = 'it.dispatchEvent(new Event("change", {bubbles: true}))'
        await self.when(f"(it = {_element(selector)}) && (it.selectedIndex = {index}, {changed})")

    async def text(self, selector: str) -> str:
        """Return the text of an element once it has some."""
        return str(await self.when(f"{_element(selector)}?.innerText"))

    async def picture(self) -> bytes:
        """Return what the tab shows, as a PNG."""
        shot = await self.call("Page.captureScreenshot")
        return base64.b64decode(shot["data"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case "Page.loadEventFired":
                self._loaded.set()
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "assert"}:
                self.complaints.append(str(params["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case _:
                pass


def _element(selector: str) -> str:
    return f"document.querySelector({json.dumps(selector)})"


@contextlib.asynccontextmanager
async def browsing(executable: str) -> AsyncGenerator[Page]:
    """Run a browser with a profile of its own; yield its one tab."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            executable,
            *_FLAGS,
            f"--user-data-dir={profile}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            address = await _address(process)
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(address, max_msg_size=0) as socket,
            ):
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                try:
                    await page.attach()
                    yield page
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
        finally:
            # Not killed: its children would go on writing to the profile.
            process.terminate()
            await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    """Return where the browser listens, which it says on standard error."""
    lines: list[str] = []
    assert process.stderr is not None
    async for line in process.stderr:
        lines.append(line.decode(errors="replace"))
        _, found, address = lines[-1].partition("DevTools listening on ")
        if found:
            return address.strip()
    message = "".join(["Chromium did not start:\n", *lines])
    raise RuntimeError(message)
