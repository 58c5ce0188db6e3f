"""A quota of our own: written, granted, left, removed; and said plainly where there can be none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from real_children import figures_of, job_of

from bench.system import cgroup
from bench.system.folders import Folders

if TYPE_CHECKING:
    from pathlib import Path


def tree(root: Path, line: str, folder: str, *files: str) -> Path:
    """A tree of its own, in which every folder has its files."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"{line}\n", encoding="ascii")
    own = root / "sys/fs/cgroup" / folder
    own.mkdir(parents=True)
    for name in files:
        (own / name).touch()
    return own


def test_a_quota_is_written_named_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """v2; a real cgroup has its files at once and cannot be listed away, so the folder is emptied at the end."""
    above, removed = tree(tmp_path, "0::/mine", "mine", "cgroup.procs"), []
    monkeypatch.setattr("bench.system.leftovers.end_cgroup", removed.append)
    with cgroup.granting(1.5, tmp_path / "notes", tmp_path) as own:
        assert (own.parent, (own / "cpu.max").read_text()) == (above, "150000 100000")
        cgroup.enter(own, 4711)
        assert (own / "cgroup.procs").read_text() == "4711"
        assert len([*(tmp_path / "notes").iterdir()]) == 1
    assert removed == [own]
    assert not [*(tmp_path / "notes").iterdir()]


def test_where_there_can_be_none_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(cgroup.CannotGrant, match="没有 cgroup"), cgroup.granting(1, tmp_path, tmp_path):
        pass
    above = tree(tmp_path, "0::/mine", "mine")
    monkeypatch.setattr(cgroup, "_numbers", iter((7,)))
    (above / f"bench-{os.getpid()}-7").mkdir()
    with (
        pytest.raises(cgroup.CannotGrant, match="建不了 cgroup（File exists）"),
        cgroup.granting(1, tmp_path, tmp_path),
    ):
        pass


@pytest.mark.alone
@pytest.mark.slow
def test_the_measured_process_is_held_back_by_its_quota_alone() -> None:
    """Two thirds of the periods at least are cut short by a fifth of a core; no cgroup is left."""
    if reason := cgroup.hindrance(Folders.here().leftovers):
        pytest.skip(reason)
    burning = {"subject": "known_cost", "options": {"hashes": 1000}, "verify": [], "min_seconds": 1.0}
    held = figures_of(job_of(**burning, quota=0.2))
    free = figures_of(job_of(**burning))
    assert free.throttled_share is None
    assert held.throttled_share
    assert held.throttled_share > 0.66
    assert held.steady.cpu_ns < 0.4 * held.steady.run_ns < free.steady.cpu_ns
    above = cgroup.folders(cgroup.Path("/"), "cpu")[0]
    assert not [one for one in above.iterdir() if one.name.startswith(f"bench-{os.getpid()}")]
