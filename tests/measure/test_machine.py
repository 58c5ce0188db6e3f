"""Facts about machines that are not this one, laid out as files."""

from __future__ import annotations

import json
import platform
import shutil
import socket
import subprocess
from dataclasses import asdict
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from bench.measure import machine

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Make

GIB = 1 << 30

X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC  9R45   Processor
flags\t\t: fpu sse2 avx avx2 hypervisor avx512f amx_tile_not
"""
ARM = """processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd aes asimddp sve bf16
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""
LSCPU_INDENTED = """Architecture:             aarch64
Vendor ID:                ARM
  Model name:             Neoverse-N1
    Model:                1
"""
LSCPU_FLAT = """Architecture:        aarch64
Vendor ID:           ARM
Model:               1
Model name:          Neoverse-N1
"""


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


V2 = {"proc/self/cgroup": "0::/system.slice/docker.scope/inner"}
V2_OUTER, V2_MIDDLE, V2_INNER = (
    f"sys/fs/cgroup/{path}"
    for path in ("system.slice", "system.slice/docker.scope", "system.slice/docker.scope/inner")
)
V1 = {"proc/self/cgroup": "4:memory:/docker/abc\n3:cpuset:/\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/x"}


DOCKER, OWN = "sys/fs/cgroup/cpu/docker/abc/cpu.cfs", "sys/fs/cgroup/cpu/cpu.cfs"
V1_MEMORY = "sys/fs/cgroup/memory/docker/abc/memory"


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        pytest.param(V2 | {f"{V2_INNER}/cpu.max": "150000 100000"}, 1.5, id="v2"),
        pytest.param(V2 | {f"{V2_INNER}/cpu.max": "max 100000"}, None, id="v2 without a quota"),
        pytest.param(
            V2 | {f"{V2_INNER}/cpu.max": "max 100000", f"{V2_MIDDLE}/cpu.max": "50000 100000"}, 0.5, id="of the parent"
        ),
        pytest.param(
            V2 | {f"{V2_INNER}/cpu.max": "300000 100000", f"{V2_OUTER}/cpu.max": "200000 100000"}, 2.0, id="the tightest"
        ),
        pytest.param(
            {"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "250000 100000"}, 2.5, id="v2, from within a container"
        ),
        pytest.param(V1 | {f"{DOCKER}_quota_us": "200000", f"{DOCKER}_period_us": "50000"}, 4.0, id="v1"),
        pytest.param(V1 | {f"{OWN}_quota_us": "100000", f"{OWN}_period_us": "100000"}, 1.0, id="v1, own group"),
        pytest.param(V1 | {f"{DOCKER}_quota_us": "-1", f"{DOCKER}_period_us": "100000"}, None, id="v1 without a quota"),
        pytest.param({}, None, id="nothing"),
    ],
)  # fmt: skip
def test_cpu_quota(tmp_path: Path, files: dict[str, str], cores: float | None) -> None:
    assert machine.cpu_quota(_tree(tmp_path, files)) == cores


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        pytest.param(V2 | {f"{V2_INNER}/memory.max": str(4 * GIB)}, 4 * GIB, id="v2"),
        pytest.param(V2 | {f"{V2_INNER}/memory.max": "max"}, None, id="v2 without a limit"),
        pytest.param(
            V2 | {f"{V2_INNER}/memory.max": "max", f"{V2_OUTER}/memory.max": str(GIB)}, GIB, id="of an ancestor"
        ),
        pytest.param(V1 | {f"{V1_MEMORY}.limit_in_bytes": str(2 * GIB)}, 2 * GIB, id="v1"),
        pytest.param(V1 | {f"{V1_MEMORY}.limit_in_bytes": "9223372036854771712"}, None, id="v1 without a limit"),
        pytest.param({}, None, id="nothing"),
    ],
)  # fmt: skip
def test_memory_limit(tmp_path: Path, files: dict[str, str], limit: int | None) -> None:
    assert machine.memory_limit(_tree(tmp_path, files)) == limit


