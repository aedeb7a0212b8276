"""Several servers as one: who is asked, and who is asked instead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from application.pool import PooledLLM, pooled
from domain.chat import ChatRequest
from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from domain.events import TextDelta
from domain.messages import Message, Role
from domain.models import ModelSummary
from tests.support.fake_llm import HELLO, MODELS, FakeLLM
from tests.support.streams import LIMIT_S, answer, fold, outcome, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.events import ChatEvent

GONE = UpstreamUnavailableError("gone", code="upstream_unavailable")
BROKEN = UpstreamProtocolError("broken")


class LoadedLLM(FakeLLM):
    """Says which models it has in memory."""

    def __init__(self, *loaded: str) -> None:
        super().__init__()
        self.loaded = loaded

    async def list_models(self) -> Sequence[ModelSummary]:
        return [ModelSummary(name, 1, loaded=name in self.loaded) for name in self.models]


def ask(text: str = "Hello", model: str = "llama3") -> ChatRequest:
    return ChatRequest(model, (Message(Role.USER, text),))


def pool(*servers: FakeLLM) -> PooledLLM:
    return PooledLLM({f"server {place}": server for place, server in enumerate(servers)})


def asked(*servers: FakeLLM) -> list[int]:
    return [len(server.requests) for server in servers]


async def home(first: FakeLLM, second: FakeLLM) -> tuple[PooledLLM, FakeLLM, FakeLLM]:
    """Return the pool, the server that it asks first, and the other."""
    both = pool(first, second)
    await answer(both, ask())
    return (both, first, second) if first.requests else (both, second, first)


def test_one_server_needs_no_pool() -> None:
    alone = FakeLLM()

    assert pooled({"a": alone}) is alone
    assert isinstance(pooled({"a": alone, "b": alone}), PooledLLM)


async def test_a_conversation_stays_and_others_spread() -> None:
    servers = [FakeLLM(), FakeLLM(), FakeLLM()]
    llm = pool(*servers)

    for _ in range(5):
        await answer(llm, ask())
    stayed = asked(*servers)
    for number in range(30):
        await answer(llm, ask(str(number)))

    assert sorted(stayed) == [0, 0, 5]
    assert min(asked(*servers)) > 3


async def test_many_answers_at_once_are_shared_out() -> None:
    servers = [FakeLLM(), FakeLLM()]
    llm = pool(*servers)

    streams = [await llm.stream(ask()) for _ in range(10)]
    shares = asked(*servers)
    for stream in streams:
        await stream.aclose()
        await stream.aclose()
    again = [await llm.stream(ask()) for _ in range(2)]

    assert max(shares) - min(shares) <= 3
    assert sorted(
        after - before for before, after in zip(shares, asked(*servers), strict=True)
    ) == [
        0,
        2,
    ]
    for stream in again:
        await stream.aclose()
    assert all(stream.closed.is_set() for server in servers for stream in server.streams)


@pytest.mark.parametrize(
    "error",
    [GONE, OverloadedError("busy"), UpstreamError("crashed"), BROKEN, NotFoundError("deleted")],
)
async def test_another_is_asked_where_one_fails_before_its_first_word(error: ServiceError) -> None:
    llm, first, second = await home(FakeLLM(), FakeLLM())
    first.play(error)

    result = fold(await answer(llm, ask()))

    assert result.content == "Hello"
    assert asked(first, second) == [2, 1]


@pytest.mark.parametrize("error", [OverloadedError("busy"), BROKEN])
async def test_a_server_that_could_be_reached_has_the_word(error: ServiceError) -> None:
    llm, first, second = await home(FakeLLM(), FakeLLM())
    first.play(GONE)
    second.play(error)

    assert await outcome(llm, ask()) is error


async def test_no_other_is_asked_after_the_first_word() -> None:
    llm, first, second = await home(FakeLLM(), FakeLLM())
    first.play([TextDelta("Hel")], BROKEN)

    error = await outcome(llm, ask())

    assert error is BROKEN
    assert asked(first, second) == [2, 0]


@pytest.mark.parametrize("error", [InvalidRequestError("no"), UpstreamTimeoutError("late")])
async def test_what_another_would_not_mend_is_told_at_once(error: ServiceError) -> None:
    llm, first, second = await home(FakeLLM(), FakeLLM())
    first.play(error)

    assert await outcome(llm, ask()) is error
    assert not second.requests


async def test_a_request_that_breaks_servers_breaks_two_at_most() -> None:
    servers = [FakeLLM(BROKEN) for _ in range(4)]

    assert await outcome(pool(*servers), ask()) is BROKEN
    assert sum(asked(*servers)) == 2


async def test_who_failed_is_asked_last_until_looked_at_again() -> None:
    llm, first, second = await home(FakeLLM(), FakeLLM())
    first.play(GONE)

    for _ in range(3):
        await answer(llm, ask())

    assert asked(first, second) == [2, 3]


async def test_a_server_that_refused_has_no_more_to_do_than_before() -> None:
    llm, first, second = await home(FakeLLM(), FakeLLM())
    for _ in range(3):
        first.play(OverloadedError("busy"))
        await answer(llm, ask())

    await answer(llm, ask())

    assert asked(first, second) == [5, 3]


async def test_only_servers_with_the_model_are_asked() -> None:
    servers = [FakeLLM(models={}), FakeLLM(), FakeLLM(models={})]
    llm = pool(*servers)

    for number in range(9):
        await answer(llm, ask(str(number)))

    assert asked(*servers) == [0, 9, 0]
    assert (await llm.show_model("llama3")).name == "llama3"


@pytest.mark.parametrize("error", [GONE, OverloadedError("busy"), BROKEN])
async def test_a_model_is_not_missing_while_a_server_that_may_have_it_fails(
    error: ServiceError,
) -> None:
    class UnlistedLLM(FakeLLM):
        async def list_models(self) -> Sequence[ModelSummary]:
            raise BROKEN

    there, unlisted = FakeLLM(), UnlistedLLM(models={})
    llm = pool(there, unlisted, FakeLLM(models={}))
    await answer(llm, ask())
    there.failure = error

    # Whichever of the two is asked first.
    errors = [await outcome(llm, ask(str(number))) for number in range(9)]
    assert errors == [error] * 9
    with pytest.raises(type(error)):
        await llm.show_model("llama3")


async def test_servers_are_looked_at_anew_beside_the_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class EmptyingLLM(FakeLLM):
        """Has no model any more when it is looked at again."""

        def __init__(self) -> None:
            super().__init__()
            self.looks = 0
            self.emptied = asyncio.Event()

        async def list_models(self) -> Sequence[ModelSummary]:
            self.looks += 1
            if self.looks > 1:
                self.models.clear()
                self.emptied.set()
            return await super().list_models()

    monkeypatch.setattr("application.pool._KNOWN_S", 0)
    emptying = EmptyingLLM()
    servers = [emptying, FakeLLM()]
    llm = pool(*servers)
    await answer(llm, ask())
    await answer(llm, ask())
    async with asyncio.timeout(5):
        await emptying.emptied.wait()
    await llm.list_models()
    before = asked(*servers)

    for number in range(9):
        await answer(llm, ask(str(number)))

    assert [now - then for now, then in zip(asked(*servers), before, strict=True)] == [0, 9]


async def test_a_look_that_is_slow_holds_up_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowingLLM(FakeLLM):
        """Lists its models at once, and then never again."""

        looked = False

        async def list_models(self) -> Sequence[ModelSummary]:
            if self.looked:
                await asyncio.Event().wait()
            self.looked = True
            return await super().list_models()

    monkeypatch.setattr("application.pool._KNOWN_S", 0)
    servers = {name: SlowingLLM() for name in ("a", "b")}
    llm = PooledLLM(servers, patience_s=60)

    for _ in range(3):
        await answer(llm, ask())
    await llm.aclose()

    assert sorted(asked(*servers.values())) == [0, 3]


async def test_a_server_whose_list_fails_may_have_any_model() -> None:
    first, second = FakeLLM(), FakeLLM(models={})
    llm = pool(first, second)
    await answer(llm, ask())
    second.failure = BROKEN
    await llm.list_models()
    second.failure = None
    second.models.update(MODELS)
    first.play(GONE)

    assert fold(await answer(llm, ask())).content == "Hello"
    assert asked(first, second) == [2, 1]


async def test_a_model_that_came_meanwhile_is_there() -> None:
    servers = [FakeLLM(models={}), FakeLLM()]
    llm = pool(*servers)
    await answer(llm, ask())
    servers[1].models["fresh"] = MODELS["llama3"]

    assert fold(await answer(llm, ask(model="fresh"))).content == "Hello"


async def test_a_model_that_none_has_is_not_found_in_a_servers_words() -> None:
    servers = [FakeLLM(), FakeLLM()]

    error = await outcome(pool(*servers), ask(model="nope"))

    assert isinstance(error, NotFoundError)
    assert error.message == "The model 'nope' does not exist."
    assert sum(asked(*servers)) == 1


async def test_servers_that_have_the_model_in_memory_come_first() -> None:
    servers = [LoadedLLM(), LoadedLLM("llama3"), LoadedLLM("smollm2:135m")]
    llm = pool(*servers)

    for number in range(9):
        await answer(llm, ask(str(number)))

    assert asked(*servers) == [0, 9, 0]


async def test_a_server_that_is_gone_at_first_is_no_hindrance() -> None:
    gone, there = FakeLLM(), FakeLLM()
    gone.failure = GONE
    llm = pool(gone, there)

    await answer(llm, ask())
    await llm.check()

    assert [model.name for model in await llm.list_models()] == list(MODELS)
    assert asked(gone, there) == [0, 1]


async def test_one_server_in_order_is_enough_for_the_check() -> None:
    class SilentLLM(FakeLLM):
        async def check(self) -> None:
            await asyncio.Event().wait()

    async with asyncio.timeout(LIMIT_S):
        await pool(SilentLLM(), FakeLLM()).check()


async def test_without_any_server_each_call_tells() -> None:
    servers = [FakeLLM(), FakeLLM()]
    for server in servers:
        server.failure = GONE
    llm = pool(*servers)

    assert await outcome(llm, ask()) is GONE
    for call in (llm.check(), llm.list_models(), llm.show_model("llama3")):
        with pytest.raises(UpstreamUnavailableError):
            await call


async def test_lists_are_merged() -> None:
    first, second = LoadedLLM(), LoadedLLM("llama3")
    first.models = {"llama3": MODELS["llama3"]}
    second.models = {"llama3": MODELS["llama3"], "viewer": MODELS["viewer"]}

    models = await pool(first, second).list_models()

    assert {model.name: model.loaded for model in models} == {"llama3": True, "viewer": False}


async def test_prompts_and_vectors_are_shared_too() -> None:
    llm, first, second = await home(FakeLLM(), FakeLLM())
    first.failure = GONE
    batches: list[Sequence[ChatEvent]] = []

    await take(await llm.complete_prompt(CompletionRequest("llama3", "One")), batches)
    vectors = (await llm.embed(EmbedRequest("embedder", ("a",)))).vectors

    assert len(vectors) == 1
    assert fold(batches).content == "Hello"
    assert (len(second.prompts), len(second.embedded)) == (1, 1)


async def test_the_same_text_goes_to_the_same_server() -> None:
    servers = [FakeLLM(), FakeLLM()]
    llm = pool(*servers)

    for _ in range(4):
        await llm.embed(EmbedRequest("embedder", ("a",)))

    assert sorted(len(server.embedded) for server in servers) == [0, 4]


async def test_a_model_is_deleted_wherever_it_is() -> None:
    servers = [FakeLLM(), FakeLLM(), FakeLLM(models={})]
    llm = pool(*servers)

    await llm.delete_model("llama3")

    assert not any("llama3" in server.models for server in servers)
    with pytest.raises(NotFoundError):
        await llm.delete_model("llama3")


async def test_cancelling_frees_the_server() -> None:
    slow = FakeLLM()
    slow.play(asyncio.Event(), *HELLO)
    llm = pool(slow, FakeLLM(models={}))

    asking = asyncio.create_task(answer(llm, ask()))
    await slow.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert slow.streams[0].closed.is_set()


async def test_a_server_that_never_lists_its_models_holds_nobody_up() -> None:
    class SilentLLM(FakeLLM):
        async def list_models(self) -> Sequence[ModelSummary]:
            await asyncio.Event().wait()
            return []

    silent, there = SilentLLM(), FakeLLM()
    llm = PooledLLM({"silent": silent, "there": there}, patience_s=0.01)

    models = await llm.list_models()
    await answer(llm, ask())

    assert [model.name for model in models] == list(MODELS)
    assert asked(silent, there) == [0, 1]
    with pytest.raises(UpstreamTimeoutError) as caught:
        await PooledLLM({"a": silent, "b": SilentLLM()}, patience_s=0.01).list_models()
    assert caught.value.code == "upstream_timeout"


async def test_closing_ends_a_look_that_is_under_way() -> None:
    class SilentLLM(FakeLLM):
        async def list_models(self) -> Sequence[ModelSummary]:
            self.asked.set()
            await asyncio.Event().wait()
            return []

    silent = SilentLLM()
    llm = pool(silent, FakeLLM())
    asking = asyncio.create_task(answer(llm, ask()))
    await silent.asked.wait()

    await llm.aclose()

    with pytest.raises(asyncio.CancelledError):
        await asking
