"""The dashboard and the page on operations name the metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.scrape import scrape

if TYPE_CHECKING:
    from tests.support.service import Service

DOCS = Path(__file__).parents[2] / "docs"
TYPE = re.compile(r"^# TYPE (\S+) (\S+)$", re.MULTILINE)
QUERIED = re.compile(r"([a-z_]\w*)\{")
TOLD = re.compile(r"^\| `([a-z_]+)`", re.MULTILINE)


def queries() -> list[str]:
    """Return every query of the dashboard's panels."""
    dashboard: dict[str, Any] = json.loads((DOCS / "grafana" / "dashboard.json").read_text("utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


async def served(service: Service) -> dict[str, str]:
    """Return the metrics that the service shows, with their types."""
    return dict(TYPE.findall((await scrape(service)).text))


async def test_the_dashboard_asks_for_metrics_that_there_are(service: Service) -> None:
    shown = await served(service)
    samples = shown.keys() | {
        name + suffix
        for name, kind in shown.items()
        if kind == "histogram"
        for suffix in ("_bucket", "_sum", "_count")
    }

    asked = {name for query in queries() for name in QUERIED.findall(query)}
    assert asked <= samples
    assert len(asked) > 20


async def test_the_page_on_operations_lists_the_metrics(service: Service) -> None:
    page = (DOCS / "operations.md").read_text("utf-8")
    section = page.partition("\n## Metrics\n")[2].partition("\n### ")[0]
    shown = await served(service)
    own = {name for name in shown if not name.startswith(("process_", "python_"))}

    assert set(TOLD.findall(section)) == own
