"""Quantities in sentences: each prints itself, or says why there is none. Templates read these attributes by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from bench.pages.numbers import UNIT_SPACE, change, memory, number
from bench.results import stats
from bench.results.metrics import METRICS

if TYPE_CHECKING:
    from bench.pages.measured import MeasuredCase
    from bench.results.published import Row

NO_DEFAULT = Markup("没有默认的数字可比")
NOT_MEASURED, UNREADABLE = Markup("没有测成"), Markup("本机读不到")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One metric of a case on one group. `{{ it }}` prints it with its unit, or why there is none."""

    case: MeasuredCase
    metric: str

    def __html__(self) -> str:
        if not self.known:
            return self.missing
        if self._is_memory:
            return Markup(memory(self.value or 0.0))  # noqa: S704 - a number
        return self._with_unit(self.number)

    @property
    def value(self) -> float | None:
        return self.row.value if self.row else None

    @property
    def known(self) -> bool:
        return self.value is not None

    @property
    def missing(self) -> Markup:
        """Why there is none."""
        failed = not self.case.measured or (self.row is not None and self.row.failure)
        return NOT_MEASURED if failed else UNREADABLE

    @property
    def number(self) -> str:
        """To the digits that its interval allows, without unit."""
        return number(self.row) if self.row and self.known else self.missing

    @property
    def brief(self) -> Markup:
        """To three digits at most, whatever finer ones the interval allows; with its unit."""
        if self.value is None:
            return self.missing
        digits = 2 - math.floor(math.log10(abs(self.value))) if self.value else 0
        return self._with_unit(f"{self.value:.{min(2, max(0, digits))}f}")

    @property
    def verdict(self) -> str | None:
        """faster, slower, same, unclear; less, more, same, unclear of memory; None: no verdict to rest on."""
        return self.case.words.verdict(self.case.group, self.case.id, self.metric)

    @property
    def decided(self) -> bool:
        """Whether there is a verdict that more rounds would not change."""
        return self.verdict not in (None, "unclear")

    @property
    def mark(self) -> Markup:
        """What must stand behind a figure of this kind where it must not be quoted; mostly empty."""
        return self.case.words.mark(self.case.group, self.metric)

    @property
    def change(self) -> Markup:
        """How it differs from the default's, or which of the two failed."""
        if METRICS[self.metric].kind != "ratio" and not self._is_memory:
            return self.beside_default
        if self.case.measured and not self.case.default.measured:
            return NO_DEFAULT
        words = self.case.words.memory_change if self._is_memory else self.case.words.speed
        return words(self.case.group, self.case.id, self.metric)

    @property
    def short(self) -> Markup:
        """Of a ratio: how it differs, in a few words and without interval. Of memory: `少 45%` or `没有差别`."""
        if METRICS[self.metric].kind == "ratio":
            return self.case.words.short(self.case.group, self.case.id, self.metric)
        times = self.times_default
        if times is None or self.verdict not in ("less", "more", "same"):
            return Markup("误差太大，不下结论") if self.known else self.missing
        return Markup("没有差别" if self.verdict == "same" else change(times, None, None))  # noqa: S704 - ours

    @property
    def beside_default(self) -> Markup:
        """`80 MiB（默认 1600 MiB）`."""
        default = self.case.default[self.metric]
        return Markup("{}（默认 {}）").format(self, default) if self.known and default.known else escape(self)

    @property
    def times_default(self) -> float | None:
        """It divided by the default's."""
        default = self.case.default[self.metric].value
        return self.value / default if self.value and default else None

    def beside(self, other: Quantity) -> str | None:
        """less, more, same or unclear than another case's memory; None: one of the two is not judged."""
        rows = [self.row, other.row]
        if any(row is None or row.value is None or row.verdict is None for row in rows):
            return None
        own, others = ([v for v in (r.low, r.value, r.high) if v is not None] for r in rows if r)
        return stats.memory_verdict(own, others)

    def times(self, other: Quantity) -> tuple[float, float] | None:
        """Least and most that a ratio may be of another case's, whatever ends of both intervals; None: one is not judged."""
        own, base = self.row, other.row
        if not (self.verdict and other.verdict and own and base):
            return None
        if not (own.low and own.high and base.low and base.high):
            return None
        return own.low / base.high, own.high / base.low

    def _with_unit(self, digits: str) -> Markup:
        unit = self.row.unit if self.row else ""
        return Markup("{}{}{}").format(digits, UNIT_SPACE + unit if unit else "", self.mark)

    @property
    def row(self) -> Row | None:
        return self.case.words.row(self.case.group, self.case.id, self.metric)

    @property
    def _is_memory(self) -> bool:
        return self.metric in METRICS and METRICS[self.metric].kind == "memory"
