"""A small journal with everything in it that a build can leave: what tests damage, cut and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.results.records import Cost, Told, TraceSummary
from bench.results.store import Writer
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make

    from bench.results.records import Header, Record

EXPERIMENT, BUILD = "toys", "20260102-030405-abcd"
SHAPES = [{"x": [batch, 3]} for batch in (1, 2, 4)]
FEEDS = len(SHAPES)


def header(make: Make) -> Header:
    """One group with a single shape, one with several that takes one round for its memory alone."""
    groups = [
        make.group_record(),
        make.group_record(index=1, input="3 shapes", shapes=SHAPES, cases=[BASELINE, CONTROL], timed=False),
    ]
    machine = {"cpu": "某处理器", "logical_cores": 2, "quota_cores": 1.5, "isa": ["avx2"], "l3_kib": None}
    return make.header(rounds=2, groups=groups, machine=machine)


def records(make: Make) -> list[Record]:
    """One of each kind, in the order of a build: a round repeated for noise, a case that fails, one not tried."""
    few = {"rss_bytes": [None, 4096]}
    many = {"feeds": FEEDS, "latency_ns": 5_000_000}
    at = {"model": "toy", "input": "batch=2"}
    absent = make.failure("not_applicable", "需要 glibc 2.35")
    conv = Cost(name="Conv", operator="Conv", nodes=2, microseconds=30.0, share=0.75)
    relu = Cost(name="Relu", operator="Relu", nodes=1, microseconds=10.0, share=0.25)
    node = Cost(name="conv_1", operator="Conv", nodes=1, microseconds=20.0, share=0.5)
    return [
        make.untimed("one", facts={"arena_regions": 2.0, "nodes": 3.0}, operators={"Conv": 1, "Relu": 2}),
        make.untimed("two", facts={}, regions=[], outcome=None, evidence="", failure=absent),
        Told(subject="line_memory", case=BASELINE, **at, lines={"table": ["Line #", "中文"]}),
        TraceSummary(case="one", **at, runs=6, run_microseconds=50.5, operators=[conv, relu], nodes=[node]),
        make.sample(BASELINE),
        make.sample(CONTROL, {"latency_ns": 11_000_000}, position=1),
        make.sample("one", make.failure("timeout", "超过 60 秒"), position=2),
        make.end(dirty=True, final=False),
        make.sample(CONTROL, few, attempt=1),
        make.sample(BASELINE, attempt=1, position=1),
        make.end(attempt=1),
        make.sample(BASELINE, many, group=1),
        make.sample(CONTROL, many, group=1, position=1),
        make.end(group=1),
        make.sample(BASELINE, round=1),
        make.sample(CONTROL, round=1, position=1),
        make.end(1),
        make.footer(2),
    ]


def write(folder: Path, make: Make) -> Path:
    writer = Writer.create(folder, header(make))
    for record in records(make):
        writer.append(record)
    return writer.journal.path
