"""Facts about this machine: each probe reads one source and may find nothing.

Stable facts make the fingerprint that results are keyed by; volatile ones are only recorded.
Host names, user names and serial numbers are never read.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from ctypes.util import find_library
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from bench.system import cgroup

GIB = 1 << 30
ALLOCATORS = ("jemalloc", "mimalloc", "tcmalloc_minimal")
MOST_TEXT = 1 << 22
"""Characters read of a file of the kernel's; with a thousand cores, /proc/cpuinfo has a million or two."""
MOST_NAME = 300
"""Characters of a name that ends up in a result."""
NO_LIMIT = 1 << 60
"""cgroup v1 says "no limit" with a number beyond this."""
ISA_FLAGS = (
    *("avx", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_tile", "amx_int8", "amx_bf16"),
    *("asimd", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """One machine as results see it. Empty strings and None mean: could not be read."""

    cpu: str
    arch: str
    isa: tuple[str, ...]
    cores: int
    """Usable cores: affinity mask and cgroup quota; what thread defaults are made of."""
    affinity_cores: int
    quota_cores: float | None
    logical_cores: int
    physical_cores: int | None
    l2_kib: int | None
    l3_kib: int | None
    memory_gib: int
    memory_limit_bytes: int | None
    system: str
    libc: str
    hypervisor: bool
    kernel: str
    governor: str
    transparent_huge_pages: str
    allocators: tuple[str, ...]
    """Libraries that can take malloc's place, as the dynamic linker finds them."""

    def fingerprint(self) -> str:
        """Hash of what changes neither between two boots of the same machine nor with a point release of its system."""
        volatile = (
            *("system", "kernel", "governor", "transparent_huge_pages", "memory_limit_bytes"),
            "allocators",
        )
        stable = {name: value for name, value in asdict(self).items() if name not in volatile}
        return hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()[:16]


def read_machine(root: Path = Path("/")) -> MachineFacts:
    """This machine. `root` lets tests lay out a tree of their own."""
    info = read_text(root / "proc/cpuinfo")
    affinity, quota = len(usable_cpus()), cpu_quota(root)
    return MachineFacts(
        cpu=_cpu_name(info)[:MOST_NAME],
        arch=platform.machine(),
        isa=_isa(info),
        cores=max(1, min(affinity, int(quota or affinity))),
        affinity_cores=affinity,
        quota_cores=quota,
        logical_cores=psutil.cpu_count() or affinity,
        physical_cores=psutil.cpu_count(logical=False),
        l2_kib=_cache_kib(root, 2),
        l3_kib=_cache_kib(root, 3),
        memory_gib=round(psutil.virtual_memory().total / GIB),
        memory_limit_bytes=memory_limit(root),
        system=_system(root)[:MOST_NAME],
        libc=" ".join(platform.libc_ver()).strip(),
        hypervisor=bool(re.search(r"^flags.*\bhypervisor\b", info, re.MULTILINE)),
        kernel=platform.release(),
        governor=read_text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")[:MOST_NAME],
        transparent_huge_pages=_chosen(read_text(root / "sys/kernel/mm/transparent_hugepage/enabled")),
        allocators=_allocators(),
    )


def software() -> dict[str, str]:
    """Versions that decide what is measured."""
    found = {"python": platform.python_version()}
    for name in ("onnxruntime", "numpy", "onnx", "rapidocr", "memory_profiler"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that may still be taken: what the system has available, within every cgroup limit above us."""
    folders = [(folder, _folder_limit(folder)) for folder in cgroup.folders(root, "memory")]
    left = [max(0, limit - _folder_usage(folder)) for folder, limit in folders if limit is not None]
    return min([int(psutil.virtual_memory().available), *left])


def usable_cpus() -> tuple[int, ...]:
    """Numbers of the CPUs that the affinity mask allows."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(psutil.cpu_count() or 1))


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Cores that the cgroup's CFS quota grants (v2 and v1); None without one."""
    quotas = []
    for folder in cgroup.folders(root, "cpu"):
        text = read_text(folder / "cpu.max").split()
        if len(text) == 2 and text[0] != "max":
            quotas.append(int(text[0]) / int(text[1]))
        quota, period = read_text(folder / "cpu.cfs_quota_us"), read_text(folder / "cpu.cfs_period_us")
        if quota and period and int(quota) > 0:
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def memory_limit(root: Path = Path("/")) -> int | None:
    """The cgroup's memory limit in bytes (v2 and v1); None without one."""
    limits = (_folder_limit(folder) for folder in cgroup.folders(root, "memory"))
    return min((limit for limit in limits if limit is not None), default=None)


def _folder_limit(folder: Path) -> int | None:
    limit = _number(folder, "memory.max", "memory.limit_in_bytes")
    return None if limit is None or limit >= NO_LIMIT else limit


def _folder_usage(folder: Path) -> int:
    """Bytes in use that the kernel cannot drop: without the idle part of the page cache."""
    cache = re.search(r"^(?:total_)?inactive_file (\d+)$", read_text(folder / "memory.stat"), re.MULTILINE)
    used = _number(folder, "memory.current", "memory.usage_in_bytes") or 0
    return max(0, used - int(cache[1])) if cache else used


def _number(folder: Path, *names: str) -> int | None:
    """What the first of these files says that says a number."""
    return next((int(text) for name in names if (text := read_text(folder / name)).isdigit()), None)


@cache
def _allocators() -> tuple[str, ...]:
    """As `LD_PRELOAD` takes them; asking the linker starts processes."""
    return tuple(filter(None, map(find_library, ALLOCATORS))) if sys.platform == "linux" else ()


def _cpu_name(info: str) -> str:
    for key in ("model name", "Model Name", "cpu model", "Processor"):
        if match := re.search(rf"^{key}\s*:\s*(.+)$", info, re.MULTILINE):
            return " ".join(match[1].split())
    return _command_line_cpu_name() or platform.processor() or platform.machine()


def _command_line_cpu_name() -> str:
    """Most ARM kernels print no model name; lscpu and sysctl know it."""
    for command in (["lscpu"], ["sysctl", "-n", "machdep.cpu.brand_string"]):
        if shutil.which(command[0]):
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env={"LC_ALL": "C", "PATH": os.defpath}
            )
            match = re.search(r"^\s*Model name:\s*(.+)$", done.stdout, re.MULTILINE)
            if match or (command[0] == "sysctl" and done.returncode == 0):
                return match[1].strip() if match else done.stdout.strip()
    return ""


def _isa(info: str) -> tuple[str, ...]:
    match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", info, re.MULTILINE)
    present = set(match[1].split()) if match else set()
    return tuple(flag for flag in ISA_FLAGS if flag in present)


def _cache_kib(root: Path, level: int) -> int | None:
    for folder in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        size = read_text(folder / "size")
        if read_text(folder / "level") == str(level) and size.endswith("K"):
            return int(size[:-1])
    return None


def _system(root: Path) -> str:
    match = re.search(r'^PRETTY_NAME="?([^"\n]+)', read_text(root / "etc/os-release"), re.MULTILINE)
    return match[1] if match else f"{platform.system()} {platform.release()}"


def _chosen(text: str) -> str:
    match = re.search(r"\[(\w+)\]", text)
    return match[1] if match else ""


def read_text(path: Path) -> str:
    """What a small file holds; empty where it cannot be read."""
    try:
        with path.open(errors="replace") as file:
            return file.read(MOST_TEXT).strip()
    except OSError:
        return ""
