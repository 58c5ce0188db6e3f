"""Environments with other packages than ours, made by uv and kept."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import uv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MOST_SAID = 300


class NotInstalled(Exception):
    """The message is what the installer said, in its words."""


def python_with(requirements: Sequence[str], folder: Path, version: str = "") -> Path:
    """Interpreter of an environment below `folder` with these and nothing else, made now unless it is there.

    `version`: which interpreters of this machine will do, `>=3.8,<3.11`; empty: this one. None is fetched. Raises
    NotInstalled: there is no network, no such interpreter, or nothing that fits.
    """
    home = folder / _name([*requirements, version] if version else requirements)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (home / "ready").exists():  # cut short, it must not pass for the whole
        wanted = ("--no-python-downloads", "--python", version or sys.executable)
        _uv("venv", "--quiet", "--clear", *wanted, str(home))
        _uv("pip", "install", "--quiet", "--python", str(python), *requirements)
        (home / "ready").touch()
    return python


def _name(requirements: Sequence[str]) -> str:
    """Readable, and another one for other requirements."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", requirements[0]).strip("-")
    return f"{slug}-{hashlib.sha256(repr(tuple(requirements)).encode()).hexdigest()[:8]}"


def _uv(*command: str) -> None:
    done = subprocess.run(
        [uv.find_uv_bin(), *command], capture_output=True, text=True, check=False, env=_environment()
    )
    if done.returncode:
        raise NotInstalled(" ".join(done.stderr.split())[-MOST_SAID:])


def _environment() -> Mapping[str, str]:
    """Ours, but for the environment that it would be installed into. Compiled at once, or every import would do it."""
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return {**kept, "UV_COMPILE_BYTECODE": "1"}
