"""Real processes on the installed ONNX Runtime with a planted fault each: it is found, nothing else; a healthy one has none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from bench.measure.machine import usable_cpus
from bench.models import MODELS
from bench.pages.doctor import FILE
from bench.tune import place
from bench.tune.own import CannotTune

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE = """
import json, os, sys, time
import numpy as np
import onnxruntime as ort

asked = json.loads(sys.argv[1])
options = ort.SessionOptions()
options.log_severity_level = 4
for name, value in asked["settings"].items():
    setattr(options, name, value)
for name, value in asked["keys"].items():
    options.add_session_config_entry(name, value)
sessions = [ort.InferenceSession(asked["model"], options) for _ in range(asked["sessions"])]
x = {"x": np.ones((1, 3, 48, 320), np.float32)}
for session in sessions:
    session.run(None, x)
if asked["forks"] and (child := os.fork()):
    os.waitpid(child, 0)
    os._exit(0)
if asked["forks"]:
    inherited, sessions = sessions, []  # kept: to give it up would hang
if asked["again"]:
    sessions = [ort.InferenceSession(asked["model"], options)]
print(os.getpid(), flush=True)
while not os.path.exists(asked["stop"]):
    time.sleep(0.05)
    for session in sessions:
        session.run(None, x)
os._exit(0)
"""
"""Serves every 50 ms until a file is there. A forked child has no session that it may call, unless it makes one again."""
posix = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
STOPS = {"session.force_spinning_stop": "1"}


@contextmanager
def service(folder: Path, variables: dict[str, str] | None = None, **asked: Any) -> Iterator[int]:
    """Number of the process to look at."""
    model, stop = folder / "m.onnx", folder / "stop"
    model.write_bytes(MODELS["ocr_rec"].build())
    told = {"settings": {}, "keys": STOPS, "sessions": 1, "forks": False, "again": False} | asked
    told |= {"model": str(model), "stop": str(stop)}
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "ORT_", "MALLOC_"))
    }
    environ |= {"ORT_DISABLE_TELEMETRY": "1"} | (variables or {})
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVICE, json.dumps(told)],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert running.stdout
            yield int(running.stdout.readline())
        finally:
            stop.touch()
            running.wait(30)
            stop.unlink()


def found(pid: int) -> list[str]:
    """What is said by the file, alone in an empty place: without packages, NumPy among them."""
    command = [sys.executable, "-I", "-S", str(FILE), "--pid", str(pid), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    names = [one["id"] for one in told["findings"]]
    assert done.returncode == bool(names)
    return names


@posix
@pytest.mark.alone
def test_a_healthy_service_has_nothing(tmp_path: Path) -> None:
    with service(tmp_path) as pid:
        assert found(pid) == []


@posix
@pytest.mark.alone
@pytest.mark.skipif(len(usable_cpus()) < 2, reason="nobody is there to spin")
def test_spinning(tmp_path: Path) -> None:
    with service(tmp_path, keys={}) as pid:
        assert found(pid) == ["spinning"]


@posix
def test_more_threads_than_cores(tmp_path: Path) -> None:
    cores = len(usable_cpus())
    with service(tmp_path, settings={"intra_op_num_threads": cores + 3}) as pid:
        assert found(pid) == ["threads_pool"]
    with service(tmp_path, settings={"intra_op_num_threads": cores}) as pid:
        assert found(pid) == []


@posix
def test_several_sessions(tmp_path: Path) -> None:
    count = len(usable_cpus()) + 1
    with service(tmp_path, sessions=count, settings={"intra_op_num_threads": min(3, count)}) as pid:
        assert "pools_many" in found(pid)


@posix
@pytest.mark.skipif(len(usable_cpus()) < 2, reason="no worker is there to be missed")
def test_a_fork_after_the_session(tmp_path: Path) -> None:
    with service(tmp_path, forks=True) as pid:
        assert found(pid) == ["forked"]
    with service(tmp_path, forks=True, again=True) as pid:
        assert found(pid) == []


@posix
def test_a_variable_that_does_nothing(tmp_path: Path) -> None:
    with service(tmp_path, {"ORT_NUM_THREADS": "2"}) as pid:
        assert found(pid) == ["variable_invented"]


@posix
@pytest.mark.alone
def test_a_quota_that_runs_out(tmp_path: Path) -> None:
    with ExitStack() as stack:
        try:
            stack.enter_context(place.with_quota(0.2, tmp_path / "notes"))
        except CannotTune as error:
            pytest.skip(str(error))
        pid = stack.enter_context(service(tmp_path, settings={"intra_op_num_threads": 1}))
        assert found(pid) == ["throttled"]
