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
    TRACE,
    UNTIMED,
    write,
)

from bench.results import plausible, store
from bench.results.plausible import Implausible
from bench.results.store import DamagedJournal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Make

    Lines = list[dict[str, Any]]
    Change = Callable[[Lines], object]

MIB = 1 << 20
AGAIN = SAMPLE + 1
"""The second sample of the first round; its baseline stands before it."""
CRASH = {"kind": "crashed", "reason": "x"}


def _figures(line: int = SAMPLE, **changes: Any) -> Change:
    return lambda lines: lines[line]["figures"].update(changes)


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


LIES: dict[str, tuple[Change, ...]] = {
    "peak_covers_kept": (_figures(kept_bytes=221 * MIB),),
    "peak_covers_seen": (_figures(base_bytes=300 * MIB), _figures(rss_bytes=[100 * MIB, 300 * MIB])),
    "trimming_returns": (_figures(kept_trimmed_bytes=300 * MIB),),
    "latency_between_extremes": (_figures(latency_ns=8_999_999), _figures(slowest_ns=9_999_999)),
    "whole_passes": (_figures(MANY_SHAPES, calls=31), _figures(MANY_SHAPES, session_calls=37)),
    "single_pass_has_one_time": (_figures(calls=1),),
    "median_of_two": (_figures(calls=2),),
    "loop_holds_its_calls": (_figures(loop_ns=96_999_999), _figures(MANY_SHAPES, loop_ns=120_000_000)),
    "runs_within_loop": (_figures(run_ns=100_000_001),),
    "session_counts_first_runs": (_figures(MANY_SHAPES, session_calls=33),),
    "memory_watched_once_a_call": (_figures(rss_bytes=[100 * MIB] * 4),),
    "cpu_within_cores": (_figures(cpu_ns=40_000_000),),
    "idle_within_cores": (_figures(idle_cpu_ns=4_000_000_001),),
    "worker_holds_its_parts": (_figures(worker_ns=100_000_000),),
    "outputs_finite": (_figures(outputs_finite=False),),
    "identical_outputs_do_not_differ": (_figures(outputs_difference=1e-9),),
    "only_compared_outputs_differ": (_figures(outputs_compared=0, outputs_identical=False),),
    "figures_or_failure": (_field(SAMPLE, figures=None), _field(SAMPLE, failure=CRASH)),
    "process_outlives_worker": (_field(SAMPLE, wall_s=0.4),),
    "dirt_was_seen": (_noise(DIRTY_END, others=None, steal=None),),
    "failure_shows_nothing": (
        _field(NOT_APPLICABLE, facts={"nodes": 0.0}),
        _field(NOT_APPLICABLE, outcome="effect"),
    ),
    "regions_counted": (_field(UNTIMED, regions=[MIB]),),
    "nodes_counted": (_field(UNTIMED, operators={"Conv": 7}),),
    "shares_add_up": (_cost("operators", 0, share=0.7),),
    "nodes_within_operators": (_cost("nodes", 0, microseconds=31.0), _cost("nodes", 0, operator="Gemm")),
    "failure_reports_nothing": (_field(REPORT, failure=CRASH),),
    "group_known": (_field(SAMPLE, group=7), _field(END, group=7)),
    "case_of_group": (_field(SAMPLE, case="three"), _field(UNTIMED, case="three")),
    "case_known": (_field(TRACE, case="three"),),
    "input_known": (_field(REPORT, model="other"),),
    "told_once": (_twice(UNTIMED), _twice(REPORT), _twice(TRACE)),
    "round_planned": (_field(SAMPLE, round=2), _field(MANY_SHAPES, round=1)),
    "round_open": (_twice(END),),
    "attempt_follows": (_field(SAMPLE, attempt=1), _twice(DIRTY_END)),
    "position_follows": (
        lambda lines: lines.pop(SAMPLE),
        _twice(SAMPLE),
        lambda lines: lines.insert(SAMPLE, lines.pop(AGAIN)),
    ),
    "round_whole": (lambda lines: lines.pop(MANY_SHAPES + 1), _field(AGAIN, case="default")),
    "repeat_has_cause": (_noise(DIRTY_END, dirty=False), _field(END, final=False)),
    "one_version": (_figures(AGAIN, onnxruntime="1.30.0"),),
    "rounds_planned": (_field(FOOTER, rounds=3),),
    "rounds_whole": (lambda lines: lines.pop(END), _group(1, memory_only=False)),
    "ends_after_start": (_field(FOOTER, finished_at="2025-12-31T03:04:05+00:00"),),
    "cases_differ": (lambda lines: lines[0]["cases"][1].update(id="default"),),
    "groups_differ": (_group(1, index=0), _group(1, input="batch=2")),
    "group_cases_known": (_group(0, cases=["three"]), _group(1, cases=["default", "default"])),
}
"""Name of a rule -> changes; the first rule that a change breaks is the named one."""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory, make: Make) -> tuple[Path, Lines]:
    path = write(tmp_path_factory.mktemp("whole"), make)
    return path, [json.loads(line) for line in path.read_bytes().splitlines()]


