"""What must hold in a result file, whatever the machine: lists of checks, and one sentence for each that fails.

Types and ranges of single values are the schema's. What is refused here cannot have been measured: a broken
clock, a broken file, or somebody's pen. Strangers' files will be read one day, so what is said of them is safe to
print. A journal is read line by line with `Reading`, an export as a whole with `check_export`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from bench.results import stats
from bench.results.metrics import JUDGED_MEMORY, JUDGED_TIMES, METRICS
from bench.results.process import CALLED, PHASES
from bench.results.records import Footer, Record, RoundEnd, Sample, Told, TraceSummary, Untimed
from bench.results.view import DRAFT_PROFILES
from bench.spec import BASELINE
from bench.system import harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from pydantic import ValidationError

    from bench.results.process import Phase
    from bench.results.published import Export, GroupSummary, Row
    from bench.results.records import Figures, GroupRecord, Header

    Checks = Mapping[str, Callable[["T"], bool]]
    """What is said when a relation does not hold, and the relation."""

T = TypeVar("T")
Place = tuple[int, int, int]
"""Group, round, attempt."""
MIB = 1 << 20
MOST_QUOTED = 80
"""Characters quoted from a file."""
MOST_CORES = 4096
COUNTER_SLACK = 16 * MIB
"""The kernel keeps a process's pages in a counter for each core, up to a MiB, and adds them up late."""
CLOCK_SLACK, TICK_NS, WALL_SLACK_S = 1.1, 20_000_000, 0.05
"""CPU time and wall time come from two clocks, the one of them with coarse steps."""
ROUNDED_SHARE, ROUNDED_MICROSECONDS = 5e-6, 0.1
SET_BACK = timedelta(days=1)
"""A machine may learn the time while it measures."""
FITTING = {
    **dict.fromkeys(("faster", "slower"), JUDGED_TIMES),
    **dict.fromkeys(("less", "more"), JUDGED_MEMORY),
    **dict.fromkeys(("same", "unclear"), JUDGED_TIMES + JUDGED_MEMORY),
}
"""Verdict -> metrics that may have it."""


class Implausible(Exception):
    """The message says, in Chinese, which relation is broken."""


def check(checks: Checks[T], thing: T) -> None:
    """Raises Implausible with the first that fails; later ones may rely on earlier ones."""
    for reason, holds in checks.items():
        if not holds(thing):
            raise Implausible(reason)


class Process(NamedTuple):
    """Figures of one process, and what must be known to judge them."""

    f: Figures
    feeds: int
    """Calls of one pass."""
    callers: int
    cores: int

    @classmethod
    def of(cls, figures: Figures, case: str, group: GroupRecord, header: Header) -> Process:
        cores = header.machine.get("logical_cores")
        if type(cores) is not int or not 0 < cores <= MOST_CORES:
            cores = MOST_CORES
        load = next((one.load for one in header.cases if one.id == case), None) or group.load
        return cls(figures, len(group.shapes), load.callers, cores)

    def within(self, value: int | None, bound: int | None) -> bool:
        """Whether memory is no more than other memory."""
        return value is None or bound is None or value <= bound + COUNTER_SLACK + MIB * self.cores

    @property
    def phases(self) -> Collection[Phase]:
        return self.f.phases.values()

    @property
    def called(self) -> list[Phase]:
        return [self.f.phases[name] for name in CALLED]


def _has_its_phases(p: Process) -> bool:
    """Those that every process goes through, and no calls but where calls are made."""
    names = set(p.f.phases)
    quiet = [phase for name, phase in p.f.phases.items() if name not in CALLED]
    return {"import", "open", *CALLED} <= names <= set(PHASES) and not any(one.calls for one in quiet)


def _passes_are_whole(p: Process) -> bool:
    first, second, _, steady = p.called
    whole = all(phase.calls % p.feeds == 0 for phase in p.called)
    return whole and first.calls == second.calls == p.feeds and steady.calls > 0


