"""Where this project keeps what it makes. Everything below the build folder is git-ignored."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD_VARIABLE = "BENCH_BUILD_DIR"
"""Environment variable that moves the build folder, for tests and read-only checkouts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """One place for each kind of thing."""

    results: Path
    models: Path
    work: Path
    export: Path
    notebooks: Path
    leftovers: Path
    """What may be left on the machine itself, see `bench.system.leftovers`."""
    lock: Path

    @classmethod
    def below(cls, root: Path) -> Folders:
        return cls(
            results=root / "results",
            models=root / "models",
            work=root / "work",
            export=root / "export",
            notebooks=root / "notebooks",
            leftovers=root / "leftovers",
            lock=root / "lock",
        )

    @classmethod
    def here(cls) -> Folders:
        return cls.below(Path(os.environ.get(BUILD_VARIABLE) or ROOT / "build").absolute())
