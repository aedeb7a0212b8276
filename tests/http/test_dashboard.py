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
QUERIED = re.compile(r"([a-z_]\w*)\{([^}]*)\}")
SPAN = re.compile(r"\[([^]]+)\]")
TOLD = re.compile(r"^\| `([a-z_]+)`", re.MULTILINE)


# What Prometheus itself knows of whom it reads.
OF_PROMETHEUS = {"up"}
COLUMNS = 24


def panels() -> list[dict[str, Any]]:
    """Return the dashboard's panels, and the titles of its rows."""
    text = (DOCS / "grafana" / "dashboard.json").read_text("utf-8")
    found: list[dict[str, Any]] = json.loads(text)["panels"]
    return found


def queries() -> list[str]:
    """Return every query of the dashboard's panels."""
    return [target["expr"] for panel in panels() for target in panel.get("targets", ())]


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

    asked = {name for query in queries() for name, _ in QUERIED.findall(query)}
    assert asked - OF_PROMETHEUS <= samples
    assert len(asked) > 20


def test_every_query_is_of_the_jobs_and_instances_that_were_chosen() -> None:
    chosen = 'job=~"$job", instance=~"$instance"'
    selectors = [labels for query in queries() for _, labels in QUERIED.findall(query)]

    assert all(labels.startswith(chosen) for labels in selectors)
    assert {span for query in queries() for span in SPAN.findall(query)} == {"$__rate_interval"}


def test_panels_are_told_apart_and_cover_each_other_nowhere() -> None:
    covered = [
        (place["x"] + column, place["y"] + line)
        for place in (panel["gridPos"] for panel in panels())
        for column in range(place["w"])
        for line in range(place["h"])
    ]

    assert len(covered) == len(set(covered))
    assert max(column for column, _ in covered) == COLUMNS - 1
    assert len({panel["id"] for panel in panels()}) == len(panels())
    for panel in panels():
        if panel["type"] != "row":
            assert panel["description"], panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


async def test_the_page_on_operations_lists_the_metrics(service: Service) -> None:
    page = (DOCS / "operations.md").read_text("utf-8")
    section = page.partition("\n## Metrics\n")[2].partition("\n### ")[0]
    shown = await served(service)
    own = {name for name in shown if not name.startswith(("process_", "python_"))}

    assert set(TOLD.findall(section)) == own
