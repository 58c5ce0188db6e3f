"""What is known of a tuning that was begun, kept beside its journals: the same command goes on with it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from bench.measure.earlier import RESUME_WITHIN
from bench.system.folders import write_whole
from bench.tune.stages import Called  # noqa: TC001 - pydantic reads the annotation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.tune.own import Own

BEGUN, RESULT = "begun.json", "tuned.json"
MOST_STEM = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What must stay the same until it is finished."""

    key: str
    build: str
    seed: int
    started_at: str
    how: Called
    operators: tuple[str, ...]
    """Types of the nodes that run under the default."""


_BEGUN = TypeAdapter(Begun)


def stem(own: Own) -> str:
    """Of folders: the model's name as far as any file system takes it."""
    return re.sub(r"[^\w.-]+", "-", own.path.stem).strip("-.")[:MOST_STEM] or "model"


def write(folder: Path, begun: Begun) -> None:
    write_whole(folder / BEGUN, json.dumps(asdict(begun), ensure_ascii=False, indent=1))


def find(root: Path, own: Own, key: str, tell: Callable[[str], None]) -> tuple[Path, Begun] | None:
    """The newest folder of this model that was begun with the same key, is recent, and has no result."""
    for folder in sorted(root.glob(f"{stem(own)}-*"), reverse=True):
        path = folder / BEGUN
        if (folder / RESULT).exists() or not path.exists():
            continue
        try:
            begun = _BEGUN.validate_json(path.read_bytes())
        except ValidationError:
            tell(f"忽略损坏的 {folder.name}/{BEGUN}")
            continue
        recent = datetime.now(UTC) - datetime.fromisoformat(begun.started_at) < RESUME_WITHIN
        if recent and begun.key == key:
            return folder, begun
    return None
