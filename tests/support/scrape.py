"""Reading what ``/metrics`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from entrypoints.http.metrics import PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.service import Service

Series: TypeAlias = tuple[str, frozenset[tuple[str, str]]]


class Scrape:
    """All series of one moment."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.series: dict[Series, float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    @property
    def names(self) -> set[str]:
        """The names there are."""
        return {name for name, _ in self.series}

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the series of this name that have these labels; 0 for none."""
        wanted = set(labels.items())
        return sum(
            value for (each, has), value in self.series.items() if each == name and wanted <= has
        )


async def scrape(service: Service, headers: Mapping[str, str] | None = None) -> Scrape:
    """Return what the service shows."""
    answer = await service.ask(path=PATH, headers=headers)
    return Scrape(answer.body.decode())
