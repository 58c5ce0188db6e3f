"""A small journal with everything in it that a build can leave: what tests damage, cut and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.results.records import Cost, Sample, Told, TraceSummary
from bench.results.store import Writer
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conftest import Make

    from bench.results.records import Header, Record

EXPERIMENT, BUILD = "toys", "20260102-030405-abcd"
SHAPES = [{"x": [batch, 3]} for batch in (1, 2, 4)]
FEEDS = len(SHAPES)
UNTIMED, NOT_APPLICABLE, REPORT, TRACE, SAMPLE, FAILED = 1, 2, 3, 4, 5, 7
"""Where the first line of each kind stands, the header being 0."""
DIRTY_END, END, MANY_SHAPES, FOOTER = 8, 11, 12, -1


def header(make: Make, **changes: object) -> Header:
    """One group with a single shape, one with several that takes one round for its memory alone."""
    groups = [
        make.group_record(),
        make.group_record(index=1, input="3 shapes", shapes=SHAPES, cases=[BASELINE, CONTROL], timed=False),
    ]
    machine = {"cpu": "某处理器", "logical_cores": 2, "quota_cores": 1.5, "isa": ["avx2"], "l3_kib": None}
    return make.header(rounds=2, groups=groups, machine=machine, **changes)


def records(make: Make) -> list[Record]:
    """One of each kind, in the order of a build: a round repeated for noise, a case that fails, one not tried."""
    few = {"rss_bytes": [None, 4096]}
    cost = {"nodes": 2, "microseconds": 30.0, "share": 0.75}
    return [
        make.untimed("one", facts={"arena_regions": 2.0, "nodes": 3.0}, operators={"Conv": 1, "Relu": 2}),
        make.untimed(
            "two",
            facts={},
            regions=[],
            outcome=None,
            evidence="",
            failure=make.failure("not_applicable", "需要 glibc 2.35"),
        ),
        Told(
            subject="line_memory",
            case=BASELINE,
            model="toy",
            input="batch=2",
            lines={"table": ["Line #", "中文"]},
        ),
        TraceSummary(
            case="one",
            model="toy",
            input="batch=2",
            runs=6,
            run_microseconds=50.5,
            operators=[
                Cost(name="Conv", operator="Conv", **cost),
                Cost(name="Relu", operator="Relu", nodes=1, microseconds=10.0, share=0.25),
            ],
            nodes=[Cost(name="conv_1", operator="Conv", nodes=1, microseconds=20.0, share=0.5)],
        ),
        make.sample(BASELINE),
        make.sample(CONTROL, {"latency_ns": 11_000_000}, position=1),
        make.sample("one", make.failure("timeout", "超过 60 秒"), position=2),
        make.end(dirty=True, final=False),
        make.sample(CONTROL, few, attempt=1),
        make.sample(BASELINE, attempt=1, position=1),
        make.end(attempt=1),
        _sample_of_many(make, BASELINE, 0),
        _sample_of_many(make, CONTROL, 1),
        make.end(group=1),
        make.sample(BASELINE, round=1),
        make.sample(CONTROL, round=1, position=1),
        make.end(1),
        make.footer(2),
    ]


def _sample_of_many(make: Make, case: str, position: int) -> Sample:
    return Sample(
        group=1,
        round=0,
        attempt=0,
        position=position,
        case=case,
        started_s=float(position),
        wall_s=1.0,
        figures=make.figures(FEEDS, latency_ns=5_000_000),
    )


def write(folder: Path, make: Make, content: Sequence[Record] | None = None) -> Path:
    writer = Writer.create(folder, header(make))
    for record in records(make) if content is None else content:
        writer.append(record)
    return writer.journal.path
