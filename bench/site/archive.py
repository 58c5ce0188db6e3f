"""The source as one file beside the pages: a reader who wants numbers of his own machine needs nothing else."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "source/onnxruntime-cpu-guide.zip"
"""Where it stands, from the root of the site."""
PARTS = (
    "README.md",
    "bench",
    "constraints.txt",
    "docs",
    "mkdocs.yml",
    "noxfile.py",
    "pyproject.toml",
    "tests",
)
"""All that measuring, building and testing need."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The same source makes the same bytes."""


def publish(site: Path) -> None:
    """Write it into a built site. Raises OSError."""
    path = site / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files():
            name = f"{path.stem}/{file.relative_to(ROOT).as_posix()}"
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())


def _files() -> Iterator[Path]:
    """Nothing hidden, nothing compiled, whatever lies about."""
    for part in PARTS:
        start = ROOT / part
        for path in (start, *sorted(start.rglob("*"))):
            below = path.relative_to(ROOT).parts
            if (
                path.is_file()
                and "__pycache__" not in below
                and not any(one.startswith(".") for one in below)
            ):
                yield path
