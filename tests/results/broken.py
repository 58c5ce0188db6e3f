"""A table of lies: for every rule that a journal must obey, changes of a whole journal that break it.

Each change is given the parsed lines of `whole_journal` and alters them in place.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from whole_journal import (
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
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Lines = list[dict[str, Any]]
    Change = Callable[[Lines], object]

MIB = 1 << 20
AGAIN = SAMPLE + 1
"""The second sample of the first round; its baseline stands before it."""


def figures(line: int = SAMPLE, **changes: Any) -> Change:
    return lambda lines: lines[line]["figures"].update(changes)


def field(line: int, **changes: Any) -> Change:
    return lambda lines: lines[line].update(changes)


def noise(line: int, **changes: Any) -> Change:
    return lambda lines: lines[line]["noise"].update(changes)


def group(place: int, **changes: Any) -> Change:
    return lambda lines: lines[0]["groups"][place].update(changes)


def without(line: int) -> Change:
    return lambda lines: lines.pop(line)


def twice(line: int) -> Change:
    return lambda lines: lines.insert(line, copy.deepcopy(lines[line]))


def swapped(one: int, other: int) -> Change:
    def swap(lines: Lines) -> None:
        lines[one], lines[other] = lines[other], lines[one]

    return swap


def cost(kind: str, number: int, **changes: Any) -> Change:
    return lambda lines: lines[TRACE][kind][number].update(changes)


def all_of(*changes: Change) -> Change:
    return lambda lines: [change(lines) for change in changes]


BROKEN: dict[str, tuple[Change, ...]] = {
    "peak_covers_kept": (
        figures(kept_bytes=221 * MIB),
        figures(peak_bytes=200 * MIB - 1),
        figures(MANY_SHAPES, peak_bytes=1),
    ),
    "peak_covers_seen": (
        figures(base_bytes=300 * MIB),
        figures(after_first_bytes=300 * MIB),
        figures(after_second_bytes=1 << 49),
        figures(before_steady_bytes=300 * MIB),
        figures(rss_bytes=[100 * MIB, 300 * MIB]),
    ),
    "trimming_returns": (figures(kept_trimmed_bytes=300 * MIB),),
    "latency_between_extremes": (
        figures(latency_ns=8_999_999),
        figures(latency_ns=12_000_001),
        figures(fastest_ns=10_000_001),
        figures(slowest_ns=9_999_999),
    ),
    "whole_passes": (figures(MANY_SHAPES, calls=31), figures(MANY_SHAPES, session_calls=37)),
    "single_pass_has_one_time": (figures(calls=1), figures(MANY_SHAPES, calls=FEEDS)),
    "median_of_two": (figures(calls=2),),
    "loop_holds_its_calls": (
        figures(loop_ns=96_999_999),
        figures(calls=11),
        figures(slowest_ns=16_000_000),
        figures(fastest_ns=10_000_000, latency_ns=10_500_000, slowest_ns=12_000_000),
        figures(MANY_SHAPES, loop_ns=120_000_000),
    ),
    "runs_within_loop": (figures(run_ns=100_000_001),),
    "session_counts_first_runs": (figures(session_calls=11), figures(MANY_SHAPES, session_calls=33)),
    "memory_watched_once_a_call": (figures(rss_bytes=[100 * MIB] * 4),),
    "cpu_within_cores": (figures(cpu_ns=40_000_000), figures(run_ns=40_000_000)),
    "idle_within_cores": (figures(idle_cpu_ns=4_000_000_001),),
    "worker_holds_its_parts": (figures(worker_ns=100_000_000), figures(session_ns=500_000_000)),
    "outputs_finite": (figures(outputs_finite=False),),
    "identical_outputs_do_not_differ": (figures(outputs_difference=1e-9),),
    "only_compared_outputs_differ": (figures(outputs_compared=0, outputs_identical=False),),
    "figures_or_failure": (
        field(SAMPLE, figures=None),
        field(SAMPLE, failure={"kind": "crashed", "reason": "x"}),
        field(FAILED, failure=None),
    ),
    "process_outlives_worker": (field(SAMPLE, wall_s=0.4), figures(worker_ns=1_200_000_000)),
    "dirt_was_seen": (noise(DIRTY_END, others=None, steal=None),),
    "failure_shows_nothing": (
        field(NOT_APPLICABLE, facts={"nodes": 0.0}),
        field(NOT_APPLICABLE, regions=[4096]),
        field(NOT_APPLICABLE, outcome="effect"),
        field(UNTIMED, failure={"kind": "crashed", "reason": "x"}),
    ),
    "regions_counted": (field(UNTIMED, regions=[MIB]), field(UNTIMED, facts={"arena_regions": 3.0})),
    "nodes_counted": (field(UNTIMED, operators={"Conv": 7}), field(UNTIMED, facts={"nodes": 4.0})),
    "shares_add_up": (cost("operators", 0, share=0.7), cost("operators", 1, share=1.0)),
    "nodes_within_operators": (
        cost("nodes", 0, microseconds=31.0),
        cost("nodes", 0, share=0.8),
        cost("nodes", 0, operator="Gemm"),
    ),
    "failure_reports_nothing": (field(REPORT, failure={"kind": "crashed", "reason": "x"}),),
    "group_known": (field(SAMPLE, group=7), field(END, group=7), field(UNTIMED, group=7)),
    "case_of_group": (
        field(SAMPLE, case="three"),
        field(MANY_SHAPES, case="one"),
        field(UNTIMED, case="three"),
    ),
    "case_known": (field(REPORT, case="three"), field(TRACE, case="three")),
    "input_known": (field(REPORT, model="other"), field(TRACE, input="batch=3")),
    "told_once": (twice(UNTIMED), twice(REPORT), twice(TRACE), field(NOT_APPLICABLE, case="one")),
    "round_planned": (field(SAMPLE, round=2), field(MANY_SHAPES, round=1), field(END, round=9)),
    "round_open": (twice(END), field(MANY_SHAPES + 3, round=0)),
    "attempt_follows": (
        field(SAMPLE, attempt=1),
        field(END, attempt=3),
        field(SAMPLE + 4, attempt=3),
        twice(DIRTY_END),
        field(AGAIN, attempt=9999),
    ),
    "position_follows": (
        without(SAMPLE),
        twice(SAMPLE),
        swapped(SAMPLE, AGAIN),
        field(SAMPLE, position=1),
        field(AGAIN, position=0),
    ),
    "round_whole": (without(MANY_SHAPES + 1), without(AGAIN + 10), field(AGAIN, case="default")),
    "repeat_has_cause": (noise(DIRTY_END, dirty=False), field(END, final=False)),
    "one_version": (figures(AGAIN, onnxruntime="1.30.0"),),
    "rounds_planned": (field(FOOTER, rounds=3),),
    "rounds_whole": (
        without(END),
        without(FOOTER - 1),
        all_of(field(0, rounds=9), field(FOOTER, rounds=9)),
        group(1, memory_only=False),
        all_of(
            field(0, rounds=3),
            field(FOOTER - 1, round=2),
            field(FOOTER - 2, round=2),
            field(FOOTER - 3, round=2),
        ),
    ),
    "ends_after_start": (field(FOOTER, finished_at="2025-12-31T03:04:05+00:00"),),
    "cases_differ": (lambda lines: lines[0]["cases"][1].update(id="default"),),
    "groups_differ": (group(1, index=0), group(1, input="batch=2")),
    "group_cases_known": (
        group(0, cases=["default", "default_again", "one", "two", "three"]),
        group(1, cases=["default", "default"]),
    ),
}
"""Name of a rule -> changes; the first rule that a change breaks is the named one."""
