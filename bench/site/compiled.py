"""Templates as Python, kept from one build to the next: to compile those of pages and theme takes a tenth of a build."""

from __future__ import annotations

import hashlib
import shutil
from importlib.metadata import version
from typing import TYPE_CHECKING

from jinja2 import FileSystemBytecodeCache

from bench.pages import markup, sentence_layout
from bench.system.folders import ROOT, Folders

if TYPE_CHECKING:
    from jinja2 import Environment

LIBRARIES = ("jinja2", "mkdocs", "mkdocs-material")
SOURCES = ROOT / "bench"


def keep(*environments: Environment) -> None:
    """Let these and the environments of pages take what was compiled before."""
    folder = Folders.here().templates / _state()
    if not folder.is_dir():
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
    cache = FileSystemBytecodeCache(str(folder))
    for one in (markup.ENVIRONMENT, sentence_layout.ours(), *environments):
        one.bytecode_cache = cache


def _state() -> str:
    """Of the code that reads templates: while they are compiled, filters are applied to what is constant in them.

    The cache itself looks at their text alone.
    """
    state = hashlib.sha256("".join(map(version, LIBRARIES)).encode())
    for path in sorted(SOURCES.rglob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()[:16]