@pytest.mark.parametrize(
    ("files", "system", "free"),
    [
        pytest.param({}, 64 * GIB, 64 * GIB, id="no limit"),
        pytest.param(
            V2 | {f"{V2_INNER}/memory.max": str(4 * GIB), f"{V2_INNER}/memory.current": str(3 * GIB)}, 64 * GIB, GIB, id="v2"
        ),
        pytest.param(
            V1 | {f"{V1_MEMORY}.limit_in_bytes": str(GIB), f"{V1_MEMORY}.usage_in_bytes": str(GIB // 4)},
            64 * GIB,
            GIB * 3 // 4,
            id="v1",
        ),
        pytest.param(
            V2
            | {f"{V2_INNER}/memory.max": "max", f"{V2_INNER}/memory.current": str(GIB)}
            | {f"{V2_OUTER}/memory.max": str(4 * GIB), f"{V2_OUTER}/memory.current": str(3 * GIB)},
            64 * GIB,
            GIB,
            id="siblings took of the parent's",
        ),
        pytest.param(
            V2 | {f"{V2_INNER}/memory.max": str(8 * GIB), f"{V2_INNER}/memory.current": "0"}, GIB, GIB, id="the system's"
        ),
        pytest.param(
            V2 | {f"{V2_INNER}/memory.max": str(8 * GIB), f"{V2_INNER}/memory.current": str(9 * GIB)}, GIB, 0, id="over"
        ),
    ],
)  # fmt: skip
def test_free_memory_is_what_cgroup_and_system_still_grant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], system: int, free: int
) -> None:
    memory = SimpleNamespace(available=system, total=64 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert machine.free_memory(_tree(tmp_path, files)) == free


@pytest.mark.parametrize(
    ("quota", "cores"), [(None, 8), ("1600000 100000", 8), ("350000 100000", 3), ("50000 100000", 1)]
)
def test_usable_cores_are_affinity_within_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str | None, cores: int
) -> None:
    monkeypatch.setattr(machine, "usable_cpus", lambda: tuple(range(8)))
    files = V2 | ({f"{V2_INNER}/cpu.max": quota} if quota else {}) | {"proc/cpuinfo": X86}
    found = machine.read_machine(_tree(tmp_path, files))
    assert (found.cores, found.affinity_cores) == (cores, 8)


def test_x86_machine(tmp_path: Path) -> None:
    cache = "sys/devices/system/cpu/cpu0/cache"
    files = {
        "proc/cpuinfo": X86,
        "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
        f"{cache}/index0/level": "1",
        f"{cache}/index0/size": "48K",
        f"{cache}/index2/level": "2",
        f"{cache}/index2/size": "1024K",
        f"{cache}/index3/level": "3",
        f"{cache}/index3/size": "32768K",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
    }
    found = machine.read_machine(_tree(tmp_path, files))
    assert found.cpu == "AMD EPYC 9R45 Processor"
    assert found.isa == ("avx", "avx2", "avx512f")
    assert (found.l2_kib, found.l3_kib) == (1024, 32768)
    assert found.hypervisor
    assert found.system == "Debian GNU/Linux 12 (bookworm)"
    assert (found.transparent_huge_pages, found.governor) == ("madvise", "performance")


@pytest.mark.parametrize("text", [LSCPU_FLAT, LSCPU_INDENTED], ids=["old lscpu", "lscpu since 2.37"])
def test_arm_machine_whose_kernel_names_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def lscpu(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, stdout=text)

    monkeypatch.setattr(shutil, "which", lambda name: name if name == "lscpu" else None)
    monkeypatch.setattr(subprocess, "run", lscpu)
    found = machine.read_machine(_tree(tmp_path, {"proc/cpuinfo": ARM}))
    assert found.cpu == "Neoverse-N1"
    assert found.isa == ("asimd", "asimddp", "bf16", "sve")
    assert not found.hypervisor


def test_machine_without_proc_still_has_a_name_and_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = machine.read_machine(tmp_path)
    assert found.cpu
    assert found.cores >= 1
    assert (found.isa, found.l2_kib, found.quota_cores, found.memory_limit_bytes) == ((), None, None, None)
    assert (found.governor, found.transparent_huge_pages, found.hypervisor) == ("", "", False)
    assert found.system


def test_fingerprint_is_of_the_machine_and_not_of_a_boot_or_a_point_release(make: Make) -> None:
    """What matters of those stands in the versions of libc and Python."""
    usual = make.machine(system="Ubuntu 24.04.1 LTS").fingerprint()
    rebooted = {"kernel": "6.9", "governor": "powersave", "transparent_huge_pages": "always"}
    same = make.machine(system="Ubuntu 24.04.2 LTS", memory_limit_bytes=GIB, **rebooted)
    assert same.fingerprint() == usual
    changes = (
        {"cores": 4},
        {"cpu": "另一种"},
        {"isa": ()},
        {"memory_gib": 16},
        {"libc": "musl"},
        {"quota_cores": 1.0},
    )
    prints = [make.machine(system="Ubuntu 24.04.1 LTS", **change).fingerprint() for change in changes]
    assert len({usual, *prints}) == 1 + len(changes)
    assert machine.read_machine().fingerprint() == machine.read_machine().fingerprint()


def test_facts_name_neither_host_nor_user(monkeypatch: pytest.MonkeyPatch) -> None:
    real = platform.uname()
    monkeypatch.setattr(platform, "uname", lambda: real._replace(node="secret-host"))
    monkeypatch.setattr(platform, "node", lambda: "secret-host")
    monkeypatch.setattr(socket, "gethostname", lambda: "secret-host")
    for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "HOME"):
        monkeypatch.setenv(name, "/home/secret-user")
    facts = json.dumps([asdict(machine.read_machine()), machine.software()])
    assert "secret" not in facts
    assert socket.gethostname() not in facts


def test_software_names_what_is_measured() -> None:
    found = machine.software()
    assert found["onnxruntime"]
    assert found["python"] == platform.python_version()
