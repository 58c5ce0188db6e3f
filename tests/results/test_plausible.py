"""Every relation that a journal must obey: what breaks it is refused, with the line and the reason."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from broken import BROKEN
from whole_journal import BUILD, END, FEEDS, MANY_SHAPES, SAMPLE, write

from bench.results import plausible, sequence, store
from bench.results.plausible import Implausible
from bench.results.store import DamagedJournal

if TYPE_CHECKING:
    from broken import Change, Lines
    from conftest import Make

TABLES = (plausible.FIGURES, plausible.SAMPLE, plausible.NOISE, plausible.UNTIMED, plausible.TRACE)
MIB = 1 << 20


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, make: Make) -> tuple[Path, Lines]:
    path = write(tmp_path_factory.mktemp("whole"), make)
    return path, [json.loads(line) for line in path.read_bytes().splitlines()]


def _read(whole: tuple[Path, Lines], change: Change) -> store.Journal:
    path, lines = whole
    lines = copy.deepcopy(lines)
    change(lines)
    return store.parse(path, b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def _names() -> set[str]:
    """Of all rules: those in tables, and those of the order of lines."""
    source = Path(sequence.__file__).read_text(encoding="utf-8")
    named = re.findall(r'(?:require|Implausible)\(\s*"(\w+)"', source)
    return {rule.name for table in TABLES for rule in table} | set(named)


def test_every_rule_has_something_that_breaks_it() -> None:
    assert set(BROKEN) == _names()


def test_no_two_rules_of_a_table_say_the_same() -> None:
    rules = [rule for table in TABLES for rule in table]
    assert len({rule.name for rule in rules}) == len({rule.reason for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    ("name", "change"),
    [(name, change) for name, changes in BROKEN.items() for change in changes],
    ids=[f"{name}-{number}" for name, changes in BROKEN.items() for number in range(len(changes))],
)
def test_broken_rule_is_named_with_file_line_and_reason(
    whole: tuple[Path, Lines], name: str, change: Change
) -> None:
    with pytest.raises(DamagedJournal) as refusal:
        _read(whole, change)
    cause = refusal.value.__cause__
    assert isinstance(cause, Implausible)
    assert cause.rule == name
    assert re.fullmatch(rf"{BUILD}\.jsonl 第 \d+ 行：[^a-z]*(?:[A-Za-z]+[^a-z]*)*", str(refusal.value))
    assert str(cause) in str(refusal.value)


def test_line_of_the_broken_rule_is_the_one_that_was_changed(whole: tuple[Path, Lines]) -> None:
    for line in (SAMPLE, MANY_SHAPES):
        with pytest.raises(DamagedJournal, match=f"第 {line + 1} 行"):
            _read(whole, lambda lines, line=line: lines[line]["figures"].update(peak_bytes=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"peak_bytes": 200 * MIB},  # just what was kept
        {"peak_bytes": None},  # no high-water mark without /proc
        {"peak_bytes": None, "kept_bytes": None, "kept_trimmed_bytes": None, "rss_bytes": []},
        {"after_first_bytes": 221 * MIB},  # counters of pages are added up late
        {"kept_trimmed_bytes": 201 * MIB},
        {"calls": 1, "fastest_ns": 10_000_000, "slowest_ns": 10_000_000, "session_calls": 3, "rss_bytes": []},
        {"outputs_identical": False, "outputs_difference": 1e-6},
        {"outputs_compared": 0},
        {"idle_cpu_ns": None, "minor_faults": None, "threads_created": None},
        {"loop_ns": 97_000_000, "run_ns": 97_000_000},  # as short as its calls allow
    ],
)
def test_what_a_machine_may_well_report_is_believed(
    whole: tuple[Path, Lines], changes: dict[str, Any]
) -> None:
    _read(whole, lambda lines: lines[SAMPLE]["figures"].update(changes))


@pytest.mark.parametrize("cores", [None, "2", True, 0, 1 << 40])
def test_cpu_time_is_not_judged_on_a_machine_whose_cores_are_not_known(
    whole: tuple[Path, Lines], cores: object
) -> None:
    def many_cores(lines: Lines) -> None:
        lines[0]["machine"]["logical_cores"] = cores
        lines[SAMPLE]["figures"]["cpu_ns"] = 40_000_000

    _read(whole, many_cores)


@pytest.mark.parametrize("keep", [1, 5, 6, 9, 11, 13, 18])
def test_journal_of_an_interrupted_build_is_believed(whole: tuple[Path, Lines], keep: int) -> None:
    journal = _read(whole, lambda lines: lines.__delitem__(slice(keep, None)))
    assert not journal.complete


def test_round_begun_again_after_an_interruption_is_believed(whole: tuple[Path, Lines]) -> None:
    """The first attempt has no end: the build was killed in it."""
    journal = _read(whole, lambda lines: lines.pop(END - 3))
    assert [end.attempt for end in journal.final_rounds(0)] == [1, 0]


def test_more_rounds_than_the_footer_counts_are_believed(whole: tuple[Path, Lines]) -> None:
    """A resumed build may have had a round more of one group than its budget then allowed for all."""
    _read(whole, lambda lines: lines[-1].update(rounds=1))


def test_positions_after_a_failed_baseline_may_be_left_out(whole: tuple[Path, Lines]) -> None:
    """The baseline stands several times in a round; once it has failed it is not tried again."""

    def fail(lines: Lines) -> None:
        failure = {"kind": "crashed", "reason": "x"}
        lines[SAMPLE].update(figures=None, failure=failure)
        lines[SAMPLE + 1]["position"] = 3
        lines[SAMPLE + 2]["position"] = 4

    _read(whole, fail)


def test_group_whose_cases_have_all_failed_has_rounds_without_samples(whole: tuple[Path, Lines]) -> None:
    def fail(lines: Lines) -> None:
        lines[0]["cases"] = lines[0]["cases"][:1]
        for group in lines[0]["groups"]:
            group["cases"] = ["default"]
        del lines[SAMPLE + 1 :]
        lines[1:5] = []
        lines[1].update(figures=None, failure={"kind": "crashed", "reason": "x"})
        noise = dict.fromkeys(("others", "steal", "pressure", "held_back", "throttled"), None)
        noise |= {"frequency_mhz": None, "available_bytes": None, "dirty": False}
        lines += [
            {"kind": "round", "group": 0, "round": number, "attempt": 0, "noise": noise, "final": True}
            for number in (0, 1)
        ]

    assert len(_read(whole, fail).rounds) == 2


def test_figures_are_judged_alone_as_well(make: Make) -> None:
    """For whoever takes a sample: better a failure at once than a file that nobody believes."""
    header = make.header(groups=[make.group_record(shapes=[[1, 3]] * FEEDS)])
    fine = plausible.process(make.figures(FEEDS), header.groups[0], header)
    plausible.check(plausible.FIGURES, fine)
    broken = plausible.process(make.figures(FEEDS, kept_bytes=1 << 40), header.groups[0], header)
    with pytest.raises(Implausible, match="内存峰值") as refusal:
        plausible.check(plausible.FIGURES, broken)
    assert refusal.value.rule == "peak_covers_kept"
