"""Where this project keeps what it makes, and how files are written there. Everything below the build folder is git-ignored."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
BUILD_VARIABLE = "BENCH_BUILD_DIR"
"""Environment variable that moves the build folder, for tests and read-only checkouts."""
DRAFT_VARIABLE = "BENCH_DRAFT"
"""For the processes that make a draft of the site: the build that is still being measured."""
SITE = Path("site")
"""Where a finished site is put, from where the command was given."""
SCRATCH = ".new"
REASONS = {
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已满",
    errno.EEXIST: "路径上有同名的文件",
    errno.ENOTDIR: "路径上有同名的文件",
    errno.EACCES: "没有写入权限",
    errno.EPERM: "没有写入权限",
    errno.EROFS: "文件系统只读",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """One place for each kind of thing."""

    results: Path
    models: Path
    work: Path
    export: Path
    draft_export: Path
    draft_site: Path
    """Of a draft that must not take the place of a complete site."""
    notebooks: Path
    templates: Path
    """Compiled."""
    words: Path
    """Chinese of the pages, as the search parts it."""
    leftovers: Path
    """What may be left on the machine itself, see `bench.system.leftovers`."""
    lock: Path

    @classmethod
    @cache
    def below(cls, root: Path) -> Folders:
        """Pages ask for it three thousand times a site."""
        return cls(**{field.name: root / field.name.replace("_", "-") for field in fields(cls)})

    @classmethod
    def here(cls) -> Folders:
        found = cls.below(Path(os.environ.get(BUILD_VARIABLE) or ROOT / "build").absolute())
        return replace(found, export=found.draft_export) if os.environ.get(DRAFT_VARIABLE) else found


def write_whole(path: Path, content: str | bytes) -> None:
    """A file that is whole or not there, also after a power failure: flushed to disk before it takes its name."""
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


def why(error: OSError) -> str:
    """What kept a file from being written."""
    return REASONS.get(error.errno or 0, error.strerror or str(error))


def sweep_scratch(folder: Path) -> None:
    """Remove what a killed process left half written below `folder`."""
    for scratch in folder.rglob(f".*{SCRATCH}"):
        writer = scratch.name.removesuffix(SCRATCH).rpartition(".")[2]
        if not (writer.isdigit() and psutil.pid_exists(int(writer))):
            scratch.unlink(missing_ok=True)