def _read(journal: tuple[Path, Lines], change: Change) -> store.Journal:
    path, lines = journal
    lines = copy.deepcopy(lines)
    change(lines)
    return store.parse(path, b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def test_every_rule_has_a_lie_and_a_sentence_of_its_own() -> None:
    tables = (plausible.FIGURES, plausible.TRACE, plausible.HEADER, *plausible.LINES.values())
    rules = {(one.rule, one.reason) for table in tables for one in table}
    assert set(LIES) == {rule for rule, _ in rules}
    assert len({reason for _, reason in rules}) == len(rules) == len(LIES)


@pytest.mark.parametrize("rule", LIES)
def test_lie_is_refused_with_file_line_and_reason(journal: tuple[Path, Lines], rule: str) -> None:
    for change in LIES[rule]:
        with pytest.raises(DamagedJournal) as refusal:
            _read(journal, change)
        cause = refusal.value.__cause__
        assert isinstance(cause, Implausible)
        assert cause.rule == rule
        assert re.fullmatch(rf"{BUILD}\.jsonl 第 \d+ 行：{re.escape(str(cause))}", str(refusal.value))


def test_line_of_the_lie_is_the_one_that_was_changed(journal: tuple[Path, Lines]) -> None:
    for line in (SAMPLE, MANY_SHAPES):
        with pytest.raises(DamagedJournal, match=f"第 {line + 1} 行"):
            _read(journal, _figures(line, peak_bytes=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"peak_bytes": 200 * MIB},  # just what was kept
        {"peak_bytes": None, "kept_bytes": None, "kept_trimmed_bytes": None, "rss_bytes": []},  # no /proc
        {"after_first_bytes": 221 * MIB},  # counters of pages are added up late
        {"kept_trimmed_bytes": 201 * MIB},
        {"calls": 1, "fastest_ns": 10_000_000, "slowest_ns": 10_000_000, "session_calls": 3, "rss_bytes": []},
        {"outputs_identical": False, "outputs_difference": 1e-6},
        {"idle_cpu_ns": None, "minor_faults": None, "threads_created": None, "outputs_compared": 0},
        {"loop_ns": 97_000_000, "run_ns": 97_000_000},  # as short as its calls allow
    ],
)
def test_what_a_machine_may_well_report_is_believed(
    journal: tuple[Path, Lines], changes: dict[str, Any]
) -> None:
    _read(journal, _figures(**changes))


@pytest.mark.parametrize("cores", [None, "2", True, 0, 1 << 40])
def test_cpu_time_is_not_judged_where_the_cores_are_not_known(
    journal: tuple[Path, Lines], cores: object
) -> None:
    def many_cores(lines: Lines) -> None:
        lines[0]["machine"]["logical_cores"] = cores
        lines[SAMPLE]["figures"]["cpu_ns"] = 40_000_000

    _read(journal, many_cores)


@pytest.mark.parametrize("keep", [1, 5, 6, 9, 11, 13, 18])
def test_journal_of_an_interrupted_build_is_believed(journal: tuple[Path, Lines], keep: int) -> None:
    assert not _read(journal, lambda lines: lines.__delitem__(slice(keep, None))).complete


def test_round_begun_again_after_an_interruption_is_believed(journal: tuple[Path, Lines]) -> None:
    """The first attempt has no end: the build was killed in it."""
    found = _read(journal, lambda lines: lines.pop(END - 3))
    assert [end.attempt for end in found.final_rounds(0)] == [1, 0]


def test_more_rounds_than_the_footer_counts_are_believed(journal: tuple[Path, Lines]) -> None:
    """A resumed build may have had a round more of one group than its budget then allowed for all."""
    _read(journal, _field(FOOTER, rounds=1))


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
    header = make.header(groups=[make.group_record(shapes=[[1, 3]] * FEEDS)])

    def judge(**changes: Any) -> None:
        figures = make.figures(FEEDS, **changes)
        plausible.check(plausible.FIGURES, plausible.Process.of(figures, header.groups[0], header))

    judge()
    with pytest.raises(Implausible, match="内存峰值") as refusal:
        judge(kept_bytes=1 << 40)
    assert refusal.value.rule == "peak_covers_kept"
