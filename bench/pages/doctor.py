"""The diagnosis that readers take along: the file as the site offers it, its checksum, and what it says on this machine."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bench.pages.markup import render
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from markupsafe import Markup

FILE = ROOT / "docs" / "tools" / "doctor.py"
ADDRESS = "SITE_URL"
"""Environment variable that tells where the site will be, see mkdocs.yml."""
PLANTED = {"OMP_NUM_THREADS": "1"}
"""So that the example finds something on every machine."""
SHIPPED = "models/PP-OCRv6_det_small.onnx"


def address() -> str:
    """Where the site will be, with a slash at its end; empty where nobody said."""
    told = os.environ.get(ADDRESS, "")
    return f"{told.rstrip('/')}/" if told else ""


def stamped() -> str:
    """The file with its version and the site's address, the same for the same sources and address."""
    text = FILE.read_text(encoding="utf-8")
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    for name, value in (("VERSION", f"{version('ort-cpu-guide')}-{mark}"), ("SITE", address())):
        text, count = re.subn(rf'^{name} = "[^"]*"', f'{name} = "{value}"', text, flags=re.MULTILINE)
        assert count == 1, name
    return text


def checksum() -> str:
    """SHA-256 of what is offered."""
    return hashlib.sha256(stamped().encode()).hexdigest()


def download() -> Markup:
    """Where to get it, and how to make sure of it."""
    told = checksum()
    command = f'curl -fsSO {address()}tools/doctor.py\necho "{told}  doctor.py" | sha256sum -c'
    return render("doctor", checksum=told, command=command if address() else "")


def example() -> Markup:
    """What it prints here, of a model as its package ships it. Raises CalledProcessError where it cannot look."""
    package = find_spec("rapidocr")
    assert package
    assert package.submodule_search_locations
    model = Path(package.submodule_search_locations[0], SHIPPED)
    done = subprocess.run(
        [sys.executable, "-c", stamped(), "--lang", "zh", "--model", str(model)],
        capture_output=True,
        env=os.environ | PLANTED | {"PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    if done.returncode != 1:
        done.check_returncode()
        raise RuntimeError("doctor.py 没有发现例子里放的问题")
    return render("doctor_example", text=done.stdout.decode())
