"""The file that a case opens: made by a process of its own, whole or not at all, once a build."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from real_children import failure_of, posix

from bench import variants
from bench.measure.observer import report
from bench.measure.task import timeout_s
from bench.spec import BASELINE, Case, Report

if TYPE_CHECKING:
    from lab import Lab
    from samples import Make

    from bench.measure.child import Outcome

READ = "import json, os, sys, time\njob = json.loads(sys.stdin.buffer.readline())\n"
MAKER = """
from pathlib import Path
with Path({log!r}).open("a") as log: log.write("x")
target = Path(job["folder"]) / "model.onnx"
assert not (target.parent / "model.onnx.data").exists(), "left from another time"
(target.parent / "model.onnx.data").write_bytes(b"half")
"""
WHOLE = "target.write_bytes(Path(job['source']).read_bytes() + b' made anew')\nprint('{}', flush=True)\n"
SLEEPS = f"import subprocess\nsubprocess.Popen([{sys.executable!r}, '-c', 'import time; time.sleep(60)'])\n"


class Files:
    """A case that opens another file, made by a maker of a few lines; what was opened is kept."""

    def __init__(self, lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self.opened, self._script = lab.folder / "log", list[Any](), lab.folder / "maker.py"
        other = Case(id="other", title="", settings={"case": "other"}, variant="optimised")
        self.task = lab.task(make.experiment(cases=(BASELINE, other)))
        (self.group,), self.case = self.task.planned.groups, other
        self.task.models["toy"].model_path.write_bytes(b"a model")
        self.task.worker = lambda job, *rest: self.opened.append(job["model"]) or lab.worker(job, *rest)
        monkeypatch.setattr(variants, "script", lambda *_: self._script)

    def sample(self, last: str) -> Outcome:
        self._script.write_text(READ + MAKER.format(log=str(self.log)) + last, encoding="utf-8")
        return self.task.sample(self.group, "other", compare=False)


@pytest.fixture
def files(lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch) -> Files:
    return Files(lab, make, monkeypatch)


@pytest.mark.parametrize(
    ("last", "kind", "words"),
    [
        ("sys.exit('RuntimeError: too hard')", "crashed", "too hard"),
        pytest.param("os.abort()", "crashed", "SIGABRT", marks=posix),
        pytest.param(SLEEPS + WHOLE, "unsupported", "子进程还在跑", marks=posix),
    ],
)
def test_file_is_made_once_and_whole_or_not_at_all(files: Files, last: str, kind: str, words: str) -> None:
    """What is made another time finds nothing of a try that failed; samples and reports open it."""
    found, reason = failure_of(files.sample(last))
    assert (found, words in reason, files.opened) == (kind, True, [])
    assert [files.sample(WHOLE).failure for _ in range(2)] == [None, None]
    assert report(files.task, files.group, files.case, Report(subject="line_memory", cases=())) == (
        None,
        {"table": ["Line #"]},
    )
    folder = files.task.work / "toy-optimised"
    assert (files.log.read_text(), files.opened) == ("xx", [str(folder / "model.onnx")] * 3)
    assert (folder / "model.onnx").read_bytes() == b"a model made anew"
    assert list(files.task.work.iterdir()) == [folder]


def test_disk_that_is_full_while_a_file_is_made_ends_the_build(files: Files) -> None:
    with pytest.raises(OSError, match="No space left"):
        files.sample("sys.exit('OSError: [Errno 28] No space left on device')")


def test_case_that_hangs_is_waited_for_longer_than_a_slow_one_takes(files: Files) -> None:
    hangs = replace(files.case, expected="hang")
    for seconds, expected in ((0.4, (15, 60)), (10, (50, 300))):
        group = replace(files.group, group=replace(files.group.group, seconds=seconds))
        assert (timeout_s(group, hangs), timeout_s(group, files.case)) == expected
