"""What is kept of notebooks that were run: believed only where a note vouches for every byte of it.

mkdocs-jupyter writes its copy in place, so a kill leaves half of one under its real name, and it would
stumble over that half in every later build.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.system import whole

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Note:
    """When a notebook was run, and the hash of the copy that mkdocs-jupyter kept of it."""

    run_at: datetime
    sha256: str


def copies(folder: Path) -> set[Path]:
    """What mkdocs-jupyter keeps in its cache."""
    return set(folder.glob("*.json"))


def write_note(path: Path, copy: Path) -> None:
    """Vouch for a copy that was just made."""
    run_at = datetime.now(UTC).isoformat(timespec="seconds")
    whole.write(path, json.dumps({"run_at": run_at, "sha256": _hash(copy)}))


def read_note(path: Path) -> Note | None:
    """None when it is not there or cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Note(datetime.fromisoformat(found["run_at"]), str(found["sha256"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sweep(folder: Path) -> None:
    """Forget copies without a note and notes without their copy: such a notebook runs again."""
    whole.sweep(folder)
    hashes = {_hash(path): path for path in copies(folder)}
    notes = {path: read_note(path) for path in folder.glob("*.run_at")}
    vouched = {note.sha256 for note in notes.values() if note}
    for digest, path in hashes.items():
        if digest not in vouched:
            path.unlink()
    for path, note in notes.items():
        if note is None or note.sha256 not in hashes:
            path.unlink()


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
