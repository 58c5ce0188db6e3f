"""Published files, read back by the programs they are meant for; whatever is in the registry is in them."""

from __future__ import annotations

import csv
import io
import json
import operator
import re
import runpy
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pyperf
import pytest

from bench.results import compare, described, downloads
from bench.results.metrics import METRICS
from bench.results.published import Export
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case, Load, Place, Subject
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from samples import Make

    from bench.results.store import Journal

EXPORT, LINE = (
    jsonschema.Draft202012Validator(json.loads(text))
    for text in (downloads.export_schema(), downloads.journal_schema())
)
SHARED = ("schema_version", "machine", "cases", "groups")
"""Parts that an export has from the header of its journal."""
WHERE = {"variant": "optimised", "subject": Subject(name="shared_arena", options={"arena_x": 1})}
HOW = {"load": Load(callers=4, processes=2, timed=False), "place": Place(cores=0.5, env={"MALLOC_X": "1"})}
SET = {"settings": {"a": False, "b.c": "0", "d": 4}, "run_settings": {"memory.x": "cpu:0"}}
HELD = Case(id="one", title="甲", **SET, **WHERE, **HOW, expected="hang")  # type: ignore[arg-type]
"""A case with everything."""


def _journal(make: Make, slower: float = 1.0) -> Journal:
    rounds = [
        [
            (BASELINE, {"latency_ns": 10_000_000 + n * 10_000, "calls": 20}),
            (CONTROL, {"latency_ns": 10_000_000 - n * 10_000}),
            ("one", {"latency_ns": round(slower * (12_000_000 + n * 10_000)), "kept_bytes": 100 << 20}),
            *([("two", make.failure("crashed", '退出码 1,"引号", 逗号\t和中文'))] if n == 0 else []),
        ]
        for n in range(9)
    ]
    return make.journal(rounds, cases=(BASELINE, CONTROL, HELD, "two"))


@pytest.fixture(scope="module")
def summary(make: Make) -> Export:
    return summarise(make.experiment(), _journal(make))


def _suite(folder: Path, journal: Journal, name: str = "a") -> tuple[str, pyperf.BenchmarkSuite]:
    path = folder / f"{name}.pyperf.json"
    path.write_text(downloads.as_pyperf(journal), encoding="utf-8")
    return str(path), pyperf.BenchmarkSuite.load(str(path))


def test_json_and_csv_read_back_as_the_same_rows_and_facts(summary: Export) -> None:
    text, table = downloads.as_json(summary), downloads.as_csv(summary.rows)
    assert Export.model_validate_json(text) == summary
    from_json: list[dict[str, Any]] = json.loads(text)["rows"]
    assert table.startswith("\ufeffexperiment,model,input,")  # a mark for spreadsheets
    from_csv = list(csv.DictReader(io.StringIO(table[1:], newline=""), strict=True))
    assert len(from_csv) == len(from_json) > 12
    for one, other in zip(from_json, from_csv, strict=True):
        assert list(one) == list(other) == list(downloads.COLUMNS)
        assert {name: "" if value is None else str(value) for name, value in one.items()} == other
    facts = json.loads(downloads.machine_json(summary))
    assert (facts["machine"], facts["software"]) == (summary.machine, summary.software)
    assert facts["build"]["id"] == summary.build.id


def test_pyperf_has_each_time_and_size_and_compares_two_files(make: Make, tmp_path: Path) -> None:
    """In seconds and bytes; with nothing of this machine but its CPU and versions; a p95 has enough calls."""
    path, suite = _suite(tmp_path, _journal(make))
    sizes = {m.id for m in METRICS.values() if m.kind in ("time", "memory") and m.unit in ("ms", "s", "MiB")}
    expected = {
        f"toys/toy/batch=2/{case}/{metric}"
        for case in (BASELINE, CONTROL, "one")
        for metric in sizes - ({"p95_ms"} if case != BASELINE else set())
    }
    assert set(suite.get_benchmark_names()) == expected
    latency, kept, cpu = (
        suite.get_benchmark(f"toys/toy/batch=2/one/{name}") for name in ("latency_ms", "kept_mib", "cpu_s")
    )
    assert (latency.get_unit(), latency.get_nvalue()) == ("second", 9)
    assert (latency.median(), cpu.median()) == (pytest.approx(0.01204), pytest.approx(0.02408))
    assert (kept.get_unit(), kept.median()) == ("byte", 100 << 20)
    known = {"unit", "loops", "cpu_model_name", "onnxruntime_version", "python_version"}
    assert set(suite.get_metadata()) <= known
    other, _ = _suite(tmp_path, _journal(make, 1.5), "b")
    command = [sys.executable, "-m", "pyperf", "compare_to", path, other]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "one/latency" in done.stdout
    assert "1.50x slower" in done.stdout
    assert "two/" not in done.stdout


