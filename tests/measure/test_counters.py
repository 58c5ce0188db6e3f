"""What other systems tell of memory at the most, from their own answers; what none of them tells is a gap."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bench.measure import counters

if TYPE_CHECKING:
    from pathlib import Path

MAC = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _: SimpleNamespace(ru_maxrss=300 << 20))
WINDOWS = SimpleNamespace(
    Process=lambda: SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=200 << 20, rss=90 << 20))
)


@pytest.mark.parametrize(
    ("platform", "answers", "peak"),
    [
        ("darwin", {"resource": MAC, "psutil": WINDOWS}, 300 << 20),
        ("win32", {"psutil": WINDOWS}, 200 << 20),
        ("freebsd14", {"psutil": WINDOWS}, None),
    ],
)
def test_peak_elsewhere_is_that_of_the_whole_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, answers: dict[str, Any], peak: int | None
) -> None:
    memory = counters.Memory()
    memory._status = tmp_path / "nothing"
    memory._exact_peak = False
    monkeypatch.setattr(sys, "platform", platform)
    for name, answer in answers.items():
        monkeypatch.setitem(sys.modules, name, answer)
    assert memory.peak() == peak
    assert memory.resident() == 90 << 20


def test_a_kernel_that_does_not_reset_the_mark_gives_no_peak(tmp_path: Path) -> None:
    memory = counters.Memory()
    memory._status = tmp_path / "status"
    memory._status.write_text("VmHWM:\t 2048 kB\nVmRSS:\t 1024 kB\n")
    memory._exact_peak = False
    assert (memory.peak(), memory.resident()) == (None, 1 << 20)
    memory._exact_peak = True
    assert memory.peak() == 2 << 20
