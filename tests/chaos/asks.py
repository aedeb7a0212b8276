"""What the fuzz asks: mutated bodies, and requests that are odd in their heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.chaos import mutation

if TYPE_CHECKING:
    from random import Random  # noqa: TID251 - seeded: chance that can be repeated

    from tests.chaos.bodies import Known, Sample

KEY = "the-key-of-the-fuzz-0001"
_KEYED = {"authorization": f"Bearer {KEY}"}
# Shares of all that is asked; the rest are bodies by POST.
_GREAT = ("/v1/chat/completions", "/v1/responses")
_TURNS = 0.1
_HEADS = 0.2
_ODD_HEADERS = 0.15
_ODD_PATH = 0.05
_CHUNKED = 0.05

# What is asked without a body; ids of things that are there stand for the names in braces.
_ROUTES: Sequence[str] = (
    *("/", "/healthz", "/readyz", "/metrics", "/compatibility", "/docs", "/docs/openapi.json"),
    *("/playground/page.js", "/v1", "/v1/models", "/v1/models/{model}", "/v1/chat/completions"),
    *("/v1/completions", "/v1/embeddings", "/v1/files/x", "/v1/chat/completions/{response}"),
    *("/v1/responses", "/v1/responses/{response}", "/v1/responses/{response}/input_items"),
    *("/v1/responses/{response}/cancel", "/v1/responses/input_tokens", "/v1/conversations"),
    *("/v1/conversations/{conversation}", "/v1/conversations/{conversation}/items"),
    "/v1/conversations/{conversation}/items/{item}",
)
_METHODS = (
    *("GET", "GET", "GET", "GET", "HEAD", "OPTIONS", "DELETE", "POST"),
    *("PUT", "PATCH", "TRACE", "PROPFIND"),
)
_QUERY_NAMES = (
    *("limit", "order", "after", "before", "include", "include[]", "stream", "starting_after"),
    *("api_key", "", "nobody", "a" * 300),
)
_QUERY_VALUES = (
    *(
        "",
        "0",
        "1",
        "5",
        "100",
        "101",
        "-1",
        "1.5",
        "9" * 5000,
        "\u0663",
        "\u00b2",
        "true",
        "false",
    ),
    *(
        "asc",
        "desc",
        "reasoning.encrypted_content",
        "{item}",
        "{response}",
        "\0",
        "%",
        "\ud800",
        "é",
    ),
)
_SEGMENTS = (
    *("..", ".", "%2e%2e", "%2f", "%00", "%0d%0a", "%ff", "%f0%9f", "a" * 5000, "é", "*", ";x=1"),
    *("resp_", "conv_", "0", "-1", "x/y", "%20", "{response}", "{conversation}"),
)
# Headers in place of the usual ones; None leaves one out.
_HEADERS: Sequence[Mapping[str, str | None]] = (
    {"content-type": "text/plain"},
    {"content-type": ""},
    {"content-type": None},
    {"content-type": "application/json; charset=utf-16"},
    {"content-encoding": "gzip"},
    {"content-encoding": "br"},
    {"content-encoding": "zstd"},
    {"content-encoding": "gzip, gzip"},
    {"x-responses-shape": "simple"},
    {"x-responses-shape": "?"},
    {"idempotency-key": "again"},
    {"idempotency-key": "é" * 300},
    {"accept": "text/event-stream"},
    {"accept": "text/html"},
    {"accept-encoding": "gzip"},
    {"expect": "100-continue"},
    {"origin": "https://elsewhere.example"},
    {"origin": "null", "access-control-request-method": "POST"},
    {"last-event-id": "9" * 5000},
    {"x-request-id": "a b\t\x7f" + "é" * 200},
    {"traceparent": "00-" + "0" * 32 + "-" + "f" * 16 + "-01", "tracestate": "é=" * 600},
    {"host": "elsewhere.example"},
    {"host": "[::1"},
    {"host": ""},
    {"cookie": "a=" + "b" * 9000},
    {"x-many": "c" * 70_000},
    {"authorization": None},
    {"authorization": "Bearer"},
    {"authorization": f"Bearer {KEY}x"},
    {"authorization": f"Basic {KEY}"},
    {"authorization": f"bearer  {KEY} "},
    {"x-api-key": KEY},
    {"x-api-key": "another-key-0000"},
    {"authorization": None, "x-api-key": "é\xff"},
    {"upgrade": "websocket", "connection": "upgrade"},
    {"upgrade": "h2c", "connection": "upgrade, http2-settings"},
)
# What a client does with what it got: each goes to the id of an answer that has one.
FOLLOWING: Sequence[tuple[str, str]] = (
    ("GET", ""),
    ("GET", "?stream=true"),
    ("GET", "?include[]=reasoning.encrypted_content"),
    ("GET", "/input_items?limit=1&order=asc"),
    ("GET", "/items?limit=100"),
    ("POST", "/cancel"),
    ("DELETE", ""),
)
_FOLLOWED = 0.4


@dataclass(frozen=True, slots=True)
class Ask:
    """A request.

    Attributes:
        socket: it goes over the WebSocket, as the text of a frame; nothing but ``body`` counts.
        following: what is asked, one after the other, of the thing that the answer is.
    """

    path: str
    body: bytes
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    socket: bool = False
    following: Sequence[tuple[str, str]] = ()
    chunked: bool = False


def ask(samples: Sequence[Sample], known: Known, chance: Random) -> Ask:
    """Return a request that chance makes.

    Args:
        samples: valid bodies.
        known: ids of what is there.
        chance: decides everything.
    """
    share = chance.random()
    if share < _TURNS:
        return _turn(samples, chance)
    if share < _TURNS + _HEADS:
        return _without_body(known, chance)
    # Each endpoint as often as any other, the two great ones twice as often.
    paths = [*dict.fromkeys(it.path for it in samples), *_GREAT]
    path = chance.choice(paths)
    sample = chance.choice([it for it in samples if it.path == path])
    body = mutation.mutated(sample.body, _others(sample, samples, chance), chance)
    return Ask(
        known.filled(_path(sample.path, chance)),
        body,
        headers=_headers(chance, {"content-type": "application/json"}),
        following=_following(chance),
        chunked=chance.random() < _CHUNKED,
    )


def _others(sample: Sample, samples: Sequence[Sample], chance: Random) -> Sequence[object]:
    """Return bodies to take parts from: rather those that have their place here."""
    same = chance.random() < 0.9
    return [it.body for it in samples if not same or it.path == sample.path]


def _turn(samples: Sequence[Sample], chance: Random) -> Ask:
    own = [it for it in samples if it.path == "/v1/responses"]
    sample = chance.choice(own)
    event = {"type": "response.create", **sample.body}
    for name in ("stream", "background"):
        if chance.random() < 0.9:
            event.pop(name, None)
    if chance.random() < 0.2:
        event |= chance.choice(({"generate": False}, {"stream_id": "a"}, {"client_metadata": {}}))
    body = mutation.mutated(event, [it.body for it in own], chance)
    return Ask("/v1/responses", body, socket=True)


def _without_body(known: Known, chance: Random) -> Ask:
    path = known.filled(_path(chance.choice(_ROUTES), chance))
    if chance.random() < 0.5:
        pairs = [
            (chance.choice(_QUERY_NAMES), known.filled(chance.choice(_QUERY_VALUES)))
            for _ in range(chance.choice((1, 1, 2, 3)))
        ]
        raw = chance.random() < 0.1
        path += "?" + "&".join(
            f"{n}={v if raw and v.isprintable() else _quoted(v)}" for n, v in pairs
        )
    method = chance.choice(_METHODS)
    # What all the others ask of stays; what is made on the way is deleted.
    if method == "DELETE" and known.is_in(path):
        method = "GET"
    return Ask(path, b"", method, _headers(chance, {}))


def _quoted(text: str) -> str:
    return quote(text, errors="surrogatepass")


def _path(path: str, chance: Random) -> str:
    """Return mostly ``path``; else another spelling of it, or one of something else."""
    if chance.random() >= _ODD_PATH:
        return path
    steps = path.split("/")
    place = chance.randrange(1, len(steps) + 1)
    return chance.choice(
        (
            "/".join([*steps[:place], chance.choice(_SEGMENTS), *steps[place:]]),
            "/".join([*steps[: place - 1], chance.choice(_SEGMENTS), *steps[place:]]),
            path + "/",
            path.replace("/v1", "", 1) or "/",
            "/" + path,
            path.replace("/", "//"),
            path.upper(),
            "http://elsewhere.example" + path,
            path + "#x",
        )
    )


def _headers(chance: Random, usual: Mapping[str, str]) -> dict[str, str]:
    headers: dict[str, str | None] = {"x-responses-shape": "openai", **_KEYED, **usual}
    while chance.random() < _ODD_HEADERS:
        headers |= chance.choice(_HEADERS)
    return {name: value for name, value in headers.items() if value is not None}


def _following(chance: Random) -> Sequence[tuple[str, str]]:
    if chance.random() >= _FOLLOWED:
        return ()
    return [chance.choice(FOLLOWING) for _ in range(chance.choice((1, 2, 3)))]