def _latencies_are_of_the_calls(p: Process) -> bool:
    told, steady = p.f.latencies_ns, p.f.steady
    return len(told) * p.feeds <= steady.calls and sum(told) * p.feeds <= steady.run_ns * p.callers


# fmt: off
FIGURES: Checks[Process] = {
    "进程的各个阶段不齐，或有不认识的": _has_its_phases,
    "调用次数不是输入个数的整数倍，或某个阶段没有调用": _passes_are_whole,
    "内存峰值小于途中读到的驻留内存": lambda p: all(p.within(one.rss_bytes, one.peak_bytes) for one in p.phases)
          and all(p.within(seen, p.f.peak_bytes) for seen in p.f.rss_bytes),
    "归还空闲内存之后，驻留内存反而变大": lambda p: p.within(p.f.rss("trim"), p.f.rss("steady")),
    "推理加起来比它所在的阶段还长": lambda p: all(one.run_ns <= one.wall_ns for one in p.phases),
    "单次延迟比推理还多，或加起来比推理的总时间还长": _latencies_are_of_the_calls,
    "内存读数多于调用次数": lambda p: len(p.f.rss_bytes) <= sum(one.calls for one in p.called[:3]) + 1,
    "CPU 时间超过全部核在这段时间里能给的": lambda p: all(
          one.cpu_ns <= (one.run_ns * CLOCK_SLACK + TICK_NS) * p.cores for one in p.phases),
    "进程的总时间比其中几段加起来还短": lambda p: sum(one.wall_ns for one in p.phases) <= p.f.worker_ns,
    "输出含 NaN 或无穷大，却没有记为失败": lambda p: p.f.outputs.finite,
    "输出逐位相同，却有差别": lambda p: p.f.outputs.difference == 0 or not p.f.outputs.identical,
    "输出没有比较过，却有差别": lambda p: p.f.outputs.compared > 0 or p.f.outputs.identical,
}
# fmt: on


def _shares_add_up(trace: TraceSummary) -> bool:
    total = sum(cost.share for cost in trace.operators)
    return total == 0 or abs(total - 1) <= ROUNDED_SHARE * len(trace.operators) + 1e-9


def _nodes_within_operators(trace: TraceSummary) -> bool:
    whole = {cost.operator: cost for cost in trace.operators}
    return all(
        node.operator in whole
        and node.microseconds <= whole[node.operator].microseconds + ROUNDED_MICROSECONDS
        and node.share <= whole[node.operator].share + 2 * ROUNDED_SHARE
        for node in trace.nodes
    )


TRACE: Checks[TraceSummary] = {
    "各类算子的占比加起来不是 1": _shares_add_up,
    "单个节点的耗时超过它那一类算子": _nodes_within_operators,
}


class Reading:
    """What a journal has said so far. It is told line after line; one that cannot stand there raises Implausible."""

    def __init__(self, header: Header) -> None:
        check(HEADER, header)
        self.header = header
        self.groups = {group.index: group for group in header.groups}
        self.samples: dict[Place, list[Sample]] = defaultdict(list)
        self.last: dict[tuple[int, int], int] = defaultdict(lambda: -1)
        """Group and round -> the last attempt."""
        self.ended: set[Place] = set()
        self.final: dict[int, set[int]] = defaultdict(set)
        """Group -> its rounds that count."""
        self.failed: set[tuple[int | None, str]] = set()
        """Group and case; None: on whichever group it was observed."""
        self.told: set[tuple[Any, ...]] = set()
        self.version = ""

    def add(self, record: Record) -> None:
        line = Line(record, self)
        check(LINES[type(record)], line)
        self.told.add(line.about)
        match record:
            case Sample(figures=figures, failure=failure):
                self.last[line.place[:2]] = record.attempt
                self.samples[line.place].append(record)
                if failure:
                    self.failed.add((record.group, record.case))
                if figures:
                    self.version = figures.onnxruntime
                    check(FIGURES, Process.of(figures, record.case, line.group, self.header))
            case RoundEnd():
                self.last[line.place[:2]] = record.attempt
                self.ended.add(line.place)
                if record.final:
                    self.final[record.group].add(record.round)
            case Untimed(failure=failure) if failure:
                self.failed.add((None, record.case))
            case TraceSummary():
                check(TRACE, record)

    def planned(self, group: GroupRecord) -> int:
        """Rounds of a group."""
        return self.header.rounds if group.load.timed else 1


