from __future__ import annotations

from pathlib import Path

import pytest

from adapters.stores.memory import MemoryStore
from adapters.stores.sqlite.store import SQLiteStore
from adapters.stores.valkey.store import ValkeyStore
from domain.conversation import ResponseStatus, StoredResponse
from domain.errors import NotFoundError
from entrypoints.container import Container
from entrypoints.settings import Settings, SettingsError, load

STORES = {
    "": SQLiteStore,
    "sqlite:///data/a.db": SQLiteStore,
    "memory": MemoryStore,
    "none": MemoryStore,
    "redis://localhost:6379/0": ValkeyStore,
    "valkeys://user:secret@valkey.test": ValkeyStore,
}


@pytest.mark.parametrize(("text", "kind"), STORES.items(), ids=list(STORES))
async def test_the_setting_chooses_the_store(text: str, kind: type[object]) -> None:
    store = Container(settings=load({"RESPONSE_STORE": text})).medium()

    assert isinstance(store, kind)
    await store.aclose()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("sqlite:///data/a.db", "data/a.db", id="three slashes, from here"),
        pytest.param("sqlite:////data/a.db", "/data/a.db", id="four slashes, from the root"),
    ],
)
def test_a_file_is_named_by_its_path(text: str, path: str) -> None:
    assert load({"RESPONSE_STORE": text}).store_path == Path(path)


@pytest.mark.parametrize(
    "text",
    [
        "sqlite",
        "sqlite://data",
        "sqlite:///",
        "sqlite:///data/",
        "sqlite:///:memory:",
        "redis://",
        "redis://:secret@h:x/0",
        "redis://:secret@h/x",
        "mysql://secret@h",
        "Memory",
    ],
)
def test_a_store_that_there_is_not_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({"RESPONSE_STORE": text})

    assert caught.value.problems == [
        "RESPONSE_STORE: expected memory, none, sqlite:///a/file or redis://host:6379/0"
    ]


async def test_bounds_reach_the_store() -> None:
    small = Settings(response_store="memory", response_store_bytes=1000)
    store = Container(settings=small).store()
    response = StoredResponse("resp_1", 1, "m", ResponseStatus.COMPLETED, b"x" * 600)

    await store.put("owner", response)
    await store.put("owner", StoredResponse("resp_2", 1, "m", ResponseStatus.QUEUED, b"x" * 600))

    with pytest.raises(NotFoundError):
        await store.get("owner", "resp_1")


async def test_none_keeps_nothing() -> None:
    store = Container(settings=Settings(response_store="none")).store()

    await store.put("owner", StoredResponse("resp_1", 1, "m", ResponseStatus.COMPLETED))

    with pytest.raises(NotFoundError):
        await store.get("owner", "resp_1")