def test_pyperf_leaves_out_what_it_refuses(make: Make, tmp_path: Path) -> None:
    """A zero; and failure is data: the site appears, so the files are written."""
    suite = _suite(tmp_path, make.journal([[(BASELINE, {"cores": 0.0, "kept_bytes": None})]]))[1]
    assert not {name.rsplit("/", 1)[1] for name in suite.get_benchmark_names()} & {"cpu_s", "kept_mib"}
    failed = make.journal([[(BASELINE, make.failure())]])
    assert json.loads(downloads.as_pyperf(failed))["benchmarks"] == []


def test_added_metric_is_everywhere(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    time = replace(METRICS["latency_ms"], id="warm_ms", read=lambda f: f.phases["warm_up"].run_ns / 1e6)
    ratio = replace(METRICS["ratio"], id="warm_ratio", of="warm_ms")
    for metric in (time, ratio, replace(METRICS["nodes"], id="holes")):
        monkeypatch.setitem(METRICS, metric.id, metric)
    journal = _journal(make)
    journal.untimed.append(make.untimed(BASELINE, outcome=None, facts={"holes": 2.0}))
    summary = summarise(make.experiment(), journal)
    rows = {(row.case, row.metric): row for row in summary.rows}
    assert rows["one", "warm_ms"].value == pytest.approx(24.08)
    assert (rows["one", "warm_ratio"].verdict, rows[BASELINE, "holes"].value) == ("slower", 2)
    assert "toys/toy/batch=2/one/warm_ms" in _suite(tmp_path, journal)[1].get_benchmark_names()
    pairs = runpy.run_path(str(Path(compare.__file__)))["compare"]([summary], [summary]).pairs
    assert {"warm_ms", "warm_ratio"} <= {pair.key[-1] for pair in pairs}


def named_classes() -> list[str]:
    sources = [path.read_text(encoding="utf-8") for at in described.SOURCES for path in ROOT.glob(at)]
    return re.findall(r"^class (\w+)", "\n".join(sources), re.MULTILINE)


@pytest.mark.parametrize("schema", [EXPORT, LINE], ids=["export", "journal"])
def test_schema_is_one_and_tells_units_and_meanings(schema: Any) -> None:
    schema.check_schema(schema.schema)
    assert schema.schema["$schema"].endswith("2020-12/schema")
    assert [character for character in schema.schema["title"] if character > "\u4e00"]
    assert max(Counter(named_classes()).values()) == 1, "a description would be another class's"
    told = schema.schema["$defs"]
    assert all("description" in kind for kind in told.values())
    assert told["Load"]["properties"]["callers"]["description"]
    lines = [told[one["$ref"].rpartition("/")[2]] for one in schema.schema.get("oneOf", ())]
    assert all("kind" in kind["required"] for kind in lines)
    units = {"ns": "ns", "bytes": "byte"}
    for kind in ("Figures", "Phase") if schema is LINE else ():
        for name, found in told[kind]["properties"].items():
            if unit := units.get(name.rsplit("_")[-1]):
                assert f'"x-unit": "{unit}"' in json.dumps(found), name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema_version", 4),
        ("machine", {"cpu": {}}),
        ("cases.2.load.callers", 0),
        ("cases.2.place.cores", 1.5),
        ("cases.2.place.env", {"A": 1}),
        ("cases.2.settings.d", 0.5),
        ("cases.2.subject.name", "../x"),
        ("cases.2.proofs", [{"fact": "nodes", "relation": "==", "expected": 1}]),
        ("groups.0.model_title", "x" * 4001),
        ("rows.0.value", "10"),
        ("rows.0.value", 1e300),
        ("rows.0.verdict", "great"),
    ],
)
def test_foreign_words_are_refused(make: Make, summary: Export, path: str, value: object) -> None:
    export, header = json.loads(downloads.as_json(summary)), _journal(make).header.model_dump(mode="json")
    *way, last = (int(step) if step.isdecimal() else step for step in path.split("."))
    for told, schema in ((export, EXPORT), (header, LINE)):
        assert schema.is_valid(told)
        if told is export or path.startswith(SHARED):
            reduce(operator.getitem, way, told)[last] = value
            assert not schema.is_valid(told)
    with pytest.raises(ValueError, match=path.split(".", maxsplit=1)[0]):
        Export.model_validate_json(json.dumps(export), strict=True)
