"""Run the cases against a service that is running: a report, and the number of failures."""

from __future__ import annotations

import argparse
import asyncio
import sys

import msgspec

from tests.compliance.suite import Suite
from tests.compliance.table import CASES, SUITE

LIMIT_S = 300


async def verdict(case: str, suite: Suite) -> str:
    """Return why a case failed; nothing where it passed."""
    try:
        async with asyncio.timeout(LIMIT_S):
            await CASES[case](suite)
    except (AssertionError, msgspec.ValidationError, OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"[:300] or "failed"
    return ""


async def run(suite: Suite, names: list[str], *, together: bool) -> int:
    """Return how many cases failed, and tell what became of each."""
    if together:
        verdicts = await asyncio.gather(*(verdict(name, suite) for name in names))
    else:
        verdicts = [await verdict(name, suite) for name in names]
    for name, fault in zip(names, verdicts, strict=True):
        kind = "suite" if CASES[name] in SUITE else "other"
        sys.stdout.write(f"{'FAIL' if fault else 'pass'} [{kind}] {name} {fault}\n")
    failed = sum(map(bool, verdicts))
    sys.stdout.write(f"{len(names) - failed} of {len(names)} passed\n")
    return failed


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.compliance", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", default="smollm2:135m")
    parser.add_argument("--key", default="")
    parser.add_argument("--filter", default="", help="ids of cases, comma-separated")
    parser.add_argument("--together", action="store_true", help="all at once, as the suite does")
    given = parser.parse_args()
    names = [name for name in CASES if not given.filter or name in given.filter.split(",")]
    suite = Suite(given.port, given.model, given.key)
    return asyncio.run(run(suite, names, together=given.together))


if __name__ == "__main__":
    sys.exit(main())
