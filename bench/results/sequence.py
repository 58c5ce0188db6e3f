"""How the lines of a journal must follow on each other: what `bench.measure.runner` writes, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bench.results import plausible
from bench.results.plausible import Implausible
from bench.results.records import Footer, Record, RoundEnd, Sample, Told, TraceSummary, Untimed

if TYPE_CHECKING:
    from bench.results.records import GroupRecord, Header

CLOCK_SET_BACK = timedelta(days=1)
"""A machine may learn the time while it measures."""

Round = tuple[int, int]
"""Index of a group, and a round of it."""


def require(name: str, reason: str, *, holds: bool) -> None:
    if not holds:
        raise Implausible(name, reason)


@dataclass(slots=True)
class _Attempt:
    """The attempt at a round that is under way, or was the last one."""

    number: int = -1
    ended: bool = True
    positions: int = 0
    """One above the last position."""
    cases: set[str] = field(default_factory=set)
    failed: bool = False


class Sequence:
    """Is told every line in turn. Raises Implausible at the first one that cannot stand where it stands."""

    def __init__(self, header: Header) -> None:
        _check_header(header)
        self._header = header
        self._groups = {group.index: group for group in header.groups}
        self._cases = {case.id for case in header.cases}
        self._inputs = {(group.model, group.input) for group in header.groups}
        self._attempts: dict[Round, _Attempt] = defaultdict(_Attempt)
        self._final: dict[int, set[int]] = defaultdict(set)
        self._failed: set[tuple[int | None, str]] = set()
        """(group index, case) of what has failed; None: on whichever group it was observed."""
        self._told: set[tuple[Any, ...]] = set()
        self._version: str | None = None

    def add(self, record: Record) -> None:
        match record:
            case Sample():
                self._sample(record)
            case RoundEnd():
                self._end(record)
            case Untimed():
                self._untimed(record)
            case Told():
                self._about(record.case, record.model, record.input)
                self._once("report", record.subject, record.case)
                told = bool(record.lines) and record.failure is not None
                require("failure_reports_nothing", "脚本没有跑成，却有报告", holds=not told)
            case TraceSummary():
                self._about(record.case, record.model, record.input)
                self._once("trace", record.case, record.model, record.input)
                plausible.check(plausible.TRACE, record)
            case Footer():
                self._footer(record)

    def _group(self, index: int, case: str | None = None) -> GroupRecord:
        group = self._groups.get(index)
        if group is None:
            raise Implausible("group_known", "文件头里没有这一组")
        require("case_of_group", "这一组里没有这个设置", holds=case is None or case in group.cases)
        return group

    def _about(self, case: str, model: str, label: str) -> None:
        require("case_known", "文件头里没有这个设置", holds=case in self._cases)
        require("input_known", "文件头里没有这个模型和输入", holds=(model, label) in self._inputs)

    def _once(self, *what: str | int) -> None:
        require("told_once", "同一件事记了两遍", holds=what not in self._told)
        self._told.add(what)

    def _round(self, group: GroupRecord, number: int, attempt: int) -> _Attempt:
        """The attempt that a line belongs to; a new one begins only after the one before it."""
        planned = 1 if not group.load.timed else self._header.rounds
        require("round_planned", "轮次超出计划", holds=number < planned)
        require(
            "round_open", "这一轮已经测完，不该还有它的记录", holds=number not in self._final[group.index]
        )
        place = (group.index, number)
        found = self._attempts[place]
        if attempt == found.number + 1:
            found = self._attempts[place] = _Attempt(attempt, ended=False)
        right = attempt == found.number and not found.ended
        require("attempt_follows", "这一轮的重测次数接不上", holds=right)
        return found

    def _sample(self, sample: Sample) -> None:
        group = self._group(sample.group, sample.case)
        plausible.check(plausible.SAMPLE, sample)
        attempt = self._round(group, sample.round, sample.attempt)
        follows = sample.position == attempt.positions or (
            attempt.failed and sample.position > attempt.positions
        )
        require("position_follows", "样本的位置接不上：有缺漏、重复或颠倒", holds=follows)
        attempt.positions = sample.position + 1
        attempt.cases.add(sample.case)
        if sample.failure:
            attempt.failed = True
            self._failed.add((sample.group, sample.case))
        if sample.figures:
            self._version = self._version or sample.figures.onnxruntime
            same = sample.figures.onnxruntime == self._version
            require("one_version", "同一个文件里有两个版本的 onnxruntime", holds=same)
            plausible.check(
                plausible.FIGURES, plausible.process(sample.figures, sample.case, group, self._header)
            )

    def _end(self, end: RoundEnd) -> None:
        group = self._group(end.group)
        attempt = self._round(group, end.round, end.attempt)
        plausible.check(plausible.NOISE, end.noise)
        excused = {case for index, case in self._failed if index in (None, end.group)}
        missing = set(group.cases) - attempt.cases - excused
        require("round_whole", "这一轮缺了没有失败过的设置", holds=not missing)
        require("repeat_has_cause", "机器不忙，这一轮却要重测", holds=end.final or end.noise.dirty)
        attempt.ended = True
        if end.final:
            self._final[end.group].add(end.round)

    def _untimed(self, record: Untimed) -> None:
        self._group(record.group, record.case)
        self._once("untimed", record.group, record.case)
        plausible.check(plausible.UNTIMED, record)
        if record.failure:
            self._failed.add((None, record.case))

    def _footer(self, footer: Footer) -> None:
        require("rounds_planned", "完成的轮数超过计划", holds=footer.rounds <= self._header.rounds)
        for group in self._header.groups:
            done = self._final[group.index]
            least = 1 if not group.load.timed else footer.rounds
            whole = len(done) >= least and done == set(range(len(done)))
            require("rounds_whole", "说是测完了，却有一组缺了轮次", holds=whole)
        started, finished = (
            datetime.fromisoformat(text) for text in (self._header.started_at, footer.finished_at)
        )
        require("ends_after_start", "测完的时间早于开始的时间", holds=finished - started >= -CLOCK_SET_BACK)


def _check_header(header: Header) -> None:
    cases = [case.id for case in header.cases]
    require("cases_differ", "两个设置同名", holds=len(set(cases)) == len(cases))
    places = [(group.model, group.input) for group in header.groups]
    indices = [group.index for group in header.groups]
    different = len(set(places)) == len(places) and len(set(indices)) == len(indices)
    require("groups_differ", "两组相同", holds=different)
    for group in header.groups:
        known = set(group.cases) <= set(cases) and len(set(group.cases)) == len(group.cases)
        require("group_cases_known", "组里有重复的或文件头里没有的设置", holds=known)
