"""Facts about machines that are not this one, laid out as files."""

from __future__ import annotations

import json
import platform
import shutil
import socket
import subprocess
from dataclasses import asdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from bench.measure import machine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from samples import Make

GIB = 1 << 30

X86 = "processor\t: 0\nmodel name\t: AMD EPYC  9R45   Processor\nflags\t\t: fpu avx avx2 hypervisor avx512f amx_tile_not\n"
ARM = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd aes asimddp sve bf16\nCPU part\t: 0xd40\n"
LSCPU_INDENTED = (
    "Vendor ID:                ARM\n  Model name:             Neoverse-N1\n    Model:                1\n"
)
LSCPU_FLAT = "Vendor ID:           ARM\nModel:               1\nModel name:          Neoverse-N1\n"


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


V1 = {"proc/self/cgroup": "4:memory:/docker/abc\n3:cpuset:/\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/x"}


def _v2(name: str, *values: object) -> dict[str, str]:
    """What a file of the innermost cgroup says, that of its parent, that of its grandparent."""
    folders = ("system.slice/docker.scope/inner", "system.slice/docker.scope", "system.slice")
    said = {f"sys/fs/cgroup/{folder}/{name}": str(v) for folder, v in zip(folders, values, strict=False)}
    return {"proc/self/cgroup": f"0::/{folders[0]}"} | said


def _v1(folder: str, **values: object) -> dict[str, str]:
    """What files of a cgroup of the first kind say; the first `_` of a name is a dot."""
    return V1 | {f"sys/fs/cgroup/{folder}/{name.replace('_', '.', 1)}": str(v) for name, v in values.items()}


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        pytest.param(_v2("cpu.max", "150000 100000"), 1.5, id="v2"),
        pytest.param(_v2("cpu.max", "max 100000"), None, id="v2 without a quota"),
        pytest.param(_v2("cpu.max", "max 100000", "50000 100000"), 0.5, id="of the parent"),
        pytest.param(_v2("cpu.max", "300000 100000", "max", "200000 100000"), 2.0, id="the tightest"),
        pytest.param({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "250000 100000"}, 2.5, id="v2, from within"),
        pytest.param(_v1("cpu/docker/abc", cpu_cfs_quota_us=200000, cpu_cfs_period_us=50000), 4.0, id="v1"),
        pytest.param(_v1("cpu", cpu_cfs_quota_us=100000, cpu_cfs_period_us=100000), 1.0, id="v1, own group"),
        pytest.param(_v1("cpu/docker/abc", cpu_cfs_quota_us=-1, cpu_cfs_period_us=100000), None, id="v1 without one"),
        pytest.param({}, None, id="nothing"),
    ],
)  # fmt: skip
def test_cpu_quota(tmp_path: Path, files: dict[str, str], cores: float | None) -> None:
    assert machine.cpu_quota(_tree(tmp_path, files)) == cores


def _memory(limits: Sequence[object], used: Sequence[object]) -> dict[str, str]:
    return _v2("memory.max", *limits) | _v2("memory.current", *used)


