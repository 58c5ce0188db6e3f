"""A row of a table of faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.stage import Stage


@dataclass(frozen=True, slots=True)
class Row:
    """What happens, and what must hold."""

    what: str
    bring_about: Callable[[Stage], None]
    holds: tuple[Callable[[Stage], None], ...]
    on: str = "toy"
    """Experiment that is measured."""
    after: tuple[str, ...] = ("model",)
    """What is there before: the model, a result of the experiment `toy`, what was exported of it."""
