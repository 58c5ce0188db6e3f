"""What the facts of a machine tell of it: who makes the processor, which system it has, and a name that stays the same."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VENDORS = {
    "intel": "Intel",
    "amd": "AMD",
    "apple": "Apple",
    "arm": "Arm",
    "neoverse": "Arm",
    "graviton": "Arm",
}
"""Words in the name of a processor -> who makes it."""
STABLE = (
    "cpu",
    "arch",
    "isa",
    "cores",
    "logical_cores",
    "l2_kib",
    "l3_kib",
    "memory_gib",
    "libc",
    "hypervisor",
)
OTHER = "其他"


def vendor(machine: Mapping[str, object]) -> str:
    """As far as the name of the processor tells."""
    name = str(machine.get("cpu", "")).lower()
    return next((one for word, one in VENDORS.items() if word in name), OTHER)


def system(machine: Mapping[str, object]) -> str:
    """Linux, macOS or Windows."""
    told = str(machine.get("system", "")).lower()
    for word, name in (("windows", "Windows"), ("darwin", "macOS"), ("macos", "macOS")):
        if told.startswith(word):
            return name
    return "Linux" if told or machine.get("libc") else OTHER


def fingerprint(machine: Mapping[str, object]) -> str:
    """Of what stays the same between two builds on a machine."""
    told = json.dumps({name: machine.get(name) for name in STABLE}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def file_name(machine: Mapping[str, object]) -> str:
    """`amd-epyc-9b14-2-linux-1a2b3c4d`."""
    cpu = re.sub(r"\((?:r|tm)\)|\bcpu\b|\bprocessor\b|@.*", " ", str(machine.get("cpu", "")).lower())
    words = "-".join(re.findall(r"[a-z0-9.]+", cpu))[:60] or "cpu"
    return f"{words}-{machine.get('cores', 0)}-{system(machine).lower()}-{fingerprint(machine)}"
