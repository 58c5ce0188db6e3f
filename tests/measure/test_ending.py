"""What a child left is a report, or a failure with one clean sentence."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from bench.measure import ending
from bench.results.records import Failure
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from samples import Make


def _read(report: object, log: str = "", status: int = 1) -> ending.Report | Failure:
    output = report if isinstance(report, bytes) else json.dumps(report).encode()
    return ending.read(status, output, log, 1.0)


@pytest.mark.parametrize(
    ("report", "kind", "words"),
    [
        (b"hello", "garbage", "不合格"),
        (b"[1, 2]", "garbage", "不合格"),
        (b'{"ok": {', "garbage", "不合格"),
        (bytes(range(256)), "garbage", "不合格"),
        ({"ok": {"latencies_ns": [1]}}, "garbage", "不合格：ok."),
        ({"lines": ["no headings"]}, "garbage", "lines"),
        ({"lines": {"table": 7}}, "garbage", "lines.table"),
        ({"surprise": 1}, "garbage", "surprise"),
        ({}, "crashed", "未说明"),
        ({"error": "ValueError: wrong"}, "crashed", "wrong"),
        ({"error": "std::bad_alloc"}, "out_of_memory", "bad_alloc"),
        ({"error": "MemoryError: "}, "out_of_memory", "MemoryError"),
        ({"unsupported": "没有这个选项"}, "unsupported", "没有这个选项"),
    ],
)
def test_what_is_no_report_of_figures_is_a_failure(report: object, kind: str, words: str) -> None:
    found = _read(report)
    assert isinstance(found, Failure)
    assert (found.kind, words in found.reason, "\n" in found.reason) == (kind, True, False)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, "fast"])
@pytest.mark.parametrize("path", [("worker_ns",), ("phases", "steady", "cpu_ns"), ("outputs", "difference")])
def test_impossible_figure_is_garbage(make: Make, value: object, path: tuple[str, ...]) -> None:
    report: dict[str, Any] = {"ok": make.figures().model_dump()}
    place = report["ok"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    found = _read(report, status=0)
    assert isinstance(found, Failure)
    assert (found.kind, path[-1] in found.reason) == ("garbage", True)


def test_outputs_that_are_not_finite_are_a_failure_of_their_own(make: Make) -> None:
    found = _read({"ok": make.figures(outputs_finite=False).model_dump()}, status=0)
    assert found == Failure(kind="not_finite", reason="输出含 NaN 或无穷大")


@pytest.mark.parametrize(
    ("report", "log"),
    [
        ({"error": "OSError: [Errno 28] No space left on device"}, ""),
        (b"", "x\nOSError: [Errno 28] No space\n\n"),
    ],
)
def test_full_disk_is_no_fault_of_the_case(report: object, log: str) -> None:
    with pytest.raises(OSError, match="No space left"):
        _read(report, log)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{ROOT}/build/a.onnx and {sys.prefix}/lib/b.py and ~/c failed", "a.onnx and b.py and c failed"),
        ("Load model from /data/somebody/build/m-01/m.onnx failed", "Load model from m.onnx failed"),
        ("one\n\ttwo\r\n  three\x00\u2028four\x7f", "one two three four"),
        ("\x1b[1;31m26 [E:onnxruntime:] bad\x1b[m \x1b[0;93mworse\x1b[0m", "26 [E:onnxruntime:] bad worse"),
        ("很" * 10_000, "很" * 300),
    ],
    ids=["checkout", "elsewhere", "one line", "colours", "length"],
)
def test_reason_is_one_short_line_without_folders(text: str, told: str) -> None:
    assert ending.clean_text(text.replace("~", os.path.expanduser("~"))) == told  # noqa: PTH111 - the home as text
