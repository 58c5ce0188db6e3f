"""Sentences in Chinese, computed from one result. The only place that words verdicts."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

from markupsafe import Markup

from bench.pages.numbers import SLOWER, change, distance, interval, memory, plain
from bench.results import stats
from bench.results.metrics import METRICS, TIMED
from bench.spec import BASELINE, CONTROL, Machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.published import Export, GroupSummary, Row

MANY_ROUNDS = 100
"""More than anybody will measure: the number says no more than that."""
VERDICTS = {
    "faster": "更快",
    "less": "更少",
    "slower": "更慢",
    "more": "更多",
    "unclear": "还分不出",
    "same": "没有差别",
}
"""Verdicts as they stand alone, in the order in which tables sort them."""
SHORT = {"same": "没有差别", "unclear": "误差太大，不下结论"}
"""Verdicts on time without a direction, where there is room for a few words."""
SAME = f"没有差别（不到 {stats.SAME_MARGIN:.0%}）"
OUTCOMES = {
    "nothing": "设了和默认一样，什么都没有改变",
    "unseen": "没有观察到它生效，不作结论",
}
"""Of looking whether a setting took effect: why no verdict follows."""
MARK = Markup('<abbr class="bench-unquotable" title="这一组噪声太大，这个数不要引用">※</abbr>')
"""Behind every figure on time of a group that must not be quoted."""


def _value(row: Row) -> float:
    assert row.value is not None
    return row.value


def _estimate(row: Row) -> stats.Estimate:
    return stats.Estimate(_value(row), row.low, row.high, row.rounds)


class Words:
    """Figures and verdicts of one result. What is returned as Markup is HTML; all else is text."""

    def __init__(self, export: Export) -> None:
        self.export = export

    @cached_property
    def _rows(self) -> dict[tuple[str, str, str, str], Row]:
        return {(row.model, row.input, row.case, row.metric): row for row in self.export.rows}

    @cached_property
    def _titles(self) -> dict[str, str]:
        return {case.id: case.title for case in self.export.cases}

    @cached_property
    def _outcomes(self) -> dict[tuple[str, str, str], str | None]:
        return {(one.model, one.input, one.case): one.outcome for one in self.export.proofs}

    @cached_property
    def _anywhere(self) -> dict[str, str | None]:
        return {one.case: one.outcome for one in reversed(self.export.proofs)}

    def groups(self) -> tuple[GroupSummary, ...]:
        return tuple(self.export.groups)

    def group(self, model: str, input: str) -> GroupSummary:
        return next(g for g in self.export.groups if (g.model, g.input) == (model, input))

    def row(self, group: GroupSummary, case: str, metric: str) -> Row | None:
        return self._rows.get((group.model, group.input, case, metric))

    def value(self, group: GroupSummary, case: str, metric: str) -> float | None:
        row = self.row(group, case, metric)
        return row.value if row else None

    def verdict(self, group: GroupSummary, case: str, metric: str = "ratio") -> str | None:
        """What conclusions may rest on: nothing on time from a group that must not be quoted."""
        row = self.row(group, case, metric)
        return row.verdict if row and not self.is_marked(group, metric) else None

    def outcome(self, group: GroupSummary, case: str) -> str | None:
        """Whether a case was seen to take effect, on this group or on the one where it was observed."""
        if case in (BASELINE, CONTROL):
            return None
        return self._outcomes.get((group.model, group.input, case), self._anywhere.get(case)) or "unseen"

    def is_marked(self, group: GroupSummary, metric: str) -> bool:
        """Whether a figure must not be quoted; noise takes time, not memory. A draft says so as a whole."""
        return group.noisy and not self.draft and METRICS[metric].kind in TIMED

    def mark(self, group: GroupSummary, metric: str) -> Markup:
        return MARK if self.is_marked(group, metric) else Markup()

    def asked(self) -> Machine:
        """What cases may ask of the machine that measured."""
        return Machine.of(self.export.machine, self.export.software)

    def cores(self) -> int:
        cores = self.export.machine.get("cores")
        return cores if isinstance(cores, int) else 1

    def tied_with_best(self, group: GroupSummary, cases: Sequence[str]) -> list[str]:
        """The fastest case, and those whose interval meets its own or lies within the noise.

        By the speed-up where there is one: it compares within rounds, without the scatter of the default.
        """
        speed_ups = [self._known(group, case, "speed_up") for case in cases]
        metric = "speed_up" if cases and all(speed_ups) else "ratio"
        rows = [row for case in cases if (row := self._known(group, case, metric))]
        if not rows or not group.verdicts or group.noisy or group.rounds < stats.MIN_ROUNDS:
            return []
        best = (max if metric == "speed_up" else min)(rows, key=_value)
        near = 1 + group.noise_floor
        return [
            row.case
            for row in rows
            if stats.overlap(_estimate(row), _estimate(best))
            or max(_value(row) / _value(best), _value(best) / _value(row)) <= near
        ]

    def _known(self, group: GroupSummary, case: str, metric: str) -> Row | None:
        row = self.row(group, case, metric)
        return row if row and row.value is not None else None

    def title(self, case: str) -> str:
        return self._titles.get(case, case)

    def cases(self) -> tuple[str, ...]:
        return tuple(self._titles)

    def speed(self, group: GroupSummary, case: str, metric: str = "ratio") -> Markup:
        """Latency of a case against the baseline: a verdict, or why there is none."""
        row = self.row(group, case, metric)
        if row is None or row.value is None:
            return Markup("没有测成（{}）").format(row.failure if row and row.failure else "没有测到")
        return self.speed_of(row, group)

    def short(self, group: GroupSummary, case: str, metric: str = "ratio") -> Markup:
        """The same in a few words, without interval: `慢 32%`, `没有差别`, or why nothing is said."""
        row = self._known(group, case, metric)
        if row is None:
            return Markup("没有测成")
        verdict = self.verdict(group, case, metric)
        if verdict in ("slower", "faster"):
            return Markup(distance(_value(row)))  # noqa: S704 - words and a number of ours
        if verdict == "unclear" and abs(_value(row) - 1) <= stats.SAME_MARGIN:
            return Markup("没有测出差别")
        if self.is_marked(group, metric) or self.outcome(group, case) not in OUTCOMES:
            return Markup(SHORT[verdict or "unclear"])  # noqa: S704 - ours
        return Markup(OUTCOMES[self.outcome(group, case) or ""])  # noqa: S704 - ours

    def speed_of(self, row: Row, group: GroupSummary) -> Markup:
        assert row.value is not None
        what, mark = METRICS[row.metric].words, self.mark(group, row.metric)
        size = change(row.value, row.low, row.high, ("多", "少") if what else SLOWER)
        if row.verdict in ("slower", "faster"):
            return Markup("{}{}（{}）{}").format(what, size, self._ends(row, size), mark)
        if row.verdict == "same":
            return Markup("{}{}").format(SAME, mark)
        if row.verdict == "unclear":
            return Markup("还分不出快慢（{}）{}").format(self.rounds_needed(row, group), mark)
        if said := OUTCOMES.get(self.outcome(group, row.case) or ""):
            return Markup(said)  # noqa: S704 - one of our own sentences
        return Markup("{}约{}（{}）{}").format(what, size, self.why_no_verdict(group), mark)

    def rounds_needed(self, row: Row, group: GroupSummary) -> str:
        of_four = row.metric == "ratio_original" and row.case != BASELINE
        floor = max(METRICS[row.metric].floor, group.noise_floor * (math.sqrt(2) if of_four else 1))
        found = stats.rounds_needed(_estimate(row), floor)
        rounds = found and stats.at_step(found)
        if rounds and rounds - row.rounds > MANY_ROUNDS:
            return f"还需 {MANY_ROUNDS} 轮以上"
        return f"还需约 {rounds - row.rounds} 轮" if rounds and rounds > row.rounds else "再测几轮"

    def why_no_verdict(self, group: GroupSummary) -> str:
        if not group.load.timed:
            return f"只测了 {group.rounds} 轮，不作结论"
        if self.draft:
            return "草稿，不作结论"
        if not group.verdicts:
            return "测量时机器繁忙，不作结论"
        if group.noisy:
            return "噪声太大，不作结论"
        return f"只有 {group.rounds} 轮，不作结论"

    @property
    def draft(self) -> bool:
        return self.export.draft

    def memory_change(self, group: GroupSummary, case: str, metric: str) -> Markup:
        """`比默认少 45%（6.1 GiB 对 12.1 GiB）`, that there is no difference worth naming, or both without a verdict."""
        row, base = self.row(group, case, metric), self.row(group, BASELINE, metric)
        if row is None or base is None or row.value is None or base.value is None:
            return Markup("没有测成（{}）").format(row.failure if row and row.failure else "本机读不到")
        own, default = memory(row.value), memory(base.value)
        both, apart = f"{own} 对 {default}", f"是 {own}，默认 {default}"
        if row.verdict is None:
            why = OUTCOMES.get(self.outcome(group, case) or "", self.why_no_verdict(group))
            return Markup("{}（{}）").format(apart, why)
        if row.verdict == "same":
            return Markup("与默认没有值得一提的差别（{}）").format(both)
        if row.verdict == "unclear":
            return Markup("{}（分不出）").format(apart)
        return Markup("比默认{}（{}）").format(change(row.value / base.value, None, None), both)

    def _ends(self, row: Row, size: str) -> str:
        """Of the interval: per cent, or times where the size is told so."""
        if row.low is None or row.high is None:
            return "没有区间"
        if size.endswith("倍"):
            return f"{interval(row) or plain(row.low)} 倍"
        ends = sorted(abs(v - 1) * 100 for v in (row.low, row.high))
        near = ends[0] < 0.5  # an interval that excludes no difference must not be shown to touch it
        digits = 1 if near or (row.high - row.low) / 2 < 0.002 else 0
        return f"{ends[0]:.{digits}f}%–{ends[1]:.{digits}f}%"
