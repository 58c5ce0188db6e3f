"""Published files, read back by the programs they are meant for; whatever is in the registry is in them."""

from __future__ import annotations

import csv
import json
import operator
import runpy
import subprocess
import sys
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pyperf
import pytest

from bench.results import compare, downloads
from bench.results.metrics import METRICS
from bench.results.published import Export
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case, Load, Place, Subject

if TYPE_CHECKING:
    from samples import Make

    from bench.results.store import Journal

EXPORT, LINE = (
    jsonschema.Draft202012Validator(json.loads(text))
    for text in (downloads.export_schema(), downloads.journal_schema())
)
SHARED = ("schema_version", "machine", "cases", "groups")
"""Parts that an export has from the header of its journal."""
HELD = Case(
    id="one",
    title="甲",
    settings={"a": False, "b.c": "0", "d": 4},
    run_settings={"memory.x": "cpu:0"},
    subject=Subject(name="shared_arena", options={"arena_extend_strategy": 1}),
    variant="optimised",
    load=Load(callers=4, processes=2, timed=False),
    place=Place(cores=0.5, env={"MALLOC_ARENA_MAX": "1"}),
    expected="hang",
)
"""A case with everything."""


def _journal(make: Make, *, slower: float = 1.0) -> Journal:
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


@pytest.fixture
def summary(make: Make) -> Export:
    return summarise(make.experiment(), _journal(make))


def _csv(text: str, folder: Path) -> list[dict[str, str]]:
    path = folder / "toys.csv"
    path.write_text(text, encoding="utf-8")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_json_and_csv_read_back_as_the_same_rows_and_facts(summary: Export, tmp_path: Path) -> None:
    text = downloads.as_json(summary)
    assert Export.model_validate_json(text) == summary
    from_json: list[dict[str, Any]] = json.loads(text)["rows"]
    table = downloads.as_csv(summary.rows)
    from_csv = _csv(table, tmp_path)
    assert table.startswith("\ufeffexperiment,model,input,")  # a mark for spreadsheets
    assert len(from_csv) == len(from_json) > 12
    for one, other in zip(from_json, from_csv, strict=True):
        assert list(one) == list(other) == list(downloads.COLUMNS)
        assert {name: "" if value is None else str(value) for name, value in one.items()} == other
    facts = json.loads(downloads.machine_json(summary))
    assert (facts["machine"], facts["software"]) == (summary.machine, summary.software)
    assert facts["build"]["id"] == summary.build.id


def _suite(folder: Path, name: str, journal: Journal) -> tuple[Path, pyperf.BenchmarkSuite]:
    path = folder / f"{name}.pyperf.json"
    path.write_text(downloads.as_pyperf(journal), encoding="utf-8")
    return path, pyperf.BenchmarkSuite.load(str(path))


def test_pyperf_has_each_time_and_size(make: Make, tmp_path: Path) -> None:
    """In seconds and bytes; with nothing of this machine but its CPU and versions; a p95 has enough calls."""
    suite = _suite(tmp_path, "a", _journal(make))[1]
    sizes = {m.id for m in METRICS.values() if m.kind in ("time", "memory") and m.unit in ("ms", "s", "MiB")}
    expected = {
        f"toys/toy/batch=2/{case}/{metric}"
        for case in (BASELINE, CONTROL, "one")
        for metric in sizes - ({"p95_ms"} if case != BASELINE else set())
    }
    assert set(suite.get_benchmark_names()) == expected
    latency, kept, cpu = (
        suite.get_benchmark(f"toys/toy/batch=2/one/{metric}")
        for metric in ("latency_ms", "kept_mib", "cpu_s")
    )
    assert (latency.get_unit(), latency.get_nvalue()) == ("second", 9)
    assert latency.median() == pytest.approx(0.01204)
    assert cpu.median() == pytest.approx(0.02408)
    assert (kept.get_unit(), kept.median()) == ("byte", 100 << 20)
    known = {"unit", "loops", "cpu_model_name", "onnxruntime_version", "python_version"}
    assert set(suite.get_metadata()) <= known


