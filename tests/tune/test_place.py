"""On fewer cores, below a quota, on another version: what children inherit, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bench.measure.machine import usable_cpus
from bench.system import cgroup, environment
from bench.tune import place
from bench.tune.own import CannotTune

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

masked = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity masks")


@masked
def test_children_run_on_the_first_cores_and_all_are_back_afterwards() -> None:
    before = usable_cpus()
    with place.on_cores(1):
        told = subprocess.run(
            [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert told.stdout.strip() == str([before[0]])
    assert usable_cpus() == before
    with place.on_cores(None):
        assert usable_cpus() == before


@masked
@pytest.mark.parametrize("count", [0, 10_000])
def test_cores_that_are_not_there(count: int) -> None:
    with pytest.raises(CannotTune, match="本机能用的核是 1 到"), place.on_cores(count):
        pass


def test_the_tuner_enters_a_quota_and_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[tuple[Path, int]] = []

    @contextmanager
    def granting(cores: float, notes: Path, root: Path) -> Iterator[Path]:
        assert (cores, notes, root) == (1.5, tmp_path / "notes", tmp_path)
        yield tmp_path / "above/own"

    monkeypatch.setattr(cgroup, "granting", granting)
    monkeypatch.setattr(cgroup, "enter", lambda folder, pid: entered.append((folder, pid)))
    with place.with_quota(1.5, tmp_path / "notes", tmp_path):
        assert entered == [(tmp_path / "above/own", os.getpid())]
    assert entered[1:] == [(tmp_path / "above", os.getpid())]


def test_where_there_can_be_no_quota_it_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(CannotTune, match="大于 0"), place.with_quota(0, tmp_path):
        pass
    with (
        pytest.raises(CannotTune, match=r"没有 cgroup.*去掉 --quota"),
        place.with_quota(1.5, tmp_path, tmp_path),
    ):
        pass


def test_our_own_interpreter_serves_our_own_version(tmp_path: Path) -> None:
    assert place.interpreter(None, tmp_path) == sys.executable
    assert not [*tmp_path.iterdir()]


def test_another_version_has_the_numpy_that_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    made = lambda wanted, folder: asked.append(wanted) or folder / "python"  # noqa: E731
    monkeypatch.setattr(environment, "python_with", made)
    assert [place.interpreter(one, tmp_path) for one in ("1.14.1", "1.29.0")] == [
        str(tmp_path / "python")
    ] * 2
    assert asked == [("onnxruntime==1.14.1", "numpy<2"), ("onnxruntime==1.29.0", "numpy")]


@pytest.mark.parametrize("version", ["latest", "1", "a.b"])
def test_versions_that_are_none(version: str, tmp_path: Path) -> None:
    with pytest.raises(CannotTune, match="看不懂的版本"):
        place.interpreter(version, tmp_path)


def test_what_the_installer_said_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.uv, "find_uv_bin", lambda: sys.executable)
    with pytest.raises(CannotTune, match=r"装不了 onnxruntime 1\.29\.0：.*venv"):
        place.interpreter("1.29.0", tmp_path)