class Line(NamedTuple):
    """A line of a journal, and what stood before it."""

    it: Any
    read: Reading

    @property
    def group(self) -> GroupRecord:
        return self.read.groups[self.it.group]

    @property
    def place(self) -> Place:
        return self.it.group, self.it.round, self.it.attempt

    @property
    def about(self) -> tuple[Any, ...]:
        """What may be told once."""
        inputs = () if self.it.kind == "report" else ("group", "model", "input")
        return tuple(getattr(self.it, name, None) for name in ("kind", "subject", "case", *inputs))


def _attempt_follows(line: Line) -> bool:
    last = line.read.last[line.place[:2]]
    return line.it.attempt in (last, last + 1) and line.place not in line.read.ended


def _position_follows(line: Line) -> bool:
    """After a failure the baseline is not tried again at its other places in the round."""
    before = line.read.samples[line.place]
    left_out = line.it.position - (before[-1].position + 1 if before else 0)
    return left_out == 0 or (left_out > 0 and any(sample.failure for sample in before))


def _round_whole(line: Line) -> bool:
    excused = {case for index, case in line.read.failed if index in (None, line.it.group)}
    return set(line.group.cases) <= {sample.case for sample in line.read.samples[line.place]} | excused


def _rounds_whole(line: Line) -> bool:
    def whole(group: GroupRecord) -> bool:
        done = line.read.final[group.index]
        return len(done) >= min(line.it.rounds, line.read.planned(group)) and done == set(range(len(done)))

    return all(map(whole, line.read.header.groups))


def _differ(*names: Any) -> bool:
    return len(set(names)) == len(names)


