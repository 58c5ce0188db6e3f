"""The diagnosis, loaded as the file that it is, and trees of /proc, /sys and cgroups for it to read."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any

from bench.pages.doctor import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

MIB = 1 << 20
LIBRARY = "/venv/lib/python3.11/site-packages/onnxruntime/capi/onnxruntime_pybind11_state.so"
V2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
V1 = (
    "31 23 0:27 {top} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 23 0:28 {top} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
)


def _loaded() -> ModuleType:
    spec = spec_from_file_location("doctor", FILE)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules["doctor"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


doctor: Any = _loaded()


def lay(root: Path, files: Mapping[str, str]) -> Path:
    """Path below the root -> what stands there."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def processors(count: int, *, threads: int = 1) -> dict[str, str]:
    """So many, `threads` of them on each core."""
    found = {"sys/devices/system/cpu/present": f"0-{count - 1}"}
    for one in range(count):
        folder = f"sys/devices/system/cpu/cpu{one}/topology"
        found |= {f"{folder}/physical_package_id": "0", f"{folder}/core_id": str(one // threads)}
    return found


def surroundings(*, count: int = 8, allowed: str = "0-7", flags: str = "avx2 avx512_vnni") -> dict[str, str]:
    """A machine without cgroups."""
    return processors(count) | {
        "proc/cpuinfo": f"processor\t: 0\nmodel name\t: Made up 1000\nflags\t\t: fpu {flags}\n",
        "proc/self/status": f"Name:\tpython\nCpus_allowed_list:\t{allowed}\n",
        "proc/self/mountinfo": "",
        "proc/self/cgroup": "",
        "bin/sh": "",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    }


def process(
    pid: int,
    threads: Mapping[int, tuple[int, int, str]],
    *,
    allowed: str = "0-7",
    parent: int = 1,
    rss_mib: int = 100,
    peak_mib: int = 100,
    swap_mib: int = 0,
    environ: Mapping[str, str] | None = None,
    address: str = "7f0000000000",
    libraries: tuple[str, ...] = (LIBRARY,),
) -> dict[str, str]:
    """`threads`: number -> when it was made and what it burnt, in ticks, and the CPUs that it may use."""
    folder = f"proc/{pid}"
    maps = "".join(f"{address}-{address[:-3]}fff r-xp 0 08:01 7 {name}\n" for name in libraries)
    found = {
        f"{folder}/cmdline": "python\0serve.py\0",
        f"{folder}/environ": "\0".join(f"{name}={value}" for name, value in (environ or {}).items()),
        f"{folder}/maps": maps,
        f"{folder}/smaps": "".join(mapping(at, size, name) for at, (size, name) in enumerate(SMAPS)),
        f"{folder}/cgroup": "",
        f"{folder}/status": status(parent, allowed, rss_mib, peak_mib, swap_mib),
    }
    for tid, (started, spent, mask) in threads.items():
        found[f"{folder}/task/{tid}/stat"] = stat(tid, started, spent)
        found[f"{folder}/task/{tid}/status"] = f"Cpus_allowed_list:\t{mask}\n"
    return found


SMAPS = ((40, "[heap]"), (20, ""), (8, "/lib/libc.so.6"), (1, "[stack]"))
"""MiB resident, and what is mapped."""


def mapping(at: int, size_mib: int, name: str) -> str:
    return f"{at}000-{at}fff rw-p 00000000 00:00 0 {name}\nSize: 99999 kB\nRss: {size_mib * 1024} kB\n"


def status(parent: int, allowed: str, rss_mib: int, peak_mib: int, swap_mib: int) -> str:
    lines = {"PPid": parent, "Cpus_allowed_list": allowed}
    sizes = {"VmHWM": peak_mib, "VmRSS": rss_mib, "VmSwap": swap_mib}
    told = [*(f"{name}:\t{value}" for name, value in lines.items())]
    return "\n".join([*told, *(f"{name}:\t{size * 1024} kB" for name, size in sizes.items())])


def stat(tid: int, started: int, spent: int) -> str:
    """A name with a bracket in it, as anybody may give his thread; then the fields from the third on."""
    fields = ["0"] * 40
    fields[0], fields[11], fields[12], fields[19] = "S", str(spent), "0", str(started)
    return f"{tid} (py) thon) {' '.join(fields)}"


def ids(look: Any) -> list[str]:
    """Of the findings, not of the notes."""
    return [name for name, _ in doctor.judged(look) if name in doctor.FINDINGS]


def notes(look: Any) -> list[str]:
    return [name for name, _ in doctor.judged(look) if name in doctor.NOTES]