@pytest.mark.parametrize(
    ("files", "system", "limit", "free"),
    [
        pytest.param({}, 64, None, 64, id="no cgroup"),
        pytest.param(_memory([4 * GIB], [3 * GIB]), 64, 4, 1, id="v2"),
        pytest.param(_memory(["max"], [GIB]), 64, None, 64, id="v2 without a limit"),
        pytest.param(
            _memory([4 * GIB], [3 * GIB]) | _v2("memory.stat", f"anon 1\ninactive_file {GIB}"), 64, 4, 2, id="page cache"
        ),
        pytest.param(_memory(["max", "max", 4 * GIB], [GIB, GIB, 3 * GIB]), 64, 4, 1, id="siblings took of an ancestor's"),
        pytest.param(_memory([8 * GIB], [0]), 1, 8, 1, id="less in the system"),
        pytest.param(_memory([8 * GIB], [9 * GIB]), 64, 8, 0, id="over"),
        pytest.param(
            _v1("memory/docker/abc", memory_limit_in_bytes=GIB, memory_usage_in_bytes=GIB // 4), 64, 1, 0.75, id="v1"
        ),
        pytest.param(
            _v1("memory/docker/abc", memory_limit_in_bytes=9223372036854771712), 64, None, 64, id="v1 without a limit"
        ),
    ],
)  # fmt: skip
def test_memory_is_what_cgroup_and_system_still_grant(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    system: int,
    limit: int | None,
    free: float,
) -> None:
    memory = SimpleNamespace(available=system * GIB, total=64 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    root = _tree(tmp_path, files)
    assert machine.memory_limit(root) == (limit and limit * GIB)
    assert machine.free_memory(root) == free * GIB


@pytest.mark.parametrize(
    ("quota", "cores"), [(None, 8), ("1600000 100000", 8), ("350000 100000", 3), ("50000 100000", 1)]
)
def test_usable_cores_are_affinity_within_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str | None, cores: int
) -> None:
    monkeypatch.setattr(machine, "usable_cpus", lambda: tuple(range(8)))
    files = _v2("cpu.max", *([quota] if quota else [])) | {"proc/cpuinfo": X86}
    found = machine.read_machine(_tree(tmp_path, files))
    assert (found.cores, found.affinity_cores) == (cores, 8)


def test_x86_machine(tmp_path: Path) -> None:
    cache = "sys/devices/system/cpu/cpu0/cache"
    sizes = {0: (1, "48K"), 2: (2, "1024K"), 3: (3, "32768K")}
    files = {
        "proc/cpuinfo": X86,
        "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
        **{f"{cache}/index{place}/level": str(level) for place, (level, _) in sizes.items()},
        **{f"{cache}/index{place}/size": size for place, (_, size) in sizes.items()},
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
    }
    found = machine.read_machine(_tree(tmp_path, files))
    assert (found.cpu, found.isa) == ("AMD EPYC 9R45 Processor", ("avx", "avx2", "avx512f"))
    assert (found.l2_kib, found.l3_kib, found.hypervisor) == (1024, 32768, True)
    assert found.system == "Debian GNU/Linux 12 (bookworm)"
    assert (found.transparent_huge_pages, found.governor) == ("madvise", "performance")


@pytest.mark.parametrize("text", [LSCPU_FLAT, LSCPU_INDENTED], ids=["old lscpu", "lscpu since 2.37"])
def test_arm_machine_whose_kernel_names_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    done = subprocess.CompletedProcess([], 0, stdout=text)
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "lscpu" else None)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    found = machine.read_machine(_tree(tmp_path, {"proc/cpuinfo": ARM}))
    assert (found.cpu, found.isa) == ("Neoverse-N1", ("asimd", "asimddp", "bf16", "sve"))
    assert not found.hypervisor


def test_machine_without_proc_still_has_a_name_and_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = machine.read_machine(tmp_path)
    assert found.cpu
    assert found.system
    assert found.cores >= 1
    assert (found.isa, found.l2_kib, found.quota_cores, found.memory_limit_bytes) == ((), None, None, None)
    assert (found.governor, found.transparent_huge_pages, found.hypervisor) == ("", "", False)


def test_fingerprint_is_of_the_machine_and_not_of_a_boot_or_a_point_release(make: Make) -> None:
    """What matters of those stands in the versions of libc and Python."""
    usual = make.machine().fingerprint()
    rebooted = {"kernel": "6.9", "governor": "powersave", "transparent_huge_pages": "always"}
    same = make.machine(system="某系统 1.2", memory_limit_bytes=GIB, **rebooted)
    assert same.fingerprint() == usual
    changes: dict[str, Any] = {
        "cores": 4, "cpu": "另一种", "isa": (), "memory_gib": 16, "libc": "musl", "quota_cores": 1.0,
    }  # fmt: skip
    prints = [make.machine(**{name: value}).fingerprint() for name, value in changes.items()]
    assert len({usual, *prints}) == 1 + len(changes)
    assert machine.read_machine().fingerprint() == machine.read_machine().fingerprint()


def test_facts_name_what_is_measured_and_neither_host_nor_user(monkeypatch: pytest.MonkeyPatch) -> None:
    real = platform.uname()
    monkeypatch.setattr(platform, "uname", lambda: real._replace(node="secret-host"))
    monkeypatch.setattr(platform, "node", lambda: "secret-host")
    monkeypatch.setattr(socket, "gethostname", lambda: "secret-host")
    for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "HOME"):
        monkeypatch.setenv(name, "/home/secret-user")
    software = machine.software()
    assert "secret" not in json.dumps([asdict(machine.read_machine()), software])
    assert software["onnxruntime"]
    assert software["python"] == platform.python_version()
