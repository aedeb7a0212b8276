"""The composition root, and the only place that knows adapters."""

from __future__ import annotations

from entrypoints.container.choice import decide
from entrypoints.container.wiring import Container

__all__ = ["Container", "decide"]
