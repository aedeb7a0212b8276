"""Asking one question under a deadline, and what came of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support import asking, raw_http
from tests.support.asking import DishonestError, Outcome
from tests.support.faults import HARMLESS

if TYPE_CHECKING:
    from tests.support.faults import Faults


@dataclass(slots=True)
class Tally:
    """What came of all requests.

    Attributes:
        requests: that were sent, each with its way and its name.
        complete: that were answered whole, and as the model server meant it.
        errors: the others, by the code of their error, or ``connection`` where it ended.
        hung: that had neither in time.
        wrong: sentences on answers that were neither, or not what the model server said.
    """

    requests: int = 0
    complete: int = 0
    errors: Counter[str] = field(default_factory=Counter[str])
    hung: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])

    @property
    def problems(self) -> list[str]:
        """What is wrong."""
        return [*self.wrong, *(f"hung: {it}" for it in self.hung)]

    def __str__(self) -> str:
        """The figures in a line, then each error's."""
        errors = ", ".join(f"{code} {count}" for code, count in self.errors.most_common())
        return (
            f"requests {self.requests}, complete {self.complete}, "
            f"errors {self.errors.total()} ({errors or 'none'})"
        )


@dataclass(frozen=True, slots=True)
class Question:
    """A request: its way, its name, and what goes into its body beside the prompt."""

    way: asking.Way
    name: str
    more: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def body(self) -> dict[str, Any]:
        """The body."""
        return {**self.way.body(f"Say something. (request {self.name})"), **self.more}


async def ask(
    port: int, question: Question, faults: Faults, tally: Tally, deadline_s: float
) -> bytes | None:
    """Ask, and count what comes of it.

    Returns:
        The body of an answer that is complete, else None.
    """
    tally.requests += 1
    try:
        async with asyncio.timeout(deadline_s):
            outcome, body = await _outcome(port, question)
    except TimeoutError:
        tally.hung.append(f"{question.way.path} {question.name}")
        return None
    except (OSError, EOFError):
        tally.errors["connection"] += 1
        return None
    except (DishonestError, ValueError, LookupError) as error:
        tally.wrong.append(f"{question.way.path} {question.name}: {error}")
        return None
    if outcome.error is not None:
        tally.errors[str(outcome.error["code"] or outcome.error["message"])] += 1
        return None
    if outcome.text != _meant(faults, question):
        tally.wrong.append(f"{question.way.path} {question.name}: {outcome.text!r}")
        return None
    tally.complete += 1
    return body


async def _outcome(port: int, question: Question) -> tuple[Outcome, bytes]:
    way = question.way
    headers = {**(way.headers or {}), **question.headers}
    head, body = await raw_http.fetch(port, way.path, question.body, headers)
    if head.status == 200:
        return way.read(body), body
    return Outcome(head.status, error=asking.error_of(json.loads(body))), body


def _meant(faults: Faults, question: Question) -> str | None:
    """Return what a complete answer says; None where there can be none."""
    if faults.fault(question.name) not in HARMLESS:
        return None
    if question.way is asking.EMBEDDING:
        return asking.VECTOR
    return faults.text(question.name) * (2 if question.way is asking.TWO_CHATS else 1)
