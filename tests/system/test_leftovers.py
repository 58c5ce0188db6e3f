"""What a killed run leaves is ended by the next one, and nothing else is; see also `cli/test_cli.py`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.system import leftovers

SLEEP = [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()"]


def test_notes_go_with_what_they_name_and_end_no_process_but_that_one(tmp_path: Path) -> None:
    """Not the one that got its number later; notes cut short are forgotten."""
    with subprocess.Popen(SLEEP, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        with leftovers.process(tmp_path, child.pid), leftovers.cgroup(tmp_path, Path("/no/bench-x")):
            assert len(list(tmp_path.iterdir())) == 2
        assert list(tmp_path.iterdir()) == []
        later = json.dumps({"pid": child.pid, "created": psutil.Process(child.pid).create_time() - 60})
        for note in (later, "", "{}", "[1]", '{"pid": "x", "created": 1}', '{"pid": 1'):
            (tmp_path / "a.json").write_text(note, encoding="utf-8")
            assert (leftovers.sweep(tmp_path), list(tmp_path.iterdir())) == ([], []), note
        assert child.poll() is None
        child.kill()


def test_cgroup_of_ours_is_emptied_and_removed_or_tried_again_and_that_of_others_never_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that the kernel keeps while a process is in it."""
    notes, pids, killed = tmp_path / "notes", [101, 102], list[int]()
    ours, other = tmp_path / "bench-quota", tmp_path / "system.slice"
    for folder, text in ((ours, "101\n102"), (other, "103")):
        folder.mkdir()
        (folder / "cgroup.procs").write_text(text, encoding="ascii")

    def kill(pid: int, number: int) -> None:
        killed.append(pid)
        if number == 9 and len(killed) > 2:  # the first try is not noticed at once
            pids.remove(pid)
            (ours / "cgroup.procs").write_text("\n".join(map(str, pids)), encoding="ascii")

    def remove(path: Path) -> None:
        if pids:
            raise OSError(16, "Device or resource busy")
        shutil.rmtree(path)

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(Path, "rmdir", remove)
    under_way = leftovers.cgroup(notes, ours)
    under_way.__enter__()
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda *_: None)
        patch.setattr(leftovers, "PATIENCE_S", 0.0)
        assert (leftovers.sweep(notes), len(list(notes.iterdir()))) == ([], 1)
    assert leftovers.sweep(notes) == ["cgroup bench-quota"]
    assert (set(killed), ours.exists(), list(notes.iterdir())) == ({101, 102}, False, [])
    with pytest.raises(AssertionError):
        leftovers.cgroup(notes, other)
    (notes / "a.json").write_text(json.dumps({"cgroup": str(other)}), encoding="utf-8")
    assert leftovers.sweep(notes) == []
    assert (set(killed), other.exists()) == ({101, 102}, True)
