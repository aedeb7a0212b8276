"""``python -m tests.chaos.chaos``: kills everything in turn while clients ask, and counts.

A service on SQLite and one on Valkey (where there is one) stand before one model server, all of
them processes. At moments that chance decides one of them is killed with SIGKILL and started again.
Meanwhile clients ask for chats and responses, whole and streamed, and continue what they got.
In the end every response that was acknowledged must be there, unchanged, for its key and no other;
every request must have ended in a complete answer or in an error, within its deadline.
``FAULT_SEED`` in the environment replays requests, faults and kills.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: chance that can be repeated
from typing import TYPE_CHECKING, Any

from tests.chaos.asked import Question, Tally, ask
from tests.chaos.run import run, told
from tests.chaos.upstream import KINDS
from tests.chaos.victims import Service, Upstream, Valkey, Victim, free_port
from tests.support import asking, raw_http, response_streams
from tests.support.faults import Faults
from tests.support.valkey import program

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARE = 0.05
_CLIENTS = 8
_DEADLINE_S = 25
_PAUSE_S = 0.05
# Of so many responses one is asked for with another's key.
_FOREIGN = 10
_KEYS = ("a-key-of-one-tenant-0001", "a-key-of-the-other-tenant-0002")
_STORED = (asking.RESPONSE, asking.RESPONSE_STREAM)
_WAYS = (*_STORED, *_STORED, asking.CHAT, asking.CHAT_STREAM)
# Together they are less than the clients' deadline.
_LIMITS = {
    "FIRST_TOKEN_TIMEOUT_S": "3",
    "IDLE_TIMEOUT_S": "2",
    "QUEUE_TIMEOUT_S": "5",
    "TOTAL_TIMEOUT_S": "10",
}


@dataclass(slots=True)
class Report:
    """What came of a run.

    Attributes:
        acknowledged: responses that clients were told of as complete and kept, by service and id.
        lost: those of them that were not there in the end, or not the same.
        kills: by name of what was killed.
    """

    seed: str
    minutes: float
    stores: str
    tally: Tally = field(default_factory=Tally)
    kills: Counter[str] = field(default_factory=Counter[str])
    acknowledged: dict[tuple[int, str], tuple[str, Any]] = field(
        default_factory=dict[tuple[int, str], tuple[str, Any]]
    )
    lost: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        """All of it, to print."""
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        lines = [
            f"seed {self.seed}, {self.minutes:g} minutes, stores: {self.stores}",
            f"kills {self.kills.total()} ({kills})",
            str(self.tally),
            (
                f"acknowledged {len(self.acknowledged)}, lost {len(self.lost)}, "
                f"hung {len(self.tally.hung)}, wrong {len(self.tally.wrong)}"
            ),
        ]
        return told("chaos", lines, self.problems)

    @property
    def problems(self) -> list[str]:
        """What is wrong."""
        lost = [f"lost: {it}" for it in self.lost]
        return [*lost, *self.tally.problems, *self.faults]


async def chaos(seed: str, minutes: float, stores: Mapping[str, str] | None = None) -> Report:
    """Run for so long, and return what came of it.

    Args:
        seed: of all that chance decides.
        minutes: how long.
        stores: addresses of stores by name, of services in place of those on SQLite and Valkey.
    """
    chance = Random(f"{seed}/places")  # noqa: S311 - it is no secret
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream_port = free_port(chance)
        victims: list[Victim] = [Upstream(upstream_port, seed, _SHARE)]
        urls = dict(stores or {"SQLite": "sqlite:///responses.sqlite3"})
        if stores is None and program() is not None:
            port = free_port(chance)
            victims.append(Valkey(folder, port))
            urls["Valkey"] = f"redis://127.0.0.1:{port}/0"
        services = [
            Service(f"service on {name}", folder, _settings(url, free_port(chance), upstream_port))
            for name, url in urls.items()
        ]
        victims += services
        for victim in victims:
            await victim.start()
            stack.push_async_callback(victim.kill)
        report = Report(seed, minutes, " and ".join(urls))
        await _run(report, victims, services)
        await _check(report, services)
        for service in services:
            service.look()
            report.faults += service.broken
    return report


def _settings(store: str, port: int, upstream_port: int) -> dict[str, str]:
    return {
        **_LIMITS,
        "PORT": str(port),
        "OLLAMA_URL": f"http://127.0.0.1:{upstream_port}",
        "DEFAULT_MODEL": "smollm2:135m",
        "RESPONSE_STORE": store,
        "API_KEY": ",".join(_KEYS),
    }


async def _run(report: Report, victims: list[Victim], services: list[Service]) -> None:
    faults = Faults(report.seed, KINDS, _SHARE)
    ending = asyncio.Event()
    clients = [
        asyncio.create_task(_client(number, services, faults, report, ending))
        for number in range(_CLIENTS)
    ]
    chance = Random(f"{report.seed}/kills")  # noqa: S311 - it is no secret
    loop = asyncio.get_running_loop()
    end = loop.time() + report.minutes * 60
    while loop.time() < end:
        await asyncio.sleep(chance.uniform(1, 4))
        victim = chance.choice(victims)
        await victim.kill()
        report.kills[victim.name] += 1
        await asyncio.sleep(chance.choice((0, 0.3, 2)))
        await victim.start()
    ending.set()
    await asyncio.gather(*clients)


async def _client(
    client: int, services: list[Service], faults: Faults, report: Report, ending: asyncio.Event
) -> None:
    chance = Random(f"{report.seed}/{client}")  # noqa: S311 - it is no secret
    place = client % len(services)
    key = _KEYS[client // len(services) % len(_KEYS)]
    previous = ""
    number = client
    while not ending.is_set():
        number += _CLIENTS
        await asyncio.sleep(chance.uniform(0, 2 * _PAUSE_S))
        way = chance.choice(_WAYS)
        continued = way in _STORED and previous and chance.random() < 0.3
        more = {"previous_response_id": previous} if continued else {}
        question = Question(way, str(number), more, {"x-api-key": key})
        body = await ask(services[place].port, question, faults, report.tally, _DEADLINE_S)
        if body is not None and way in _STORED:
            made = _response(way, body)
            report.acknowledged[place, made["id"]] = (key, made)
            previous = made["id"]


def _response(way: asking.Way, body: bytes) -> dict[str, Any]:
    whole = way is asking.RESPONSE
    made: dict[str, Any] = (
        json.loads(body) if whole else response_streams.read(body)[-1]["response"]
    )
    return made


async def _check(report: Report, services: list[Service]) -> None:
    """Look for every response that was acknowledged."""
    if report.tally.errors["previous_response_not_found"]:
        report.faults.append("a response that was acknowledged could not be continued")
    entries = enumerate(report.acknowledged.items())

    async def look() -> None:
        for number, ((place, id_), (key, made)) in entries:
            port = services[place].port
            status, found = await _kept(port, id_, key)
            if (status, found) != (200, made):
                report.lost.append(f"{services[place].name} {id_}: {status}")
            (other,) = set(_KEYS) - {key}
            if number % _FOREIGN == 0 and (await _kept(port, id_, other))[0] != 404:
                report.faults.append(f"{id_} is there for another key")

    await asyncio.gather(*(look() for _ in range(_CLIENTS)))


async def _kept(port: int, id_: str, key: str) -> tuple[int, Mapping[str, Any]]:
    path = f"{asking.RESPONSE.path}/{id_}"
    head, body = await raw_http.fetch(port, path, headers={"x-api-key": key})
    return head.status, json.loads(body)


if __name__ == "__main__":
    sys.exit(run("chaos", __doc__, chaos))
