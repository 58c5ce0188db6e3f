"""How the parts of an `Export` must relate to each other: exports are downloaded, too, and then compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results import stats
from bench.results.metrics import JUDGED_MEMORY, METRICS
from bench.results.plausible import TRACE, Rule, check
from bench.results.view import DRAFT_PROFILES
from bench.spec import BASELINE

if TYPE_CHECKING:
    from bench.results.published import Curve, Export, GroupSummary, OperatorRow, OutputRow, ProofRow, Row
    from bench.results.records import Told, TraceSummary

TIME_VERDICTS = ("faster", "slower", "unclear")
MEMORY_VERDICTS = ("less", "more")
RATIOS = tuple(metric.id for metric in METRICS.values() if metric.kind == "ratio" and metric.judged)

Place = tuple[str, str, str, str]
"""Model, input, case, metric."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A row, its group, and the other rows."""

    row: Row
    group: GroupSummary
    rows: dict[Place, Row]

    def other(self, metric: str, case: str | None = None) -> Row | None:
        """The row of another metric, or of another case, with a value."""
        found = self.rows.get((self.row.model, self.row.input, case or self.row.case, metric))
        return found if found and found.value is not None else None


def _is_judged_rightly(cell: Cell) -> bool:
    row = cell.row
    low, high = row.low or 0.0, row.high or math.inf
    match row.verdict:
        case "faster" | "slower":
            less = (row.verdict == "faster") == (METRICS[row.metric].better == "less")
            return high < 1 if less else low > 1
        case "same" if row.metric in RATIOS:
            return low >= 1 - stats.SAME_MARGIN and high <= 1 + stats.SAME_MARGIN
        case "less" | "more":
            base = cell.other(row.metric, BASELINE)
            if base is None or base.value is None or row.value is None:
                return False
            return row.value < base.value if row.verdict == "less" else row.value > base.value
    return True


def _verdict_fits_metric(cell: Cell) -> bool:
    row = cell.row
    if row.verdict in TIME_VERDICTS:
        return row.metric in (*RATIOS, *JUDGED_MEMORY) if row.verdict == "unclear" else row.metric in RATIOS
    if row.verdict in MEMORY_VERDICTS:
        return row.metric in JUDGED_MEMORY
    return row.verdict is None or row.metric in (*RATIOS, *JUDGED_MEMORY)


def _peak_covers_kept(cell: Cell) -> bool:
    """Medians, lowest and highest of the rounds: in each round the peak was no lower."""
    peak = cell.other("peak_mib") if cell.row.metric == "kept_mib" else None
    if peak is None:
        return True
    pairs = ((cell.row.value, peak.value), (cell.row.low, peak.low), (cell.row.high, peak.high))
    return all(kept is None or most is None or kept <= most for kept, most in pairs)


def _value_within_interval(cell: Cell) -> bool:
    low, value, high = cell.row.low, cell.row.value, cell.row.high
    if low is None or high is None:
        return low is None and high is None
    return value is not None and low <= value <= high


CELLS: tuple[Rule[Cell], ...] = (
    Rule(
        "unit_of_metric",
        "没有这个指标，或单位不是它的",
        lambda c: c.row.metric in METRICS and c.row.unit == METRICS[c.row.metric].unit,
    ),
    Rule(
        "value_or_failure",
        "应当或有数、或有失败原因，二者必居其一",
        lambda c: (c.row.value is None) != (c.row.failure is None),
    ),
    Rule("value_within_interval", "数不在自己的区间里", _value_within_interval),
    Rule(
        "rounds_counted",
        "轮数与数对不上",
        lambda c: (c.row.rounds > 0) == (c.row.value is not None) and c.row.rounds <= max(1, c.group.rounds),
    ),
    Rule(
        "never_negative",
        "不该有负数",
        lambda c: METRICS[c.row.metric].signed or min(c.row.value or 0, c.row.low or 0) >= 0,
    ),
    Rule("verdict_fits_metric", "这个指标没有这样的结论", _verdict_fits_metric),
    Rule("verdict_fits_interval", "结论与区间矛盾", _is_judged_rightly),
    Rule(
        "verdict_allowed",
        "草稿或机器繁忙时测的，却有结论",
        lambda c: (
            c.row.verdict is None
            or not c.group.load.timed
            or (c.group.verdicts and not (c.group.noisy and c.row.metric in RATIOS))
        ),
    ),
    Rule("peak_covers_kept", "内存峰值小于留下的内存", _peak_covers_kept),
)


def _refers_to_known(export: Export) -> bool:
    """Every case and every (model, input) that is named anywhere."""
    cases = {case.id for case in export.cases}
    places = {(group.model, group.input) for group in export.groups}
    shown: list[Row | Curve | ProofRow | OutputRow | OperatorRow | Told | TraceSummary] = [
        *export.rows,
        *export.proofs,
        *export.curves,
        *export.outputs,
        *export.operators,
        *export.reports,
        *export.traces,
    ]
    known = all(one.case in cases and (one.model, one.input) in places for one in shown)
    chosen = (candidate.case for choice in export.choices for candidate in choice.candidates)
    return known and cases >= set(chosen)


def _is_told_once(export: Export) -> bool:
    cases = [case.id for case in export.cases]
    places = [(group.model, group.input) for group in export.groups]
    indices = [group.index for group in export.groups]
    rows = [(row.model, row.input, row.case, row.metric) for row in export.rows]
    return all(len(set(names)) == len(names) for names in (cases, places, indices, rows))


EXPORT: tuple[Rule[Export], ...] = (
    Rule(
        "rows_of_experiment",
        "里面有别的实验的行",
        lambda e: all(row.experiment == e.experiment for row in e.rows),
    ),
    Rule("names_differ", "有两行、两组或两个设置同名", _is_told_once),
    Rule("names_known", "提到了没有列出的设置、模型或输入", _refers_to_known),
    Rule(
        "rounds_planned",
        "完成的轮数超过计划",
        lambda e: (
            e.build.rounds <= e.build.planned_rounds
            and all(group.dirty_rounds <= group.rounds <= e.build.planned_rounds for group in e.groups)
        ),
    ),
    Rule(
        "drafts_judge_nothing",
        "草稿却有结论",
        lambda e: (
            e.build.profile not in DRAFT_PROFILES
            or not any([*(row.verdict for row in e.rows), *(group.verdicts for group in e.groups)])
        ),
    ),
    Rule(
        "curves_have_points",
        "曲线的横坐标与纵坐标个数不同，或次序不对",
        lambda e: all(len(curve.x) == len(curve.y) and curve.x == sorted(set(curve.x)) for curve in e.curves),
    ),
    Rule(
        "winner_was_candidate",
        "胜出的不在候选里",
        lambda e: all(
            choice.winner in {BASELINE, *(candidate.case for candidate in choice.candidates)}
            for choice in e.choices
        ),
    ),
)


def check_export(export: Export) -> None:
    """Raises `plausible.Implausible` when the parts of an export contradict each other."""
    check(EXPORT, export)
    for trace in export.traces:
        check(TRACE, trace)
    groups = {(group.model, group.input): group for group in export.groups}
    rows = {(row.model, row.input, row.case, row.metric): row for row in export.rows}
    for row in export.rows:
        check(CELLS, Cell(row, groups[row.model, row.input], rows))
