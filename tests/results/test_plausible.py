"""What a journal or a downloaded export may say: each relation has a lie that is refused with the place and the reason."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from made_up import MadeUp
from pydantic import ValidationError
from whole_journal import BUILD, write

from bench.cli import comparing
from bench.cli.refusals import Refused
from bench.results import (
    downloads,
    kinds,
    plausible,
    plausible_export,
    plausible_journal,
    published,
    records,
    store,
)
from bench.results.plausible import Implausible
from bench.results.store import DamagedJournal
from bench.spec import CONTROL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from samples import Make

    Change = Callable[[Any], object]
    Lines = list[Any]

MIB = 1 << 20
UNTIMED, NOT_APPLICABLE, REPORT, TRACE, SAMPLE, AGAIN, FAILED, DIRTY_END = range(1, 9)
END, MANY_SHAPES, FOOTER = 11, 12, 18
"""Where the first line of each kind stands, the header being 0; the baseline of the first round stands before AGAIN."""
CRASH, FIGURES = {"kind": "crashed", "reason": "x"}, (SAMPLE, "figures")


def _follow(content: Any, way: tuple[str | int, ...]) -> Any:
    for step in way:
        content = content[step]
    return content


def _at(*way: str | int, **changes: Any) -> Change:
    """Changes of what lies so deep in a journal's lines, or in an export."""
    return lambda content: _follow(content, way).update(changes)


ASKS = _at(0, "cases", 1, place={"packages": ["onnxruntime==1.30.0", "numpy"]})
"""The A/A row asks for another version."""


def _pop(*way: str | int) -> Change:
    return lambda content: _follow(content, way[:-1]).pop(way[-1])


def _twice(*way: str | int) -> Change:
    return lambda content: _follow(content, way[:-1]).insert(way[-1], copy.deepcopy(_follow(content, way)))


def _phase(name: str, line: int = SAMPLE, **changes: Any) -> Change:
    return _at(line, "figures", "phases", name, **changes)


def _line(line: int, content: Any) -> Change:
    return lambda lines: lines.__setitem__(line, content)


def _both(*changes: Change) -> Change:
    return lambda lines: [change(lines) for change in changes]


def _row(metric: str, of: str = "arena_off", **changes: Any) -> Change:
    told = (metric, of)
    return lambda export: next(r for r in export["rows"] if (r["metric"], r["case"]) == told).update(changes)