# fmt: off
GROUP_KNOWN: Checks[Line] = {"文件头里没有这一组": lambda n: n.it.group in n.read.groups}
CASE_OF_GROUP: Checks[Line] = {"这一组里没有这个设置": lambda n: n.it.case in n.group.cases}
TOLD_ONCE: Checks[Line] = {"同一件事记了两遍": lambda n: n.about not in n.read.told}
IN_TURN: Checks[Line] = {
    "轮次超出计划": lambda n: n.it.round < n.read.planned(n.group),
    "这一轮已经测完，不该还有它的记录": lambda n: n.it.round not in n.read.final[n.it.group],
    "这一轮的重测次数接不上": _attempt_follows,
}
OF_INPUT: Checks[Line] = {
    "文件头里没有这个设置": lambda n: n.it.case in {one.id for one in n.read.header.cases},
    "文件头里没有这个模型和输入": lambda n: (n.it.model, n.it.input) in {(one.model, one.input) for one in n.read.header.groups},
    **TOLD_ONCE,
}
LINES: dict[type[Record], Checks[Line]] = {
    Sample: {
        **GROUP_KNOWN, **CASE_OF_GROUP,
        "样本应当或有数据、或有失败原因，二者必居其一": lambda n: (n.it.figures is None) != (n.it.failure is None),
        "进程从启动到结束的时间比它自己报告的还短": lambda n: n.it.failure is not None
              or n.it.figures.worker_ns <= (n.it.wall_s * CLOCK_SLACK + WALL_SLACK_S) * 1e9,
        **IN_TURN,
        "样本的位置接不上：有缺漏、重复或颠倒": _position_follows,
        "同一个文件里有两个版本的 onnxruntime": lambda n: n.it.failure is not None or n.read.version in ("", n.it.figures.onnxruntime),
    },
    RoundEnd: {
        **GROUP_KNOWN, **IN_TURN,
        "什么都没有读到，却说机器繁忙": lambda n: not n.it.noise.dirty or {
            n.it.noise.others, n.it.noise.steal, n.it.noise.pressure, n.it.noise.held_back} != {None},
        "这一轮缺了没有失败过的设置": _round_whole,
        "机器不忙，这一轮却要重测": lambda n: n.it.final or n.it.noise.dirty,
    },
    Untimed: {
        **GROUP_KNOWN, **CASE_OF_GROUP, **TOLD_ONCE,
        "没有跑成，却有观察结果": lambda n: n.it.failure is None
              or not (n.it.facts or n.it.regions or n.it.operators or n.it.outcome),
        "arena 的区块数与列出的不符": lambda n: n.it.facts.get("arena_regions", len(n.it.regions)) == len(n.it.regions),
        "节点数与各类算子的数目不符": lambda n: "nodes" not in n.it.facts or n.it.facts["nodes"] == sum(n.it.operators.values()),
    },
    Told: {
        **OF_INPUT,
        "脚本没有跑成，却有报告": lambda n: not n.it.lines or n.it.failure is None,
    },
    TraceSummary: OF_INPUT,
    Footer: {
        "完成的轮数超过计划": lambda n: n.it.rounds <= n.read.header.rounds,
        "说是测完了，却有一组缺了轮次": _rounds_whole,
        "测完的时间早于开始的时间": lambda n: datetime.fromisoformat(n.it.finished_at)
              >= datetime.fromisoformat(n.read.header.started_at) - SET_BACK,
    },
}
HEADER: Checks[Header] = {
    "两个设置同名": lambda h: _differ(*(case.id for case in h.cases)),
    "两组相同": lambda h: _differ(*((one.model, one.input) for one in h.groups))
          and _differ(*(one.index for one in h.groups)),
    "组里有重复的或文件头里没有的设置": lambda h: all(
        _differ(*one.cases) and {case.id for case in h.cases} >= set(one.cases) for one in h.groups),
}
# fmt: on


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
    "有两行、两组或两个设置同名": lambda e: _differ(*(one.id for one in e.cases)) and _differ(*(one.index for one in e.groups))
          and _differ(*((one.model, one.input) for one in e.groups))
          and _differ(*((one.model, one.input, one.case, one.metric) for one in e.rows)),
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


# fmt: off
_SAID = {
    **dict.fromkeys(("int_type", "int_from_float"), "应是整数"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), "应是对象"),
    **dict.fromkeys(("extra_forbidden", "unexpected_keyword_argument"), "没有这一项"),
    "string_type": "应是文字", "float_type": "应是数", "bool_type": "应是 true 或 false", "list_type": "应是数组",
    "none_required": "应是 null", "literal_error": "应是 {expected} 之一", "missing": "缺少这一项",
    "union_tag_not_found": "没有写明是哪一种记录", "union_tag_invalid": "没有这种记录",
    "greater_than": "应大于 {gt}", "greater_than_equal": "不应小于 {ge}", "less_than": "应小于 {lt}",
    "less_than_equal": "不应大于 {le}", "finite_number": "不是有限的数", "int_parsing_size": "数太大",
    "string_too_long": "文字太长，最多 {max_length} 个字符", "string_unicode": "不是合法的文字",
    "string_pattern_mismatch": "写法不对，应符合 {pattern}", "too_long": "太多，最多 {max_length} 个",
    "too_short": "太少，至少 {min_length} 个", "json_invalid": "不是完整的 JSON", "value_error": "不是真实的时刻",
}
# fmt: on
"""pydantic's kinds of errors that our records can meet."""


def complaint(error: ValidationError) -> str:
    """The first thing that does not fit, and where it stands, in one short Chinese sentence that is safe to print."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = printable(".".join(str(part) for part in first["loc"]))
    said = _SAID.get(first["type"], "不合格式").format_map(first.get("ctx", {}))
    return f"{where}：{said}" if where else said


def printable(text: str) -> str:
    """A short piece of foreign text."""
    return harmless.text(text, MOST_QUOTED)
