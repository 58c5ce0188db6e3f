"""On fewer cores, below a quota, on another version: what children inherit, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.measure.machine import usable_cpus
from bench.tune import place
from bench.tune.own import CannotTune

if TYPE_CHECKING:
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


def _tree(root: Path, line: str, folder: str, *files: str) -> Path:
    """A cgroup tree of its own, in which every folder has its files."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"{line}\n", encoding="ascii")
    own = root / "sys/fs/cgroup" / folder
    own.mkdir(parents=True)
    for name in files:
        (own / name).touch()
    return own


def test_a_quota_is_written_entered_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """v2; a real cgroup has its files at once and cannot be listed away, so the folder is emptied at the end."""
    above = _tree(tmp_path, "0::/mine", "mine", "cgroup.procs")
    monkeypatch.setattr("pathlib.Path.rmdir", lambda self: [one.unlink() for one in self.iterdir()])
    with place.with_quota(1.5, tmp_path / "notes", tmp_path):
        (own,) = (one for one in above.iterdir() if one.is_dir())
        assert (own / "cpu.max").read_text() == "150000 100000"
        assert (own / "cgroup.procs").read_text() == str(os.getpid())
        assert len([*(tmp_path / "notes").iterdir()]) == 1
    assert (above / "cgroup.procs").read_text() == str(os.getpid())
    assert not [*(tmp_path / "notes").iterdir()]


def test_where_no_cgroup_can_be_made_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(CannotTune, match="大于 0"), place.with_quota(0, tmp_path):
        pass
    with pytest.raises(CannotTune, match="没有 cgroup"), place.with_quota(1.5, tmp_path, tmp_path):
        pass
    above = _tree(tmp_path, "0::/mine", "mine")
    (above / f"bench-{os.getpid()}").mkdir()
    with (
        pytest.raises(CannotTune, match="建不了 cgroup（File exists）"),
        place.with_quota(1, tmp_path, tmp_path),
    ):
        pass


def test_our_own_interpreter_serves_our_own_version(tmp_path: Path) -> None:
    assert place.interpreter(None, tmp_path) == sys.executable
    assert not [*tmp_path.iterdir()]


def test_another_version_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(place, "_uv", lambda *command, version: asked.append((*command, version)))
    (tmp_path / "onnxruntime-1.14.1").mkdir()
    first = place.interpreter("1.14.1", tmp_path)
    assert first == place.interpreter("1.14.1", tmp_path)
    assert [one[:2] for one in asked] == [("venv", "--quiet"), ("pip", "install")]
    assert {"onnxruntime==1.14.1", "numpy<2"} <= set(asked[1])


@pytest.mark.parametrize("version", ["latest", "1", "a.b"])
def test_versions_that_are_none(version: str, tmp_path: Path) -> None:
    with pytest.raises(CannotTune, match="看不懂的版本"):
        place.interpreter(version, tmp_path)


def test_what_the_installer_said_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place.uv, "find_uv_bin", lambda: sys.executable)
    with pytest.raises(CannotTune, match=r"装不了 onnxruntime 1\.29\.0：.*venv"):
        place.interpreter("1.29.0", tmp_path)