# fmt: off
JOURNAL_LIES: dict[str, tuple[Change, ...]] = {
    "进程的各个阶段不齐，或有不认识的": (_pop(SAMPLE, "figures", "phases", "open"), _phase("import", calls=1),
        lambda lines: lines[SAMPLE]["figures"]["phases"].update(lunch=lines[SAMPLE]["figures"]["phases"]["trim"])),
    "调用次数不是输入个数的整数倍，或某个阶段没有调用": (_phase("steady", MANY_SHAPES, calls=31), _phase("first", calls=2)),
    "内存峰值小于途中读到的驻留内存": (_phase("open", rss_bytes=300 * MIB), _at(*FIGURES, rss_bytes=[100 * MIB, 300 * MIB])),
    "归还空闲内存之后，驻留内存反而变大": (_phase("trim", rss_bytes=300 * MIB, peak_bytes=300 * MIB),),
    "推理加起来比它所在的阶段还长": (_phase("steady", run_ns=100_000_001),),
    "单次延迟比推理还多，或加起来比推理的总时间还长": (_at(*FIGURES, latencies_ns=[9_000_000] * 11),
        _at(*FIGURES, latencies_ns=[11_000_000] * 10)),
    "内存读数多于调用次数": (_at(*FIGURES, rss_bytes=[100 * MIB] * 6),),
    "CPU 时间超过全部核在这段时间里能给的": (_phase("steady", cpu_ns=400_000_000), _phase("open", cpu_ns=10**12)),
    "进程的总时间比其中几段加起来还短": (_at(*FIGURES, worker_ns=200_000_000),),
    "输出含 NaN 或无穷大，却没有记为失败": (_at(*FIGURES, "outputs", finite=False),),
    "输出逐位相同，却有差别": (_at(*FIGURES, "outputs", difference=1e-9),),
    "输出没有比较过，却有差别": (_at(*FIGURES, "outputs", compared=0, identical=False),),
    "样本应当或有数据、或有失败原因，二者必居其一": (_at(SAMPLE, figures=None), _at(SAMPLE, failure=CRASH)),
    "进程从启动到结束的时间比它自己报告的还短": (_at(SAMPLE, wall_s=0.4),),
    "什么都没有读到，却说机器繁忙": (_at(DIRTY_END, "noise", others=None, steal=None),),
    "没有跑成，却有观察结果": (_at(NOT_APPLICABLE, facts={"nodes": 0.0}), _at(NOT_APPLICABLE, outcome="effect")),
    "arena 的区块数与列出的不符": (_at(UNTIMED, regions=[MIB]),),
    "节点数与各类算子的数目不符": (_at(UNTIMED, operators={"Conv": 7}),),
    "各类算子的占比加起来不是 1": (_at(TRACE, "operators", 0, share=0.7),),
    "单个节点的耗时超过它那一类算子": (_at(TRACE, "nodes", 0, microseconds=31.0), _at(TRACE, "nodes", 0, operator="Gemm")),
    "脚本没有跑成，却有报告": (_at(REPORT, failure=CRASH),),
    "文件头里没有这一组": (_at(SAMPLE, group=7), _at(END, group=7)),
    "这一组里没有这个设置": (_at(SAMPLE, case="three"), _at(UNTIMED, case="three")),
    "文件头里没有这个设置": (_at(TRACE, case="three"),),
    "文件头里没有这个模型和输入": (_at(REPORT, model="other"),),
    "同一件事记了两遍": (_twice(UNTIMED), _twice(REPORT), _twice(TRACE)),
    "轮次超出计划": (_at(SAMPLE, round=2), _at(MANY_SHAPES, round=1)),
    "这一轮已经测完，不该还有它的记录": (_twice(END),),
    "这一轮的重测次数接不上": (_at(SAMPLE, attempt=1), _twice(DIRTY_END)),
    "样本的位置接不上：有缺漏、重复或颠倒": (_pop(SAMPLE), _twice(SAMPLE),
        lambda lines: lines.insert(SAMPLE, lines.pop(AGAIN))),
    "这一轮缺了没有失败过的设置": (_pop(MANY_SHAPES + 1), _at(AGAIN, case="default")),
    "机器不忙，这一轮却要重测": (_at(DIRTY_END, "noise", dirty=False),),
    "同一个文件里有两个版本的 onnxruntime": (_at(AGAIN, "figures", onnxruntime="1.30.0"), ASKS),
    "完成的轮数与各组的不符": (_at(FOOTER, rounds=1), _at(FOOTER, rounds=3)),
    "该看的轮次没有从小到大排到最多的轮数": (_at(0, looks=[1]), _at(0, looks=[2, 1, 2]), _at(0, rounds=1)),
    "不是该看的轮次，或不是这一组的设置，却说已有结论": (_at(END, settled=["one"]), _at(DIRTY_END, settled=["one"]),
        _at(FOOTER - 1, settled=["three"])),
    "说是测完了，却有一组缺了轮次": (_pop(END),
        _at(0, "groups", 1, load={"callers": 1, "processes": 1, "timed": True})),
    "测完的时间早于开始的时间": (_at(FOOTER, finished_at="2025-12-31T03:04:05+00:00"),),
    "两个设置同名": (_at(0, "cases", 1, id="default"),),
    "两组相同": (_at(0, "groups", 1, index=0), _at(0, "groups", 1, input="batch=2")),
    "组里有重复的或文件头里没有的设置": (_at(0, "groups", 0, cases=["three"]), _at(0, "groups", 1, cases=["default"] * 2)),
}
"""What is said -> changes; it is the first thing to be said of each."""
EXPORT_LIES: dict[str, tuple[Change, ...]] = {
    "里面有别的实验的行": (_row("ratio", experiment="container"),),
    "有两行、两组或两个设置同名": (_twice("rows", 0), _twice("groups", 0), _twice("cases", 0)),
    "提到了没有列出的设置、模型或输入": (_row("ratio", case="three"),
        *(_at(part, 0, model="other") for part in ("curves", "outputs", "traces", "proofs")),
        _at("choices", 0, "candidates", 0, case="three")),
    "完成的轮数超过计划": (_at("build", rounds=10), _at("groups", 0, dirty_rounds=10)),
    "草稿却有结论": (_at("build", profile="quick"),),
    "曲线的横坐标与纵坐标个数不同，或次序不对": (_at("curves", 0, x=[1]), _at("curves", 0, x=[2, 1])),
    "胜出的不在候选里": (_at("choices", 0, winner="arena_off"),),
    "应当或有数、或有失败原因，二者必居其一": (_row("latency_ms", failure="x"), _row("latency_ms", value=None)),
    "数不在自己的区间里": (_row("ratio", value=1.6), _row("ratio", high=None)),
    "轮数与数对不上": (_row("ratio", rounds=0), _row("ratio", rounds=10)),
    "不该有负数": (_row("latency_ms", value=-1.0),),
    "没有这个指标，或单位不是它的": (_row("peak_mib", unit="GiB"), _at("rows", 0, metric="luck")),
    "这个指标没有这样的结论": (_row("latency_ms", verdict="same"), _row("ratio", verdict="less"),
        _row("kept_mib", verdict="faster")),
    "结论与区间矛盾": (_row("ratio", verdict="faster"), _row("ratio", value=1.0, low=0.99, high=1.01),
        _row("ratio", low=None, high=None), _row("ratio", "pattern_off", low=0.94),
        _row("ratio", "pattern_off", high=1.06), _row("peak_mib", verdict="more"), _row("peak_mib", "default", value=None, rounds=0, failure="x")),
    "草稿或机器繁忙时测的，却有结论": (lambda export: [group.update(verdicts=False) for group in export["groups"]],),
    "内存峰值小于留下的内存": (_row("kept_mib", value=801.0),),
    "各类算子的占比加起来不是 1": (_at("traces", 0, "operators", 0, share=0.5),),
}
DAMAGES: tuple[tuple[Change, int, str], ...] = (
    (_line(REPORT, b"\xff\xfe"), REPORT, "不是合法的文字|不是完整的 JSON"),
    (_line(REPORT, {"kind": "x"}), REPORT, "没有这种记录"),
    (_line(REPORT, {"kind": "sample"}), REPORT, "group：缺少这一项"),
    (_line(REPORT, b'{"kind": "round", "group": %s}' % (b"9" * 5000)), REPORT, "不是完整的 JSON"),
    (lambda lines: lines.__setitem__(0, lines[FOOTER]), 0, "第一行不是这个文件的文件头"),
    (lambda lines: lines.__setitem__(2, lines[0]), 2, "Header 不该出现在这里"),
    (lambda lines: lines.append(lines[SAMPLE]), FOOTER + 1, "Sample 不该出现在这里"),
    (_at(0, build="20260102-030405-ffff"), 0, "第一行不是这个文件的文件头"),
    (_at(0, experiment="others"), 0, "第一行不是这个文件的文件头"),
    (_at(0, key="0123456789abcdeX"), 0, "key：写法不对"),
    (_at(0, rounds=True), 0, "rounds：应是整数"),
    (_at(0, started_at="2026-02-30T03:04:05+00:00"), 0, "started_at：不是真实的时刻"),
    (_at(0, machine={f"fact_{number}": 1 for number in range(101)}), 0, "machine：太多，最多 100 个"),
    (_at(UNTIMED, facts={"arena_regions": float("inf")}), UNTIMED, "facts.arena_regions：不是有限的数"),
    (_at(SAMPLE, wall_s=-1), SAMPLE, "wall_s：不应小于 0"),
    (_at(SAMPLE, surprise=1), SAMPLE, "surprise：没有这一项"),
    *((_at(*FIGURES, worker_ns=value), SAMPLE, "worker_ns：") for value in (0, 10**40, "10000000", 1e7, float("nan"))),
    (_at(*FIGURES, rss_bytes=[1 << 50]), SAMPLE, "rss_bytes.0.*：应小于 "),
    (_at(*FIGURES, "outputs", identical=1), SAMPLE, "identical：应是 true 或 false"),
)
"""What the schema alone refuses -> line and words."""


