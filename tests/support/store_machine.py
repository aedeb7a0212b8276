"""State machines over every store."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.support.stores import OPENERS, Bounds, Grounds, Opener

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_STORE = pytest.mark.parametrize(
    "opener", [pytest.param(opener, id=name) for name, opener in OPENERS.items()]
)
_SETTINGS = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


class StoreMachine(RuleBasedStateMachine):
    """A machine with a store of its own, open for as long as it runs."""

    def __init__(self, opener: Opener, grounds: Grounds, bounds: Bounds) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._stack = contextlib.AsyncExitStack()
        opening = self._stack.enter_async_context(opener(bounds, grounds))
        self._opened = self._runner.run(opening)

    def teardown(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()


def run(
    machine: Callable[[Opener, Grounds], StoreMachine],
    opener: Opener,
    grounds: Grounds,
    folders: pytest.TempPathFactory,
) -> None:
    """Run a machine from many beginnings, each in a folder of its own."""

    def begun() -> StoreMachine:
        return machine(opener, Grounds(folders.mktemp("store"), grounds.valkey))

    run_state_machine_as_test(begun, settings=_SETTINGS)  # type: ignore[arg-type]  # makes one, too
