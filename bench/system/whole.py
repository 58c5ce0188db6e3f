"""Files that are whole or not there, also after a power failure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

SCRATCH = ".new"


def write(path: Path, content: str | bytes) -> None:
    """Written aside and flushed to disk before it takes its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}{SCRATCH}")
    try:
        with scratch.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def sweep(folder: Path) -> None:
    """Remove what a killed process left half written below `folder`."""
    for scratch in folder.rglob(f".*{SCRATCH}"):
        writer = scratch.name.removesuffix(SCRATCH).rpartition(".")[2]
        if not (writer.isdigit() and psutil.pid_exists(int(writer))):
            scratch.unlink(missing_ok=True)
