"""Reports of scripts that run once, untimed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lab import MIB, hungry, interrupt_at

from bench.measure import applicable, observer
from bench.spec import BASELINE, Script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Make
    from lab import Lab


class FakeScript:
    """Stands in for a child that reports text."""

    def __init__(self, answer: tuple[int | None, bytes, str]) -> None:
        self.answer = answer
        self.paths: list[Path] = []
        self.jobs: list[Any] = []

    def __call__(self, path: Path, job: Any, *_: object) -> tuple[int | None, bytes, str]:
        self.paths.append(path)
        self.jobs.append(job)
        return self.answer


def _reporting(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch, *answer: Any, name: Any = "line_memory"
) -> tuple[FakeScript, Callable[[], int]]:
    script = FakeScript(answer)
    monkeypatch.setattr(observer, "run_script", script)
    experiment = hungry(make, scripts=(Script(name=name, cases=(BASELINE, "one")),))
    return script, lambda: lab.runner(lab.task(experiment)).run()


def test_line_table_is_made_on_the_largest_batch_without_its_folder(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = b'{"table": ["Filename: /home/somebody/line_memory.py", "Line #  Mem usage"]}'
    script, run = _reporting(lab, make, monkeypatch, 0, table, "")
    run()
    found = lab.on_disk().reports
    assert [(one.case, one.input, one.failure) for one in found] == [
        (BASELINE, "batch=4", None),
        ("one", "batch=4", None),
    ]
    assert found[0].lines == {"table": ["Filename: line_memory.py", "Line #  Mem usage"]}
    assert [job["settings"] for job in script.jobs] == [{"case": BASELINE}, {"case": "one"}]


def test_log_lines_are_kept_under_their_headings_without_colours_and_folders(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = {
        "healthy": [],
        "error": ["\x1b[1;31m[E:onnxruntime:, a.cc] /home/somebody/a.onnx\x1b[m", "异常" * 999],
    }
    answer = (0, json.dumps(report).encode(), "")
    script, run = _reporting(lab, make, monkeypatch, *answer, name="log_lines")
    run()
    found = lab.on_disk().reports
    assert [(one.script, one.case, one.failure) for one in found] == [
        ("log_lines", BASELINE, None),
        ("log_lines", "one", None),
    ]
    assert found[0].lines == {"healthy": [], "error": ["[E:onnxruntime:, a.cc] a.onnx", "异常" * 250]}
    assert {path.name for path in script.paths} == {"log_lines.py"}
    assert [job["settings"] for job in script.jobs] == [{"case": BASELINE}, {"case": "one"}]


@pytest.mark.parametrize("name", ["line_memory", "log_lines"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((None, b"", ""), "timeout"),
        ((1, b"", "Traceback\nValueError: no"), "crashed"),
        ((-9, b"", ""), "out_of_memory"),
        ((-11, b"{}", ""), "crashed"),
        ((0, b"not json", ""), "garbage"),
        ((0, b'["no headings"]', ""), "garbage"),
        ((0, b'{"table": 7}', ""), "garbage"),
        ((0, bytes(range(128, 256)), ""), "garbage"),
    ],
)
def test_failed_script_is_data(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch, answer: tuple[Any, ...], kind: str, name: str
) -> None:
    _, run = _reporting(lab, make, monkeypatch, *answer, name=name)
    run()
    journal = lab.on_disk()
    assert journal.complete
    assert len(journal.reports) == 2
    for found in journal.reports:
        assert found.failure is not None
        assert (found.script, found.failure.kind, found.lines) == (name, kind, {})


def test_line_table_is_not_started_when_memory_has_become_scarce(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, run = _reporting(lab, make, monkeypatch, 0, b'{"table": []}', "")
    monkeypatch.setattr(applicable, "free_memory", lambda: 399 * MIB)
    run()
    assert script.jobs == []
    failures = [one.failure for one in lab.on_disk().reports]
    assert [failure.kind for failure in failures if failure] == ["out_of_memory", "out_of_memory"]


def test_line_tables_are_not_made_again_on_resume(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, run = _reporting(lab, make, monkeypatch, 0, b'{"table": []}', "")
    interrupt_at(lab, 3)
    with pytest.raises(KeyboardInterrupt):
        run()
    lab.worker.before = lambda _: None
    run()
    assert len(script.jobs) == 2
