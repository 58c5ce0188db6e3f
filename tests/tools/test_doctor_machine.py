"""What a machine or a container grants, from the files and commands that tell it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from trees import MIB, V1, V2, doctor, ids, lay, notes, processors, surroundings

if TYPE_CHECKING:
    from pathlib import Path


def seen(root: Path, **more: object) -> object:
    return doctor.Look(doctor.linux_machine(root), **more)


def test_a_whole_machine_has_nothing(tmp_path: Path) -> None:
    look = seen(lay(tmp_path, surroundings()), version=(1, 32, 0), environ={"ORT_DISABLE_TELEMETRY": "1"})
    assert ids(look) == []
    told = doctor.facts(look, 0)
    assert (told["usable"], told["default_threads"], told["huge_pages"]) == (8, 8, "madvise")
    assert told["int8"] == "avx512_vnni"
    assert "quota" not in told


def test_hyper_threads_are_no_cores_and_no_finding(tmp_path: Path) -> None:
    files = surroundings() | processors(8, threads=2)
    assert doctor.linux_machine(lay(tmp_path, files)).default_threads == 4
    assert ids(seen(tmp_path)) == []


KUBERNETES = {
    "proc/self/cgroup": "0::/\n",
    "proc/self/mountinfo": V2,
    "sys/fs/cgroup/cpu.max": "150000 100000",
    "sys/fs/cgroup/cpu.stat": "usage_usec 9\nnr_periods 1000\nnr_throttled 400\nthrottled_usec 9",
    "sys/fs/cgroup/memory.max": str(512 * MIB),
    "sys/fs/cgroup/memory.current": str(500 * MIB),
    "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {10 * MIB}\nactive_file 3",
    "sys/fs/cgroup/memory.events": "low 0\nhigh 0\nmax 9\noom 2\noom_kill 2",
}
DOCKER_V1 = {
    "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
    "proc/self/mountinfo": V1.format(top="/docker/abc"),
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
    "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 1000\nnr_throttled 400\nthrottled_time 5",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": str(512 * MIB),
    "sys/fs/cgroup/memory/memory.usage_in_bytes": str(500 * MIB),
    "sys/fs/cgroup/memory/memory.stat": f"cache 1\ninactive_file 7\ntotal_inactive_file {10 * MIB}",
    "sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2",
}
ON_A_HOST = {
    "proc/self/cgroup": "0::/system.slice/app.service\n",
    "proc/self/mountinfo": V2,
    "sys/fs/cgroup/system.slice/cpu.max": "150000 100000",
    "sys/fs/cgroup/system.slice/app.service/cpu.max": "max 100000",
    "sys/fs/cgroup/system.slice/app.service/cpu.stat": "nr_periods 0",
    "sys/fs/cgroup/system.slice/cpu.stat": "nr_periods 1000\nnr_throttled 400",
    "sys/fs/cgroup/system.slice/app.service/memory.max": str(512 * MIB),
    "sys/fs/cgroup/system.slice/app.service/memory.current": str(490 * MIB),
    "sys/fs/cgroup/system.slice/app.service/memory.events": "oom_kill 2",
}


@pytest.mark.parametrize(
    "files", [KUBERNETES, DOCKER_V1, ON_A_HOST], ids=["kubernetes", "docker v1", "systemd"]
)
def test_quota_and_memory_of_every_kind_of_cgroup(tmp_path: Path, files: dict[str, str]) -> None:
    look = seen(lay(tmp_path, surroundings() | files))
    machine = look.machine  # type: ignore[attr-defined]
    assert (machine.quota, machine.usable, machine.limit, machine.used) == (1.5, 1, 512 * MIB, 490 * MIB)
    assert ids(look) == ["threads_default", "throttled", "near_limit", "oom_killed"]


def test_lxc_sees_the_cores_of_the_host_but_may_use_two(tmp_path: Path) -> None:
    files = surroundings(count=64, allowed="10,42") | {
        "proc/self/cgroup": "0::/lxc/one\n",
        "proc/self/mountinfo": V2,
    }
    look = seen(lay(tmp_path, files | {"sys/fs/cgroup/lxc/one/cpu.max": "max 100000"}))
    assert ids(look) == ["threads_default"]
    assert dict(doctor.judged(look))["threads_default"] == {"default": 64, "usable": 2}


def test_a_variable_that_sets_the_threads_settles_it(tmp_path: Path) -> None:
    lay(tmp_path, surroundings(count=64, allowed="10,42"))
    settled = {"ORT_INTRA_OP_NUM_THREADS": "2", "ORT_DISABLE_TELEMETRY": "1"}
    assert ids(seen(tmp_path, version=(1, 29, 0), environ=settled)) == []
    assert ids(seen(tmp_path, version=(1, 28, 1), environ=settled)) == ["threads_default", "variable_early"]


VARIABLES = {
    "variable_invented": {"ORT_NUM_THREADS": "4"},
    "variable_openmp": {"OMP_NUM_THREADS": "4"},
    "variable_wrong": {"ORT_INTRA_OP_NUM_THREADS": "auto"},
}


@pytest.mark.parametrize("name", VARIABLES)
def test_variables_that_do_nothing_or_harm(tmp_path: Path, name: str) -> None:
    assert ids(seen(lay(tmp_path, surroundings()), version=(1, 32, 0), environ=VARIABLES[name])) == [name]


def test_variables_that_work_are_facts(tmp_path: Path) -> None:
    environ = {
        "ORT_INTRA_OP_NUM_THREADS": "4",
        "MALLOC_ARENA_MAX": "2",
        "HOME": "/x",
        "ORT_DISABLE_TELEMETRY": "1",
    }
    look = seen(lay(tmp_path, surroundings()), version=(1, 32, 0), environ=environ)
    assert ids(look) == []
    assert "HOME" not in doctor.facts(look, 0)["variables"]
    assert "MALLOC_ARENA_MAX=2" in doctor.facts(look, 0)["variables"]
    assert notes(seen(tmp_path, environ={"MALLOC_TRIM_THRESHOLD_": "1"})) == ["malloc_variables"]
    lay(tmp_path, {"lib/ld-musl-x86_64.so.1": ""})
    assert notes(seen(tmp_path, environ={"MALLOC_ARENA_MAX": "1"})) == ["musl"]


def test_known_faults_of_versions_where_they_concern_the_machine(tmp_path: Path) -> None:
    machine = doctor.linux_machine(lay(tmp_path, surroundings()))
    machine.arch = "aarch64"
    leaks = [
        one
        for one in ((1, 23, 2), (1, 24, 1), (1, 26, 0), (1, 27, 0))
        if ids(doctor.Look(machine, version=one))
    ]
    assert leaks == [(1, 24, 1), (1, 26, 0)]
    machine.arch = "x86_64"
    assert ids(doctor.Look(machine, version=(1, 24, 1))) == []
    machine.has_shell = False
    assert ids(doctor.Look(machine, version=(1, 29, 0))) == ["fault_import"]
    assert ids(doctor.Look(machine, version=(1, 29, 0), environ={"ORT_DISABLE_TELEMETRY": "1"})) == []
    assert ids(doctor.Look(machine, version=(1, 30, 0))) == []


MAC = {
    "sysctl -n hw.logicalcpu hw.physicalcpu machdep.cpu.brand_string": "10\n10\nApple M4",
    "sysctl hw.optional": "hw.optional.neon: 1\nhw.optional.arm.FEAT_I8MM: 1\nhw.optional.x: 0",
    "ps -o rss=,ppid=,command= -p 7": " 204800     1 python serve.py",
    "ps -M -p 7": "USER PID\n" + "   7 x\n" * 30,
}
WINDOWS = {
    "Win32_Processor": json.dumps(
        {"Name": "Made up 1000 ", "NumberOfCores": 4, "NumberOfLogicalProcessors": 8}
    ),
    "Get-Process": json.dumps(
        {
            "Path": "C:\\python.exe",
            "WorkingSet64": 5 * MIB,
            "PeakWorkingSet64": 6 * MIB,
            "Count": 9,
            "Mask": 3,
        }
    ),
}


def test_what_macos_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.platform, "system", lambda: "Darwin")
    look = doctor.looked(7, None, 0.0, run=lambda command: MAC.get(" ".join(command), ""))
    assert (look.machine.cpu, look.machine.default_threads, look.machine.usable) == ("Apple M4", 5, 10)
    assert (look.process.rss, len(look.process.threads), look.process.command) == (
        200 * MIB,
        30,
        "python serve.py",
    )
    assert look.unread
    assert ids(look) == []
    with pytest.raises(doctor.CannotLook):
        doctor.looked(8, None, 0.0, run=lambda command: MAC.get(" ".join(command), ""))


def test_what_windows_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str]) -> str:
        return next(
            (told for word, told in WINDOWS.items() if word in command[-1] and "Id 8" not in command[-1]), ""
        )

    monkeypatch.setattr(doctor.platform, "system", lambda: "Windows")
    look = doctor.looked(7, None, 0.0, run=run)
    assert (look.machine.cpu, look.machine.default_threads, look.machine.usable) == ("Made up 1000", 4, 8)
    assert (look.process.rss, look.process.peak, len(look.process.threads)) == (5 * MIB, 6 * MIB, 9)
    with pytest.raises(doctor.CannotLook):
        doctor.looked(8, None, 0.0, run=run)