def test_pyperf_compares_two_files(make: Make, tmp_path: Path) -> None:
    paths = [_suite(tmp_path, str(by), _journal(make, slower=by))[0] for by in (1.0, 1.5)]
    command = [sys.executable, "-m", "pyperf", "compare_to", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "one/latency" in done.stdout
    assert "1.50x slower" in done.stdout
    assert "two/" not in done.stdout


def test_pyperf_leaves_out_what_it_refuses(make: Make, tmp_path: Path) -> None:
    """A zero; and failure is data: the site appears, so the files are written."""
    zero = {"cores": 0.0, "kept_bytes": None}
    names = _suite(tmp_path, "a", make.journal([[(BASELINE, zero)]]))[1].get_benchmark_names()
    assert not {name.rsplit("/", 1)[1] for name in names} & {"cpu_s", "kept_mib"}
    failed = make.journal([[(BASELINE, make.failure())]])
    assert json.loads(downloads.as_pyperf(failed))["benchmarks"] == []


def test_added_metric_is_everywhere(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    time = replace(METRICS["latency_ms"], id="warm_ms", read=lambda f: f.phases["warm_up"].run_ns / 1e6)
    ratio = replace(METRICS["ratio"], id="warm_ratio", of="warm_ms")
    fact = replace(METRICS["nodes"], id="subgraphs")
    for metric in (time, ratio, fact):
        monkeypatch.setitem(METRICS, metric.id, metric)
    journal = _journal(make)
    journal.untimed.append(make.untimed(BASELINE, outcome=None, facts={"subgraphs": 2.0}))
    summary = summarise(make.experiment(), journal)
    rows = {(row.case, row.metric): row for row in summary.rows}
    assert rows["one", "warm_ms"].value == pytest.approx(24.08)
    assert rows["one", "warm_ratio"].verdict == "slower"
    assert rows[BASELINE, "subgraphs"].value == 2
    written = {line["metric"] for line in _csv(downloads.as_csv(summary.rows), tmp_path)}
    assert {"warm_ms", "warm_ratio", "subgraphs"} <= written
    assert "toys/toy/batch=2/one/warm_ms" in _suite(tmp_path, "a", journal)[1].get_benchmark_names()
    anew = runpy.run_path(str(Path(compare.__file__)))
    found = anew["compare"]([summary], [summary])
    assert {"warm_ms", "warm_ratio"} <= {pair.key[-1] for pair in found.pairs}


def _lines(journal: Journal) -> list[Any]:
    found = [journal.header, *journal.untimed, *journal.samples, *journal.rounds, journal.footer]
    return [json.loads(record.model_dump_json()) for record in found if record]


@pytest.mark.parametrize("schema", [EXPORT, LINE], ids=["export", "journal"])
def test_schema_is_one_and_tells_units_and_meanings(schema: Any) -> None:
    schema.check_schema(schema.schema)
    assert schema.schema["$schema"].endswith("2020-12/schema")
    assert [character for character in schema.schema["title"] if character > "\u4e00"]
    told = schema.schema["$defs"]
    assert all("description" in kind for kind in told.values())
    assert told["Load"]["properties"]["callers"]["description"]
    if schema is LINE:
        phase = told["Phase"]["properties"]
        assert (phase["wall_ns"]["x-unit"], phase["cpu_ns"]["x-unit"]) == ("ns", "ns")
        assert phase["rss_bytes"]["anyOf"][0]["x-unit"] == "byte"
        units = {"ns": "ns", "bytes": "byte"}
        for name, found in told["Figures"]["properties"].items():
            if unit := units.get(name.rsplit("_")[-1]):
                assert f'"x-unit": "{unit}"' in json.dumps(found), name


def test_what_we_write_fits_the_schemas_with_the_vocabulary_inside(make: Make, summary: Export) -> None:
    EXPORT.validate(json.loads(downloads.as_json(summary)))
    for line in _lines(_journal(make)):
        LINE.validate(line)
        assert not LINE.is_valid({name: value for name, value in line.items() if name != "kind"})


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
        ("groups.0.load.processes", "2"),
        ("groups.0.variant", "X"),
        ("groups.0.model_title", "x" * 4001),
        ("groups.0.noisy", 1),
        ("build.id", "b1"),
        ("rows.0.value", "10"),
        ("rows.0.value", 1e300),
        ("rows.0.verdict", "great"),
        ("rows.0.case", "<b>"),
        ("rows.0.surprise", 1),
    ],
)
def test_foreign_words_are_refused(make: Make, summary: Export, path: str, value: object) -> None:
    export, header = json.loads(downloads.as_json(summary)), _lines(_journal(make))[0]
    *way, last = (int(step) if step.isdecimal() else step for step in path.split("."))
    for told, schema in ((export, EXPORT), (header, LINE)):
        if told is export or path.startswith(SHARED):
            reduce(operator.getitem, way, told)[last] = value
            assert not schema.is_valid(told)
    with pytest.raises(ValueError, match=path.split(".", maxsplit=1)[0]):
        Export.model_validate_json(json.dumps(export), strict=True)
