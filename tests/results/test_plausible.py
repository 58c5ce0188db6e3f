"""Every relation that a journal must obey: a lie of each kind is refused, with the line and the reason."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from whole_journal import (
    BUILD,
    DIRTY_END,
    END,
    FAILED,
    FEEDS,
    FOOTER,
    MANY_SHAPES,
    NOT_APPLICABLE,
    REPORT,
    SAMPLE,
    SHAPES,
    TRACE,
    UNTIMED,
    write,
)

from bench.results import plausible, plausible_journal, store
from bench.results.plausible import Implausible
from bench.results.store import DamagedJournal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from samples import Make

    Lines = list[dict[str, Any]]
    Change = Callable[[Lines], object]

MIB = 1 << 20
AGAIN = SAMPLE + 1
"""The second sample of the first round; its baseline stands before it."""
CRASH = {"kind": "crashed", "reason": "x"}


def _figures(line: int = SAMPLE, **changes: Any) -> Change:
    return lambda lines: lines[line]["figures"].update(changes)


def _phase(name: str, line: int = SAMPLE, **changes: Any) -> Change:
    return lambda lines: lines[line]["figures"]["phases"][name].update(changes)


def _outputs(**changes: Any) -> Change:
    return lambda lines: lines[SAMPLE]["figures"]["outputs"].update(changes)


def _field(line: int, **changes: Any) -> Change:
    return lambda lines: lines[line].update(changes)


def _noise(line: int, **changes: Any) -> Change:
    return lambda lines: lines[line]["noise"].update(changes)


def _group(place: int, **changes: Any) -> Change:
    return lambda lines: lines[0]["groups"][place].update(changes)


def _twice(line: int) -> Change:
    return lambda lines: lines.insert(line, copy.deepcopy(lines[line]))


def _cost(kind: str, number: int, **changes: Any) -> Change:
    return lambda lines: lines[TRACE][kind][number].update(changes)


# fmt: off
LIES: dict[str, tuple[Change, ...]] = {
    "进程的各个阶段不齐，或有不认识的": (lambda lines: lines[SAMPLE]["figures"]["phases"].pop("open"),
        lambda lines: lines[SAMPLE]["figures"]["phases"].update(lunch=lines[SAMPLE]["figures"]["phases"]["trim"]),
        _phase("import", calls=1)),
    "调用次数不是输入个数的整数倍，或某个阶段没有调用": (_phase("steady", MANY_SHAPES, calls=31), _phase("first", calls=2)),
    "内存峰值小于途中读到的驻留内存": (_phase("open", rss_bytes=300 * MIB), _figures(rss_bytes=[100 * MIB, 300 * MIB])),
    "归还空闲内存之后，驻留内存反而变大": (_phase("trim", rss_bytes=300 * MIB, peak_bytes=300 * MIB),),
    "推理加起来比它所在的阶段还长": (_phase("steady", run_ns=100_000_001),),
    "单次延迟比推理还多，或加起来比推理的总时间还长": (_figures(latencies_ns=[9_000_000] * 11),
        _figures(latencies_ns=[11_000_000] * 10)),
    "内存读数多于调用次数": (_figures(rss_bytes=[100 * MIB] * 6),),
    "CPU 时间超过全部核在这段时间里能给的": (_phase("steady", cpu_ns=400_000_000), _phase("open", cpu_ns=10**12)),
    "进程的总时间比其中几段加起来还短": (_figures(worker_ns=200_000_000),),
    "输出含 NaN 或无穷大，却没有记为失败": (_outputs(finite=False),),
    "输出逐位相同，却有差别": (_outputs(difference=1e-9),),
    "输出没有比较过，却有差别": (_outputs(compared=0, identical=False),),
    "样本应当或有数据、或有失败原因，二者必居其一": (_field(SAMPLE, figures=None), _field(SAMPLE, failure=CRASH)),
    "进程从启动到结束的时间比它自己报告的还短": (_field(SAMPLE, wall_s=0.4),),
    "什么都没有读到，却说机器繁忙": (_noise(DIRTY_END, others=None, steal=None),),
    "没有跑成，却有观察结果": (_field(NOT_APPLICABLE, facts={"nodes": 0.0}), _field(NOT_APPLICABLE, outcome="effect")),
    "arena 的区块数与列出的不符": (_field(UNTIMED, regions=[MIB]),),
    "节点数与各类算子的数目不符": (_field(UNTIMED, operators={"Conv": 7}),),
    "各类算子的占比加起来不是 1": (_cost("operators", 0, share=0.7),),
    "单个节点的耗时超过它那一类算子": (_cost("nodes", 0, microseconds=31.0), _cost("nodes", 0, operator="Gemm")),
    "脚本没有跑成，却有报告": (_field(REPORT, failure=CRASH),),
    "文件头里没有这一组": (_field(SAMPLE, group=7), _field(END, group=7)),
    "这一组里没有这个设置": (_field(SAMPLE, case="three"), _field(UNTIMED, case="three")),
    "文件头里没有这个设置": (_field(TRACE, case="three"),),
    "文件头里没有这个模型和输入": (_field(REPORT, model="other"),),
    "同一件事记了两遍": (_twice(UNTIMED), _twice(REPORT), _twice(TRACE)),
    "轮次超出计划": (_field(SAMPLE, round=2), _field(MANY_SHAPES, round=1)),
    "这一轮已经测完，不该还有它的记录": (_twice(END),),
    "这一轮的重测次数接不上": (_field(SAMPLE, attempt=1), _twice(DIRTY_END)),
    "样本的位置接不上：有缺漏、重复或颠倒": (lambda lines: lines.pop(SAMPLE), _twice(SAMPLE),
        lambda lines: lines.insert(SAMPLE, lines.pop(AGAIN))),
    "这一轮缺了没有失败过的设置": (lambda lines: lines.pop(MANY_SHAPES + 1), _field(AGAIN, case="default")),
    "机器不忙，这一轮却要重测": (_noise(DIRTY_END, dirty=False), _field(END, final=False)),
    "同一个文件里有两个版本的 onnxruntime": (_figures(AGAIN, onnxruntime="1.30.0"),),
    "完成的轮数超过计划": (_field(FOOTER, rounds=3),),
    "说是测完了，却有一组缺了轮次": (lambda lines: lines.pop(END),
        _group(1, load={"callers": 1, "processes": 1, "timed": True})),
    "测完的时间早于开始的时间": (_field(FOOTER, finished_at="2025-12-31T03:04:05+00:00"),),
    "两个设置同名": (lambda lines: lines[0]["cases"][1].update(id="default"),),
    "两组相同": (_group(1, index=0), _group(1, input="batch=2")),
    "组里有重复的或文件头里没有的设置": (_group(0, cases=["three"]), _group(1, cases=["default", "default"])),
}
# fmt: on
"""What is said -> changes; it is the first thing to be said of each."""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory, make: Make) -> tuple[Path, Lines]:
    path = write(tmp_path_factory.mktemp("whole"), make)
    return path, [json.loads(line) for line in path.read_bytes().splitlines()]


def _read(journal: tuple[Path, Lines], change: Change) -> store.Journal:
    path, lines = journal
    lines = copy.deepcopy(lines)
    change(lines)
    return store.parse(path, b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def test_every_relation_has_a_lie() -> None:
    tables = (plausible.FIGURES, plausible.TRACE, plausible_journal.HEADER, *plausible_journal.LINES.values())
    assert set(LIES) == {reason for table in tables for reason in table}


@pytest.mark.parametrize("reason", LIES)
def test_lie_is_refused_with_file_line_and_reason(journal: tuple[Path, Lines], reason: str) -> None:
    for change in LIES[reason]:
        with pytest.raises(DamagedJournal) as refusal:
            _read(journal, change)
        assert isinstance(refusal.value.__cause__, Implausible)
        assert re.fullmatch(rf"{BUILD}\.jsonl 第 \d+ 行：{reason}", str(refusal.value))


@pytest.mark.parametrize(
    "change",
    [
        *(
            _phase(name, rss_bytes=None, peak_bytes=None, threads=None) for name in ("steady", "trim")
        ),  # no /proc
        _phase("first", rss_bytes=221 * MIB),  # counters of pages are added up late
        _phase("trim", rss_bytes=201 * MIB),
        _phase("warm_up", calls=0),
        _outputs(identical=False, difference=1e-6),
        _outputs(compared=0),
        _field(FOOTER, rounds=1),  # a resumed build may have had a round more of one group than of all
        _figures(latencies_ns=[10_000_000], threads_created=None),  # each nth alone is kept of many
    ],
)
def test_what_a_machine_may_well_report_is_believed(journal: tuple[Path, Lines], change: Change) -> None:
    _read(journal, change)


@pytest.mark.parametrize("cores", [None, "2", True, 0, 1 << 40])
def test_unknown_cores_excuse_cpu_time(journal: tuple[Path, Lines], cores: object) -> None:
    def many_cores(lines: Lines) -> None:
        lines[0]["machine"]["logical_cores"] = cores
        lines[SAMPLE]["figures"]["phases"]["steady"]["cpu_ns"] = 400_000_000

    _read(journal, many_cores)


@pytest.mark.parametrize("keep", [1, 6, 9, 13, 18])
def test_journal_of_an_interrupted_build_is_believed(journal: tuple[Path, Lines], keep: int) -> None:
    """And a round begun again thereafter: the build was killed in the first attempt, which has no end."""
    assert not _read(journal, lambda lines: lines.__delitem__(slice(keep, None))).complete
    found = _read(journal, lambda lines: lines.pop(END - 3))
    assert [end.attempt for end in found.final_rounds(0)] == [1, 0]


def test_positions_after_a_failed_baseline_may_be_left_out(journal: tuple[Path, Lines]) -> None:
    """The baseline stands several times in a round; once it has failed it is not tried again."""

    def fail(lines: Lines) -> None:
        lines[SAMPLE].update(figures=None, failure=CRASH)
        lines[AGAIN]["position"], lines[FAILED]["position"] = 3, 4

    _read(journal, fail)


def test_group_whose_cases_have_all_failed_has_rounds_without_samples(journal: tuple[Path, Lines]) -> None:
    def fail(lines: Lines) -> None:
        lines[0]["cases"] = lines[0]["cases"][:1]
        for group in lines[0]["groups"]:
            group["cases"] = ["default"]
        end = lines[END]
        lines[1:] = [lines[SAMPLE] | {"figures": None, "failure": CRASH}]
        lines += [end | {"attempt": 0, "round": number} for number in (0, 1)]

    assert len(_read(journal, fail).rounds) == 2


def test_figures_are_judged_alone_as_well(make: Make) -> None:
    """For whoever takes a sample: better a failure at once than a file that nobody believes."""
    header = make.header(groups=[make.group_record(shapes=SHAPES)])

    def judge(**changes: Any) -> None:
        figures = make.figures(FEEDS, **changes)
        plausible.check(plausible.FIGURES, plausible.Process.of(figures, "default", header.groups[0], header))

    judge()
    with pytest.raises(Implausible, match="内存峰值小于途中读到的驻留内存"):
        judge(kept_bytes=1 << 40)
