"""Templates as Python, kept from one build to the next: to compile those of pages and theme takes a tenth of a build."""

from __future__ import annotations

import hashlib
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import FileSystemBytecodeCache

from bench.pages import markup, sentences
from bench.system.folders import Folders

if TYPE_CHECKING:
    from jinja2 import Environment

READERS = (markup, sentences)
"""Their extensions and filters decide what a template becomes; the cache itself looks at its text alone."""


def keep(*environments: Environment) -> None:
    """Let these and the environments of pages take what was compiled before, by the same code and the same Jinja."""
    state = hashlib.sha256(version("jinja2").encode())
    for module in READERS:
        state.update(Path(str(module.__file__)).read_bytes())
    folder = Folders.here().templates / state.hexdigest()[:16]
    if not folder.is_dir():
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
    cache = FileSystemBytecodeCache(str(folder))
    for one in (markup.ENVIRONMENT, sentences.ours(), *environments):
        one.bytecode_cache = cache
