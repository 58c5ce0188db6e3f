"""What must hold of a journal: its head, and each line given those before it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.results.plausible import CLOCK_SLACK, FIGURES, TRACE, Process, check, differ
from bench.results.records import Footer, Record, RoundEnd, Sample, Told, TraceSummary, Untimed

if TYPE_CHECKING:
    from bench.results.plausible import Checks
    from bench.results.records import GroupRecord, Header

Place = tuple[int, int, int]
"""Group, round, attempt."""
WALL_SLACK_S = 0.05
PINNED = "onnxruntime=="
"""How a requirement begins that names one version."""
SET_BACK = timedelta(days=1)
"""A machine may learn the time while it measures."""


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
        self.settled: set[tuple[int, str]] = set()
        """Group and case: what has left it."""
        self.told: set[tuple[Any, ...]] = set()
        self.versions: dict[Any, str] = {}
        """Runtime that was asked for -> onnxruntime that was there."""

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
                    if figures.onnxruntime:  # other engines have none
                        self.versions[line.runtime] = figures.onnxruntime
                    check(FIGURES, Process.of(figures, record.case, line.group, self.header))
            case RoundEnd():
                self.last[line.place[:2]] = record.attempt
                self.ended.add(line.place)
                if record.final:
                    self.final[record.group].add(record.round)
                self.settled |= {(record.group, case) for case in record.settled}
            case Untimed(failure=failure) if failure:
                self.failed.add((None, record.case))
            case TraceSummary():
                check(TRACE, record)

    def looks(self, group: GroupRecord) -> list[int]:
        """Rounds after which a group may end."""
        return list(group.load.looks(self.header.looks))


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
    def runtime(self) -> tuple[tuple[str, ...], str]:
        """Packages and interpreter that its case asks for; empty: ours."""
        case = next(case for case in self.read.header.cases if case.id == self.it.case)
        place = case.place.within(self.group.place)
        return place.packages, place.python

    @property
    def version(self) -> str:
        """Of the onnxruntime that must have run: as asked for, else as before it in the same runtime."""
        asked = (one.removeprefix(PINNED) for one in self.runtime[0] if one.startswith(PINNED))
        return next(asked, None) or self.read.versions.get(self.runtime, self.it.figures.onnxruntime)

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
    gone = line.read.failed | line.read.settled
    excused = {case for index, case in gone if index in (None, line.it.group)}
    return set(line.group.cases) <= {sample.case for sample in line.read.samples[line.place]} | excused


def _ends_at_a_look(line: Line) -> bool:
    def whole(group: GroupRecord) -> bool:
        done = line.read.final[group.index]
        return len(done) in line.read.looks(group) and done == set(range(len(done)))

    return all(map(whole, line.read.header.groups))


def _settled_at_a_look(line: Line) -> bool:
    known = set(line.it.settled) <= set(line.group.cases)
    return not line.it.settled or (
        known and line.it.final and line.it.round + 1 in line.read.looks(line.group)
    )


# fmt: off
GROUP_KNOWN: Checks[Line] = {"文件头里没有这一组": lambda n: n.it.group in n.read.groups}
CASE_OF_GROUP: Checks[Line] = {"这一组里没有这个设置": lambda n: n.it.case in n.group.cases}
TOLD_ONCE: Checks[Line] = {"同一件事记了两遍": lambda n: n.about not in n.read.told}
IN_TURN: Checks[Line] = {
    "轮次超出计划": lambda n: n.it.round < n.read.looks(n.group)[-1],
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
        "同一个文件里有两个版本的 onnxruntime": lambda n: n.it.failure is not None or n.it.figures.onnxruntime in ("", n.version),
    },
    RoundEnd: {
        **GROUP_KNOWN, **IN_TURN,
        "什么都没有读到，却说机器繁忙": lambda n: not n.it.noise.dirty or {
            n.it.noise.others, n.it.noise.steal, n.it.noise.pressure, n.it.noise.held_back} != {None},
        "这一轮缺了没有失败过的设置": _round_whole,
        "机器不忙，这一轮却要重测": lambda n: n.it.final or n.it.noise.dirty,
        "不是该看的轮次，或不是这一组的设置，却说已有结论": _settled_at_a_look,
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
        "说是测完了，却有一组缺了轮次": _ends_at_a_look,
        "完成的轮数与各组的不符": lambda n: n.it.rounds == max((len(one) for one in n.read.final.values()), default=1),
        "测完的时间早于开始的时间": lambda n: datetime.fromisoformat(n.it.finished_at)
              >= datetime.fromisoformat(n.read.header.started_at) - SET_BACK,
    },
}
HEADER: Checks[Header] = {
    "该看的轮次没有从小到大排到最多的轮数": lambda h: h.looks == sorted(set(h.looks))
          and h.rounds == max((one.load.looks(h.looks)[-1] for one in h.groups), default=1),
    "两个设置同名": lambda h: differ(*(case.id for case in h.cases)),
    "两组相同": lambda h: differ(*((one.model, one.input) for one in h.groups))
          and differ(*(one.index for one in h.groups)),
    "组里有重复的或文件头里没有的设置": lambda h: all(
        differ(*one.cases) and {case.id for case in h.cases} >= set(one.cases) for one in h.groups),
}
# fmt: on
