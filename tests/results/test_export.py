"""Published files, read back by the programs they are meant for."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyperf
import pytest

from bench.results import downloads
from bench.results.published import Export
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Make

    from bench.results.store import Journal


def _journal(make: Make, *, slower: float = 1.0) -> Journal:
    rounds = [
        [
            (BASELINE, {"latency_ns": 10_000_000 + n * 10_000}),
            (CONTROL, {"latency_ns": 10_000_000 - n * 10_000}),
            ("one", {"latency_ns": round(slower * (12_000_000 + n * 10_000)), "kept_bytes": 100 << 20}),
            *([("two", make.failure("crashed", '退出码 1,"引号", 逗号\t和中文'))] if n == 0 else []),
        ]
        for n in range(9)
    ]
    return make.journal(rounds)


@pytest.fixture
def summary(make: Make) -> Export:
    return summarise(make.experiment(), _journal(make))


def _csv(text: str, folder: Path) -> list[dict[str, str]]:
    path = folder / "toys.csv"
    path.write_text(text, encoding="utf-8")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_json_and_csv_have_the_same_rows_and_columns(summary: Export, tmp_path: Path) -> None:
    from_json: list[dict[str, Any]] = json.loads(downloads.as_json(summary))["rows"]
    from_csv = _csv(downloads.as_csv(summary.rows), tmp_path)
    assert len(from_csv) == len(from_json) > 12
    for one, other in zip(from_json, from_csv, strict=True):
        assert list(one) == list(other) == list(downloads.COLUMNS)
        assert {name: "" if value is None else str(value) for name, value in one.items()} == other


def test_json_reads_back_as_the_same_export(summary: Export) -> None:
    assert Export.model_validate_json(downloads.as_json(summary)) == summary


def test_csv_begins_with_a_mark_for_spreadsheets(summary: Export) -> None:
    assert downloads.as_csv(summary.rows).startswith("\ufeffexperiment,model,input,")


def test_numbers_in_csv_are_exactly_those_of_the_rows(summary: Export, tmp_path: Path) -> None:
    for row, line in zip(summary.rows, _csv(downloads.as_csv(summary.rows), tmp_path), strict=True):
        assert (float(line["value"]) if line["value"] else None) == row.value
        assert (float(line["low"]) if line["low"] else None) == row.low


def _pyperf_file(folder: Path, name: str, journal: Journal) -> Path:
    path = folder / f"{name}.pyperf.json"
    path.write_text(downloads.as_pyperf(journal), encoding="utf-8")
    return path


def test_pyperf_loads_latencies_in_seconds_and_memory_in_bytes(make: Make, tmp_path: Path) -> None:
    suite = pyperf.BenchmarkSuite.load(str(_pyperf_file(tmp_path, "a", _journal(make))))
    latency = suite.get_benchmark("toys/toy/batch=2/one/latency")
    assert latency.get_unit() == "second"
    assert latency.median() == pytest.approx(0.01204)
    assert latency.get_nvalue() == 9
    kept = suite.get_benchmark("toys/toy/batch=2/one/kept")
    assert (kept.get_unit(), kept.median()) == ("byte", 100 << 20)


def test_pyperf_has_one_benchmark_per_case_and_none_of_a_failed_one(make: Make, tmp_path: Path) -> None:
    suite = pyperf.BenchmarkSuite.load(str(_pyperf_file(tmp_path, "a", _journal(make))))
    expected = {
        f"toys/toy/batch=2/{case}/{figure}"
        for case in (BASELINE, CONTROL, "one")
        for figure in ("latency", "peak", "kept")
    }
    assert set(suite.get_benchmark_names()) == expected


def test_pyperf_knows_nothing_of_this_machine_but_its_cpu_and_versions(make: Make, tmp_path: Path) -> None:
    suite = pyperf.BenchmarkSuite.load(str(_pyperf_file(tmp_path, "a", _journal(make))))
    assert set(suite.get_metadata()) <= {
        "unit",
        "loops",
        "cpu_model_name",
        "onnxruntime_version",
        "python_version",
    }


def test_pyperf_compares_two_files(make: Make, tmp_path: Path) -> None:
    old = _pyperf_file(tmp_path, "old", _journal(make))
    new = _pyperf_file(tmp_path, "new", _journal(make, slower=1.5))
    done = subprocess.run(
        [sys.executable, "-m", "pyperf", "compare_to", str(old), str(new)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "one/latency" in done.stdout
    assert "1.50x slower" in done.stdout
    assert "two/" not in done.stdout


def test_zero_which_pyperf_refuses_is_left_out(make: Make, tmp_path: Path) -> None:
    journal = make.journal([[(BASELINE, {"kept_bytes": None})]])
    suite = pyperf.BenchmarkSuite.load(str(_pyperf_file(tmp_path, "a", journal)))
    assert {name.rsplit("/", 1)[1] for name in suite.get_benchmark_names()} == {"latency", "peak"}


def test_all_cases_failed_is_still_an_export(make: Make) -> None:
    """Failure is data: the site appears, so the files are written."""
    journal = make.journal([[(BASELINE, make.failure())]])
    assert json.loads(downloads.as_pyperf(journal))["benchmarks"] == []


def test_machine_file_tells_machine_software_and_build(summary: Export) -> None:
    facts = json.loads(downloads.machine_json(summary))
    assert facts["machine"]["cpu"] == "某处理器"
    assert facts["software"]["onnxruntime"] == "1.31.1"
    assert facts["build"]["id"] == summary.build.id
