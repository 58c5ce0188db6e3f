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
    from pathlib import Path

    from samples import Make

GIB = 1 << 30
X86 = "processor\t: 0\nmodel name\t: AMD EPYC  9R45   Processor\nflags\t\t: fpu avx avx2 hypervisor avx512f amx_tile_not\n"
ARM = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd aes asimddp sve bf16\nCPU part\t: 0xd40\n"
CPU0 = "sys/devices/system/cpu/cpu0"
V1 = {"proc/self/cgroup": "4:memory:/docker/abc\n3:cpuset:/\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/x"}


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def _v2(name: str, *values: object) -> dict[str, str]:
    """What a file of the innermost cgroup says, that of its parent, that of its grandparent."""
    folders = ("system.slice/docker.scope/inner", "system.slice/docker.scope", "system.slice")
    said = {f"sys/fs/cgroup/{folder}/{name}": str(v) for folder, v in zip(folders, values, strict=False)}
    return {"proc/self/cgroup": f"0::/{folders[0]}"} | said


def _v1(folder: str, **values: object) -> dict[str, str]:
    """What files of a cgroup of the first kind say; the first `_` of a name is a dot."""
    return V1 | {f"sys/fs/cgroup/{folder}/{name.replace('_', '.', 1)}": str(v) for name, v in values.items()}


def _limit(*limits: object, used: tuple[int, ...], stat: str = "") -> dict[str, str]:
    return _v2("memory.max", *limits) | _v2("memory.current", *used) | _v2("memory.stat", stat)


CACHES = ((0, "1", "48K"), (2, "2", "1024K"), (3, "3", "32768K"))
X86_FILES = {
    "proc/cpuinfo": X86,
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
    **{f"{CPU0}/cache/index{place}/level": level for place, level, _ in CACHES},
    **{f"{CPU0}/cache/index{place}/size": size for place, _, size in CACHES},
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    f"{CPU0}/cpufreq/scaling_governor": "performance",
}
X86_FACTS = {
    "cpu": "AMD EPYC 9R45 Processor", "isa": ("avx", "avx2", "avx512f"), "hypervisor": True, "l2_kib": 1024, "l3_kib": 32768,
    "system": "Debian GNU/Linux 12 (bookworm)", "governor": "performance", "transparent_huge_pages": "madvise",
}  # fmt: skip
NOTHING = {
    "isa": (), "hypervisor": False, "l2_kib": None, "governor": "", "transparent_huge_pages": "", "quota_cores": None,
    "cores": 8, "affinity_cores": 8, "memory_limit_bytes": None, "free": 6 * GIB,
}  # fmt: skip
LSCPU = "Vendor ID:           ARM\nModel:               1\nModel name:          Neoverse-N1\n"
INDENTED = "Vendor ID:     ARM\n  Model name:     Neoverse-N1\n    Model:        1\n"
NEOVERSE = {"cpu": "Neoverse-N1", "isa": ("asimd", "asimddp", "bf16", "sve"), "hypervisor": False}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(X86_FILES, X86_FACTS, id="x86"),
        pytest.param({"proc/cpuinfo": ARM, "lscpu": LSCPU}, NEOVERSE, id="no model named, old lscpu"),
        pytest.param({"proc/cpuinfo": ARM, "lscpu": INDENTED}, NEOVERSE, id="lscpu since 2.37"),
        pytest.param({}, NOTHING, id="nothing"),
        pytest.param(_v2("cpu.max", "max 100000"), {"quota_cores": None, "cores": 8}, id="v2 without a quota"),
        pytest.param(_v2("cpu.max", "350000 100000"), {"quota_cores": 3.5, "cores": 3}, id="v2"),
        pytest.param(_v2("cpu.max", "300000 100000", "max", "200000 100000"), {"quota_cores": 2.0, "cores": 2}, id="the tightest"),
        pytest.param({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "50000 100000"}, {"quota_cores": 0.5, "cores": 1}, id="v2, from within"),
        pytest.param(_v1("cpu/docker/abc", cpu_cfs_quota_us=800000, cpu_cfs_period_us=50000), {"quota_cores": 16.0, "cores": 8}, id="v1"),
        pytest.param(_v1("cpu", cpu_cfs_quota_us=100000, cpu_cfs_period_us=100000), {"quota_cores": 1.0, "cores": 1}, id="v1, own group"),
        pytest.param(_v1("cpu/docker/abc", cpu_cfs_quota_us=-1, cpu_cfs_period_us=100000), {"quota_cores": None, "cores": 8}, id="v1 without one"),
        pytest.param(_limit("max", "max", 4 * GIB, used=(GIB, GIB, 3 * GIB)), {"memory_limit_bytes": 4 * GIB, "free": GIB}, id="an ancestor's"),
        pytest.param(_limit(4 * GIB, used=(3 * GIB,), stat=f"anon 1\ninactive_file {GIB}"), {"memory_limit_bytes": 4 * GIB, "free": 2 * GIB}, id="page cache"),
        pytest.param(_limit(8 * GIB, used=(0,)), {"memory_limit_bytes": 8 * GIB, "free": 6 * GIB}, id="less in the system"),
        pytest.param(_limit(8 * GIB, used=(9 * GIB,)), {"memory_limit_bytes": 8 * GIB, "free": 0}, id="over"),
        pytest.param(_v1("memory/docker/abc", memory_limit_in_bytes=GIB, memory_usage_in_bytes=GIB // 4), {"memory_limit_bytes": GIB, "free": GIB - GIB // 4}, id="v1 memory"),
        pytest.param(_v1("memory/docker/abc", memory_limit_in_bytes=9223372036854771712), {"memory_limit_bytes": None, "free": 6 * GIB}, id="v1 memory without a limit"),
    ],
)  # fmt: skip
def test_facts_of_a_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: dict[str, Any]
) -> None:
    """Of eight cores and six GiB of free memory; what lscpu prints stands beside the files."""
    done = SimpleNamespace(stdout=files.get("lscpu", ""))
    monkeypatch.setattr(shutil, "which", lambda name: name if name in files else None)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=6 * GIB, total=64 * GIB))
    monkeypatch.setattr(machine, "usable_cpus", lambda: tuple(range(8)))
    root = _tree(tmp_path, files)
    found = {**asdict(machine.read_machine(root)), "free": machine.free_memory(root)}
    assert {name: found[name] for name in expected} == expected
    assert all(found[name] for name in ("cpu", "system", "cores"))


def test_fingerprint_is_of_the_machine_and_not_of_a_boot_or_a_point_release(make: Make) -> None:
    """What matters of those stands in the versions of libc and Python."""
    rebooted = {"kernel": "6.9", "governor": "powersave", "transparent_huge_pages": "always"}
    same = make.machine(system="某系统 1.2", memory_limit_bytes=GIB, **rebooted)
    changes = {"cores": 4, "cpu": "另一种", "isa": (), "memory_gib": 16, "libc": "musl", "quota_cores": 1.0}
    others = [make.machine(**{name: value}) for name, value in changes.items()]
    prints = [one.fingerprint() for one in (make.machine(), same, *others)]
    assert (prints[0], len({*prints})) == (prints[1], 1 + len(changes))
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
