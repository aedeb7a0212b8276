"""What keys may use, and how they are told; on a real socket, with the official client."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import openai
import pytest

from entrypoints.http.rate_headers import duration
from tests.support import raw_http
from tests.support.fake_llm import USAGE
from tests.support.keys import bearer, key_of, line, write
from tests.support.responses import OPENAI, PATH
from tests.support.service import ASK, CHAT, MODEL, service_of
from tests.support.sockets import connected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

    from tests.support.fake_llm import FakeLLM
    from tests.support.raw_http import Head
    from tests.support.service import Service

TOTAL = USAGE.prompt_tokens + USAGE.completion_tokens
EMBED = {"model": "embedder", "input": "one two three"}


@pytest.fixture
async def team(llm: FakeLLM, tmp_path: Path) -> AsyncGenerator[Service]:
    path = write(
        tmp_path,
        line("free"),
        line("rare", "requests_per_minute=2"),
        line("brief", "tokens_per_minute=60"),
        line("both", "requests_per_minute=600 tokens_per_minute=60000"),
        line("single", "concurrency=1"),
        line("picky", "models=llama3"),
    )
    async with service_of(llm, api_key="fixed", api_key_file=str(path)) as running:
        yield running


def rates(headers: Mapping[str, str]) -> dict[str, str]:
    start = "x-ratelimit-"
    return {k.removeprefix(start): v for k, v in headers.items() if k.startswith(start)}


async def test_every_answer_tells_how_the_limits_stand(team: Service) -> None:
    whole = await team.ask(ASK, headers=bearer("both"))
    streamed = await team.ask(ASK | {"stream": True}, headers=bearer("both"))
    bad = await team.ask({}, headers=bearer("both"))
    looked = await team.ask(path="/v1/models", headers=bearer("both"))

    assert rates(whole.headers) == {
        "limit-requests": "600",
        "remaining-requests": "599",
        "reset-requests": "100ms",
        "limit-tokens": "60000",
        "remaining-tokens": str(60000 - TOTAL),
        "reset-tokens": f"{TOTAL}ms",
    }
    assert rates(streamed.headers)["remaining-requests"] == "598"
    assert rates(bad.headers)["remaining-requests"] == "597"
    assert rates(bad.headers)["remaining-tokens"] == str(60000 - 2 * TOTAL)
    assert rates(looked.headers)["remaining-requests"] == "597"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("free", []),
        ("rare", ["requests"]),
        ("brief", ["tokens"]),
        ("both", ["requests", "tokens"]),
        ("single", []),
        ("picky", []),
    ],
)
async def test_only_what_is_limited_is_told(team: Service, name: str, told: list[str]) -> None:
    answer = await team.ask(ASK | {"model": "llama3"}, headers=bearer(name))

    assert answer.status == 200
    assert sorted({each.rpartition("-")[2] for each in rates(answer.headers)}) == told


async def test_whoever_has_no_file_is_told_nothing(team: Service) -> None:
    assert rates((await team.ask(ASK, headers={"x-api-key": "fixed"})).headers) == {}


async def test_requests_over_the_limit_are_refused_until_one_is_back(
    team: Service, llm: FakeLLM
) -> None:
    answers = [await team.ask(ASK, headers=bearer("rare")) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].json == {
        "error": {
            "message": (
                "Rate limit reached for this API key: 2 requests per minute. "
                "Please try again in 30s."
            ),
            "type": "requests",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }
    assert answers[2].headers["retry-after"] == "30"
    assert rates(answers[2].headers) == {
        "limit-requests": "2",
        "remaining-requests": "0",
        "reset-requests": "1m0s",
    }
    assert len(llm.requests) == 2

    team.clock.now += 30
    assert (await team.ask(ASK, headers=bearer("rare"))).status == 200


async def test_looking_is_free(team: Service) -> None:
    for _ in range(4):
        assert (await team.ask(path="/v1/models", headers=bearer("rare"))).status == 200
    assert (await team.ask(ASK, headers=bearer("rare"))).status == 200


async def test_one_key_does_not_use_what_another_may(team: Service) -> None:
    for _ in range(3):
        await team.ask(ASK, headers=bearer("rare"))

    assert (await team.ask(ASK, headers=bearer("both"))).status == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_tokens_over_the_limit_are_owed(team: Service, *, stream: bool) -> None:
    asked = ASK | {"stream": stream}
    answers = [await team.ask(asked, headers=bearer("brief")) for _ in range(8)]

    # 7 answers of 9 tokens are 3 more than 60, and one is to be left.
    assert [answer.status for answer in answers] == [*([200] * 7), 429]
    assert answers[7].json["error"]["type"] == "tokens"
    assert answers[7].json["error"]["code"] == "rate_limit_exceeded"
    assert answers[7].headers["retry-after"] == "4"
    assert rates(answers[7].headers)["remaining-tokens"] == "0"

    team.clock.now += 4
    assert (await team.ask(asked, headers=bearer("brief"))).status == 200


async def test_tokens_of_all_endpoints_count(team: Service) -> None:
    header = bearer("both")
    counts = [60000]
    for path, body in (
        (PATH, {"input": "Hi"}),
        (PATH, {"input": "Hi", "stream": True}),
        ("/v1/completions", {"prompt": "Hi", "max_tokens": 5}),
        ("/v1/embeddings", EMBED),
        (CHAT, ASK | {"n": 3}),
    ):
        await team.ask(body, path, header)
        looked = await team.ask(path="/v1/models", headers=header)
        counts.append(int(rates(looked.headers)["remaining-tokens"]))

    used = [before - after for before, after in pairwise(counts)]
    assert used == [TOTAL, TOTAL, TOTAL, 3, 3 * TOTAL]


async def test_an_answer_whose_client_leaves_still_counts(team: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    reader, writer = await raw_http.send(team.port, CHAT, ASK | {"stream": True}, bearer("brief"))
    await raw_http.read_head(reader)
    await raw_http.read_chunk(reader)
    await raw_http.hang_up(writer)
    await llm.streams[0].closed.wait()

    looked = await team.ask(path="/v1/models", headers=bearer("brief"))
    # A prompt of 10 characters, and a piece.
    assert rates(looked.headers)["remaining-tokens"] == str(60 - 10 // 4 - 1)


async def test_one_answer_at_a_time(team: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    reader, writer = await raw_http.send(team.port, CHAT, ASK | {"stream": True}, bearer("single"))
    head = await raw_http.read_head(reader)
    refused = [
        await team.ask(body, path, bearer("single"))
        for path, body in ((CHAT, ASK), (CHAT, ASK | {"stream": True}), ("/v1/embeddings", EMBED))
    ]
    other = asyncio.create_task(team.ask(ASK, headers=bearer("free")))
    await llm.opened(2)
    llm.gate.set()
    await raw_http.read_body(reader, head)
    await raw_http.hang_up(writer)

    assert [answer.status for answer in refused] == [429] * 3
    assert refused[0].json["error"]["code"] == "rate_limit_exceeded"
    assert refused[0].headers["retry-after"] == "1"
    assert (await other).status == 200
    assert (await team.ask(ASK, headers=bearer("single"))).status == 200


async def test_many_choices_come_one_after_the_other(team: Service, llm: FakeLLM) -> None:
    several = await team.ask(ASK | {"n": 3}, headers=bearer("single"))
    streamed = await team.ask(ASK | {"n": 3, "stream": True}, headers=bearer("single"))
    texts = {"model": "embedder", "input": ["word"] * 300}
    vectors = await team.ask(texts, "/v1/embeddings", bearer("single"))

    assert [len(several.json["choices"]), len(vectors.json["data"])] == [3, 300]
    assert streamed.body.count(b'"finish_reason":"stop"') == 3
    assert len(llm.streams) == 6


async def test_an_answer_in_the_background_has_its_place(team: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    header = bearer("single") | OPENAI
    body = {"input": "Hi", "background": True}
    taken = await team.ask(body, PATH, header)
    await llm.opened(1)
    refused = [await team.ask(body, PATH, header), await team.ask(ASK, headers=header)]
    llm.gate.set()
    await team.ask(path=f"{PATH}/{taken.json['id']}?stream=true", headers=header)

    assert (taken.status, [answer.status for answer in refused]) == (200, [429, 429])
    assert (await team.ask(ASK, headers=header)).status == 200


async def test_each_turn_of_a_websocket_is_a_request(team: Service) -> None:
    async with asyncio.timeout(10), connected(team, bearer("rare")) as socket:
        head = socket.connection.response
        assert head is not None
        first, second = await socket.answer(), await socket.answer(generate=False)
        refused = await socket.refusal()
        team.clock.now += 30
        third = await socket.answer()

    assert head.headers["x-ratelimit-remaining-requests"] == "2"
    assert [turn["status"] for turn in (first, second, third)] == ["completed"] * 3
    assert (refused["code"], refused["type"]) == ("rate_limit_exceeded", "requests")


async def test_turns_have_places_and_tokens_as_requests_have(team: Service, llm: FakeLLM) -> None:
    async with asyncio.timeout(10), connected(team, bearer("single")) as socket:
        await socket.answer()
        llm.gate = asyncio.Event()
        _, writer = await raw_http.send(team.port, CHAT, ASK | {"stream": True}, bearer("single"))
        await llm.opened(2)
        refused = await socket.refusal()
        await raw_http.hang_up(writer)
    async with asyncio.timeout(10), connected(team, bearer("brief")) as socket:
        llm.gate = None
        for _ in range(7):
            await socket.answer()
        owing = await socket.refusal()

    assert refused["code"] == owing["code"] == "rate_limit_exceeded"
    assert owing["type"] == "tokens"


async def test_the_official_client_waits_as_it_is_told(team: Service) -> None:
    client = openai.AsyncOpenAI(
        base_url=f"http://127.0.0.1:{team.port}/v1", api_key=key_of("rare"), max_retries=0
    )
    async with client:
        asking = client.chat.completions.with_raw_response
        raw = await asking.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
        await asking.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
        with pytest.raises(openai.RateLimitError) as caught:
            await asking.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])

    assert raw.headers["x-ratelimit-remaining-requests"] == "1"
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "30"


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ("requests_per_minute=5 tokens_per_minute=100", ("3", str(100 - 2 * TOTAL))),
        ("requests_per_minute=2 tokens_per_minute=10", ("0", "0")),
        ("requests_per_minute=3 tokens_per_minute=60 concurrency=1", ("1", str(60 - 2 * TOTAL))),
        (f"requests_per_minute=3 tokens_per_minute=60 models={MODEL}", ("1", str(60 - 2 * TOTAL))),
    ],
)
async def test_what_was_used_stays_used_where_a_limit_is_changed(
    llm: FakeLLM, tmp_path: Path, options: str, left: tuple[str, str]
) -> None:
    before = "requests_per_minute=3 tokens_per_minute=60"
    path = write(tmp_path, line("a", before), line("b", before))
    async with service_of(llm, api_key_file=str(path)) as service:
        for name in ("a", "a", "b"):
            await service.ask(ASK, headers=bearer(name))
        write(tmp_path, line("a", options), line("b", before))
        # A second later, when the file is looked at, a part is back.
        service.clock.now += 1
        looked = [await service.ask(path="/v1/models", headers=bearer(name)) for name in "ab"]

    told = [rates(answer.headers) for answer in looked]
    assert [int(told[0][f"remaining-{what}"]) for what in ("requests", "tokens")] == [
        pytest.approx(int(expected), abs=1) for expected in left
    ]
    assert (told[1]["remaining-requests"], told[1]["remaining-tokens"]) == ("2", str(61 - TOTAL))


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ("concurrency=1", "concurrency=2", 1),
        ("concurrency=3", "concurrency=1", 0),
        ("tokens_per_minute=600", "tokens_per_minute=600 concurrency=2", 1),
        ("concurrency=1", "requests_per_minute=60", 4),
    ],
)
async def test_answers_under_way_have_their_places_where_a_limit_is_changed(
    llm: FakeLLM, tmp_path: Path, before: str, after: str, more: int
) -> None:
    async def stream() -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter, Head]:
        reader, writer = await raw_http.send(
            service.port, CHAT, ASK | {"stream": True}, bearer("a")
        )
        head = await raw_http.read_head(reader)
        return head.status, reader, writer, head

    path = write(tmp_path, line("a", before))
    async with service_of(llm, api_key_file=str(path)) as service:
        llm.gate = asyncio.Event()
        opened = [await stream()]
        write(tmp_path, line("a", after))
        service.clock.now += 1
        opened += [await stream() for _ in range(4)]
        llm.gate.set()
        for _, reader, writer, head in opened:
            await raw_http.read_body(reader, head)
            await raw_http.hang_up(writer)
        last = await service.ask(ASK, headers=bearer("a"))

    assert [status for status, *_ in opened[1:]] == [200] * more + [429] * (4 - more)
    assert last.status == 200


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (0.0000001, "0s"),
        (0.0001, "1ms"),
        (0.012, "12ms"),
        (0.9999, "1s"),
        (1, "1s"),
        (8.64, "8.64s"),
        (59.9999, "1m0s"),
        (60, "1m0s"),
        (86.4, "1m26.4s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
        (24 * 3600 + 61.001, "24h1m1.001s"),
    ],
)
def test_times_are_written_as_openai_writes_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