def _of_control(version: str) -> Change:
    """The A/A row ran in that version."""

    def change(lines: Lines) -> None:
        for line in lines:
            if line.get("kind") == "sample" and line["case"] == CONTROL:
                line["figures"]["onnxruntime"] = version

    return change


BELIEVED: tuple[Change, ...] = (
    *(_phase(name, rss_bytes=None, peak_bytes=None, threads=None) for name in ("steady", "trim")),  # no /proc
    _phase("first", rss_bytes=221 * MIB),  # counters of pages are added up late
    _phase("trim", rss_bytes=201 * MIB),
    _phase("warm_up", calls=0),
    _at(*FIGURES, "outputs", identical=False, difference=1e-6),
    _at(*FIGURES, "outputs", compared=0),
    _at(FOOTER - 1, settled=["one"]),
    _at(*FIGURES, latencies_ns=[10_000_000], threads_created=None),  # each nth alone is kept of many
    _both(ASKS, _of_control("1.30.0")),
    # unknown cores excuse CPU time
    *(_both(_phase("steady", cpu_ns=400_000_000), _at(0, "machine", logical_cores=n)) for n in (None, True, 0, 1 << 40)),
    # the baseline stands several times in a round; once it has failed it is not tried again
    _both(_at(SAMPLE, figures=None, failure=CRASH), _at(AGAIN, position=3), _at(FAILED, position=4)),
)
# fmt: on


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory, make: Make) -> tuple[Path, Lines]:
    path = write(tmp_path_factory.mktemp("whole"), make)
    return path, [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def intact() -> dict[str, Any]:
    """With every kind of thing that the rules look at."""
    export = MadeUp(experiment="arena", memory=0.5, values={(None, "arena_off", "ratio"): 1.5}).export()
    case, group = export.cases[0].id, export.groups[0]
    where = {"case": case, "model": group.model, "input": group.input}
    cost = records.Cost(name="Conv", operator="Conv", nodes=1, microseconds=10.0, share=1.0)
    trace = {"runs": 1, "run_microseconds": 12.0, "operators": [cost], "nodes": [cost]}
    choice = {"scenario": "need", "winner": case, "reason": "", "rounds": 6, "vote": 1.0, "stable": True}
    able = published.CandidateRow(case=case, score=1.0, refused="")
    more = {
        "curves": [published.Curve(name="rss_mib", **where, x=[1, 2], y=[1.0, 2.0])],
        "outputs": [published.OutputRow(**where, identical=True, difference=0.0)],
        "traces": [records.TraceSummary(**where, **trace)],
        "choices": [published.Choice(**choice, candidates=[able], left_out=[])],
    }
    return export.model_copy(update=more).model_dump(mode="json")


def _read(journal: tuple[Path, Lines], change: Change) -> store.Journal:
    path, lines = journal[0], copy.deepcopy(journal[1])
    change(lines)
    found = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return store.parse(path, b"\n".join([*found, b""]))


def test_every_relation_has_a_lie() -> None:
    tables = (plausible.FIGURES, plausible.TRACE, plausible_journal.HEADER, *plausible_journal.LINES.values())
    assert set(JOURNAL_LIES) == {reason for table in tables for reason in table}
    of_export = {*plausible_export.EXPORT, *plausible_export.CELLS}
    assert set(EXPORT_LIES) == of_export | {next(iter(plausible.TRACE))}


@pytest.mark.parametrize("reason", JOURNAL_LIES)
def test_lie_is_refused_with_file_line_and_reason(journal: tuple[Path, Lines], reason: str) -> None:
    for change in JOURNAL_LIES[reason]:
        with pytest.raises(DamagedJournal, match=rf"^{BUILD}\.jsonl 第 \d+ 行：{reason}$") as refusal:
            _read(journal, change)
        assert isinstance(refusal.value.__cause__, Implausible)


@pytest.mark.parametrize("reason", EXPORT_LIES)
def test_contradiction_of_an_export_is_refused_with_its_reason(intact: dict[str, Any], reason: str) -> None:
    for change in EXPORT_LIES[reason]:
        content = copy.deepcopy(intact)
        change(content)
        export = published.Export.model_validate_json(json.dumps(content), strict=True)
        with pytest.raises(Implausible, match=f"^{re.escape(reason)}$"):
            plausible_export.check_export(export)


@pytest.mark.parametrize(("change", "line", "told"), DAMAGES)
def test_impossible_line_is_named(journal: tuple[Path, Lines], change: Change, line: int, told: str) -> None:
    with pytest.raises(DamagedJournal, match=rf"^{BUILD}\.jsonl(：| 第 {line + 1} 行.*)({told})"):
        _read(journal, change)


@pytest.mark.parametrize("change", BELIEVED)
def test_what_a_machine_may_well_report_is_believed(journal: tuple[Path, Lines], change: Change) -> None:
    _read(journal, change)


@pytest.mark.parametrize("keep", [1, 6, 9, 13, 18])
def test_journal_of_an_interrupted_build_is_believed(journal: tuple[Path, Lines], keep: int) -> None:
    """And a round begun again thereafter: the build was killed in the first attempt, which has no end."""
    assert not _read(journal, lambda lines: lines.__delitem__(slice(keep, None))).complete
    found = _read(journal, lambda lines: lines.pop(END - 3))
    assert [end.attempt for end in found.final_rounds(0)] == [1, 0]


def test_group_whose_cases_have_all_failed_has_rounds_without_samples(journal: tuple[Path, Lines]) -> None:
    def fail(lines: Lines) -> None:
        lines[0]["cases"] = lines[0]["cases"][:1]
        for group in lines[0]["groups"]:
            group["cases"] = ["default"]
        end = lines[END] | {"attempt": 0}
        lines[1:] = [lines[SAMPLE] | {"figures": None, "failure": CRASH}, end | {"round": 1}, end]

    assert [one.round for one in _read(journal, fail).final_rounds(0)] == [
        0,
        1,
    ]  # in whatever order they stand


def test_download_is_believed_or_refused_with_name_and_reason(tmp_path: Path, intact: dict[str, Any]) -> None:
    path, whole = tmp_path / "arena.json", json.dumps(intact)

    def refused(content: bytes | str, told: str) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(Refused, match=rf"arena\.json：{told}"):
            comparing.load(str(tmp_path), tmp_path)

    jsonschema.validate(intact, json.loads(downloads.export_schema()))
    path.write_text(whole)
    (found,) = comparing.load(str(tmp_path), tmp_path)
    assert json.loads(found.model_dump_json()) == intact
    for content in (b"", b"{", b"[]", b"\xff\xfe{}", b"[" * 10_000, b'{"a":' * 10_000, b"NaN"):
        refused(content, "不是这个版本的结果文件（[^a-z]*(JSON)?[^a-z]*）$")
    lie = copy.deepcopy(intact)
    _row("kept_mib", value=801.0)(lie)
    refused(json.dumps(lie), "内存峰值小于留下的内存")
    refused(whole.replace('"experiment": "arena"', '"experiment": "container"'), "里面是另一个实验的结果")
    with path.open("wb") as file:
        file.truncate(store.MOST_BYTES + 1)
    with pytest.raises(Refused, match="太大"):
        comparing.load(str(tmp_path), tmp_path)


def test_every_error_of_a_broken_file_is_told_in_chinese(intact: dict[str, Any]) -> None:
    """Every place of the export in turn gets every kind of wrong value: none may be told in pydantic's words."""
    wrong = (None, True, -1, 10**30, 0.5, "x" * 5000, "\x1b[31m", [], {}, [None] * 3)
    small = {name: part[:1] if isinstance(part, list) else part for name, part in intact.items()}
    for holder, key in list(_places(small)):
        kept = holder[key]
        for value in wrong:
            holder[key] = value
            try:
                published.Export.model_validate_json(json.dumps(small), strict=True)
            except ValidationError as error:
                told = kinds.complaint(error)
                assert "不合格式" not in told, (key, value)
                assert re.search("[一-鿿]", told), (key, value)
        holder[key] = kept


def _places(found: Any) -> Iterator[tuple[dict[str, Any], str]]:
    for key, value in found.items() if isinstance(found, dict) else ():
        yield found, key
        yield from _places(value)
    for value in found if isinstance(found, list) else ():
        yield from _places(value)
