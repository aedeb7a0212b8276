from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import local_chat
from tests.support.keys import MARK, key_of, line, write
from tests.support.service import ASK, service_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Done
    from tests.support.fake_llm import FakeLLM


async def keys(folder: Path, *arguments: str, **variables: str) -> Done:
    return await local_chat("keys", *arguments, folder=folder, **variables)


async def listed(folder: Path) -> Any:
    return json.loads((await keys(folder, "list", "--json", "--file", "keys")).out)


async def test_a_new_key_opens_a_service_that_runs_until_it_is_revoked(
    tmp_path: Path, llm: FakeLLM
) -> None:
    path = write(tmp_path, "# our team\n", line("old"))
    where = {"API_KEY_FILE": "keys"}
    async with service_of(llm, api_key_file=str(path)) as service:
        limits = ("--requests-per-minute", "9", "--models", "llama3, thinker")
        made = await keys(tmp_path, "new", "alice", *limits, **where)
        key = made.out.strip()
        service.clock.now += 1
        first = await service.ask(ASK | {"model": "llama3"}, headers={"x-api-key": key})
        other = await service.ask(ASK | {"model": "viewer"}, headers={"x-api-key": key})
        told = await keys(tmp_path, "list", **where)
        revoked = await keys(tmp_path, "revoke", "alice", **where)
        service.clock.now += 1
        last = await service.ask(ASK, headers={"x-api-key": key})

    assert [first.status, other.status, last.status] == [200, 403, 401]
    assert first.headers["x-ratelimit-limit-requests"] == "9"
    assert key.startswith("sk-local-")
    # 192 random bits at least, in hexadecimal.
    assert len(key.removeprefix("sk-local-")) == 48
    assert [made.code, told.code, revoked.code] == [0, 0, 0]
    assert key not in made.errors + told.out + told.errors + revoked.errors
    assert ["alice", "3", "9", "llama3,", "thinker"] in [
        row.split() for row in told.out.splitlines()
    ]
    assert path.read_text() == f"# our team\n{line('old')}"


async def test_the_file_holds_a_digest_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    made = await keys(tmp_path, "new", "a", "--file", "keys", "--concurrency", "2")
    path = tmp_path / "keys"

    assert made.code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("sha256:")
    assert path.read_text().endswith(" name=a concurrency=2\n")
    assert made.out.strip() not in path.read_text()


async def test_every_key_is_another(tmp_path: Path) -> None:
    made = [await keys(tmp_path, "new", name, "--file", "keys") for name in ("a", "b")]

    assert len({done.out for done in made}) == 2
    assert [key["name"] for key in await listed(tmp_path)] == ["a", "b"]


async def test_json_tells_every_limit(tmp_path: Path) -> None:
    write(tmp_path, line("a", "tokens_per_minute=5 models=x,y"), "\n", f"{key_of('b')}\n")

    assert await listed(tmp_path) == [
        {
            "line": 1,
            "name": "a",
            "requests_per_minute": None,
            "tokens_per_minute": 5,
            "concurrency": None,
            "models": ["x", "y"],
        },
        {
            "line": 3,
            "name": None,
            "requests_per_minute": None,
            "tokens_per_minute": None,
            "concurrency": None,
            "models": None,
        },
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("new", "old"), 1, "There is a key named 'old'; revoke it first."),
        (("new", "a b"), 1, "a name is 1 to 64 letters"),
        (("new", "a", "--models", "x,,y"), 1, "Models are names with commas between them."),
        (("new", "a", "--models", "x y"), 1, "Models are names with commas between them."),
        (("new", "a", "--models", ""), 1, "Models are names with commas between them."),
        (("new", "a", "--concurrency", "0"), 2, "--concurrency"),
        (("new",), 2, "NAME"),
        (("revoke", "nobody"), 1, "There is no key named 'nobody'."),
    ],
)
async def test_what_cannot_be_done_changes_nothing(
    arguments: tuple[str, ...], code: int, told: str, tmp_path: Path
) -> None:
    path = write(tmp_path, line("old"))
    done = await keys(tmp_path, *arguments, "--file", "keys")

    assert (done.code, done.out) == (code, "")
    assert told in done.errors
    assert path.read_text() == line("old")


async def test_the_file_must_be_named(tmp_path: Path) -> None:
    nowhere = await keys(tmp_path, "list")
    missing = await keys(tmp_path, "list", "--file", "keys")
    (tmp_path / ".env").write_text("API_KEY_FILE=keys\n")
    made = await keys(tmp_path, "new", "a")

    assert nowhere.code == 2
    assert "set API_KEY_FILE, or give --file" in nowhere.errors
    assert missing.code == 1
    assert "keys: it cannot be read" in missing.errors
    assert made.code == 0
    assert [key["name"] for key in await listed(tmp_path)] == ["a"]


async def test_lines_that_the_service_would_not_take_are_told(tmp_path: Path) -> None:
    write(tmp_path, line("a"), f"{MARK}\n")
    shown = await keys(tmp_path, "list", "--file", "keys")
    made = await keys(tmp_path, "new", "b", "--file", "keys")
    empty = write(tmp_path, "# nobody\n")
    nobody = await keys(tmp_path, "list", "--file", empty.name)

    assert (shown.code, made.code, nobody.code) == (1, 0, 0)
    for done in (shown, made):
        assert "line 2: a key has 16 characters or more" in done.errors
        assert MARK not in done.out + done.errors
    assert "local-chat keys new NAME" in nobody.errors
