"""What must hold of an export: its parts do not contradict each other, nor a verdict its interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.results import stats
from bench.results.metrics import JUDGED_MEMORY, JUDGED_TIMES, METRICS
from bench.results.plausible import TRACE, check, differ
from bench.results.view import DRAFT_PROFILES
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.results.plausible import Checks
    from bench.results.published import Export, GroupSummary, Row

FITTING = {
    **dict.fromkeys(("faster", "slower"), JUDGED_TIMES),
    **dict.fromkeys(("less", "more"), JUDGED_MEMORY),
    **dict.fromkeys(("same", "unclear"), JUDGED_TIMES + JUDGED_MEMORY),
}
"""Verdict -> metrics that may have it."""


class Cell(NamedTuple):
    """A row of an export, its group, and all rows by (model, input, case, metric)."""

    row: Row
    group: GroupSummary
    rows: dict[tuple[str, str, str, str], Row]

    def other(self, metric: str, case: str | None = None) -> Row | None:
        """The row of another metric, or of another case, with a value."""
        found = self.rows.get((self.row.model, self.row.input, case or self.row.case, metric))
        return found if found and found.value is not None else None


def _verdict_fits_interval(cell: Cell) -> bool:
    row, low, high = cell.row, cell.row.low or 0.0, cell.row.high or math.inf
    match row.verdict:
        case "faster" | "slower":
            less = (row.verdict == "faster") == (METRICS[row.metric].better == "less")
            return high < 1 if less else low > 1
        case "same" if row.metric in JUDGED_TIMES:
            return 1 - stats.SAME_MARGIN <= low <= high <= 1 + stats.SAME_MARGIN
        case "less" | "more":
            base = cell.other(row.metric, BASELINE)
            more = (row.value or 0) - (base.value or 0) if base else 0
            return more < 0 if row.verdict == "less" else more > 0
    return True


def _peak_covers_kept(cell: Cell) -> bool:
    """Medians, lowest and highest of the rounds: in each round the peak was no lower."""
    peak = cell.other("peak_mib") if cell.row.metric == "kept_mib" else None
    pairs = [(getattr(cell.row, name), getattr(peak, name, None)) for name in ("value", "low", "high")]
    return all(kept is None or most is None or kept <= most for kept, most in pairs)


def _value_within_interval(cell: Cell) -> bool:
    low, value, high = cell.row.low, cell.row.value, cell.row.high
    if low is None or high is None:
        return low is high
    return value is not None and low <= value <= high


def _names_known(export: Export) -> bool:
    """Every case and every (model, input) that is named anywhere."""
    cases = {case.id for case in export.cases}
    places = {(group.model, group.input) for group in export.groups}
    parts: tuple[Iterable[Any], ...] = (export.rows, export.proofs, export.curves, export.outputs)
    parts += (export.operators, export.reports, export.traces)
    known = all(one.case in cases and (one.model, one.input) in places for part in parts for one in part)
    return known and cases >= {one.case for choice in export.choices for one in choice.candidates}


# fmt: off
CELLS: Checks[Cell] = {
    "没有这个指标，或单位不是它的": lambda c: c.row.metric in METRICS and c.row.unit == METRICS[c.row.metric].unit,
    "应当或有数、或有失败原因，二者必居其一": lambda c: (c.row.value is None) != (c.row.failure is None),
    "数不在自己的区间里": _value_within_interval,
    "轮数与数对不上": lambda c: (c.row.rounds > 0) == (c.row.value is not None) and c.row.rounds <= max(1, c.group.rounds),
    "不该有负数": lambda c: METRICS[c.row.metric].signed or min(c.row.value or 0, c.row.low or 0) >= 0,
    "这个指标没有这样的结论": lambda c: c.row.verdict is None or c.row.metric in FITTING[c.row.verdict],
    "结论与区间矛盾": _verdict_fits_interval,
    "草稿或机器繁忙时测的，却有结论": lambda c: c.row.verdict is None or not c.group.load.timed
          or (c.group.verdicts and not (c.group.noisy and c.row.metric in JUDGED_TIMES)),
    "内存峰值小于留下的内存": _peak_covers_kept,
}
EXPORT: Checks[Export] = {
    "里面有别的实验的行": lambda e: {one.experiment for one in e.rows} <= {e.experiment},
    "有两行、两组或两个设置同名": lambda e: differ(*(one.id for one in e.cases)) and differ(*(one.index for one in e.groups))
          and differ(*((one.model, one.input) for one in e.groups))
          and differ(*((one.model, one.input, one.case, one.metric) for one in e.rows)),
    "提到了没有列出的设置、模型或输入": _names_known,
    "完成的轮数超过计划": lambda e: e.build.rounds <= e.build.planned_rounds
          and all(one.dirty_rounds <= one.rounds <= e.build.planned_rounds for one in e.groups),
    "草稿却有结论": lambda e: e.build.profile not in DRAFT_PROFILES
          or not any([*(one.verdict for one in e.rows), *(one.verdicts for one in e.groups)]),
    "曲线的横坐标与纵坐标个数不同，或次序不对": lambda e: all(len(one.x) == len(one.y) and one.x == sorted(set(one.x)) for one in e.curves),
    "胜出的不在候选里": lambda e: all(one.winner in {BASELINE, *(each.case for each in one.candidates)} for one in e.choices),
}
# fmt: on


def check_export(export: Export) -> None:
    """Raises Implausible when the parts of an export contradict each other: exports are downloaded, too."""
    check(EXPORT, export)
    for trace in export.traces:
        check(TRACE, trace)
    groups = {(group.model, group.input): group for group in export.groups}
    rows = {(row.model, row.input, row.case, row.metric): row for row in export.rows}
    for row in export.rows:
        check(CELLS, Cell(row, groups[row.model, row.input], rows))
