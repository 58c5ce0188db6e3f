"""Every option of ONNX Runtime that matters on CPU: what it does, where it bites, and who says so.

The texts are data, in the TOML files beside this one. Defaults of attributes are not: `read_installed` asks the
installed ONNX Runtime, in a child, because whoever renders pages must not load it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

FOLDER = Path(__file__).parent
SCRIPT = FOLDER / "installed.py"
REPOSITORY = "https://github.com/microsoft/onnxruntime/issues/"
DOCS = "https://onnxruntime.ai/docs/"
PAGES = {
    "performance/model-optimizations/graph-optimizations.html": "图优化",
    "performance/model-optimizations/quantization.html": "量化",
    "performance/tune-performance/logging_tracing.html": "日志",
    "performance/tune-performance/memory.html": "内存",
    "performance/tune-performance/profiling-tools.html": "性能分析",
    "performance/tune-performance/threading.html": "线程",
    "performance/tune-performance/troubleshooting.html": "排错",
}
"""Official pages that rows cite -> what readers call them."""

TOPICS = {
    "threads": "线程与空转",
    "memory": "内存与加载",
    "optimiser": "图优化",
    "quantisation": "量化与低精度",
    "other": "日志、性能分析与其他",
}


class BadTable(Exception):
    """A row that nobody could show: an unknown or missing field, topic or source."""


@dataclass(frozen=True, slots=True)
class Source:
    title: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One row. `default` is empty for attributes and methods: those are read from the installed ONNX Runtime."""

    name: str
    kind: str
    topic: str
    does: str
    since: str
    sources: tuple[Source, ...]
    default: str = ""
    latency: str = ""
    memory: str = ""
    startup: str = ""
    trap: str = ""
    experiment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """A belief that costs time. `shown` unless no test can show it here."""

    id: str
    belief: str
    fact: str
    remedy: str
    sources: tuple[Source, ...]
    shown: bool = True
    experiment: str = ""


Row = TypeVar("Row", Option, Trap)


def _load(file: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / file).read_text(encoding="utf-8"))


NAMED = {name: Source(**found) for name, found in _load("sources.toml").items()}


def source(reference: str) -> Source:
    """`#123` is an issue or pull request, `docs:page` an official page, anything else stands in sources.toml."""
    if reference.startswith("#"):
        return Source(reference, REPOSITORY + reference.removeprefix("#"))
    if reference.startswith("docs:"):
        page = reference.removeprefix("docs:")
        if page not in PAGES:
            raise BadTable(f"no title for the official page {page}")
        return Source(f"官方{PAGES[page]}页", DOCS + page)
    if reference not in NAMED:
        raise BadTable(f"unknown source {reference}")
    return NAMED[reference]


def record(kind: type[Row], row: dict[str, Any]) -> Row:
    """A row of TOML as a record. Raises BadTable."""
    wanted: dict[str, Field[Any]] = {field.name: field for field in fields(kind)}
    unknown = row.keys() - wanted
    missing = {name for name, field in wanted.items() if field.default is MISSING} - row.keys()
    if unknown or missing:
        raise BadTable(f"{row}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    if row.get("topic", "other") not in TOPICS:
        raise BadTable(f"{row}: unknown topic")
    if "" in row.values() or not row["sources"]:
        raise BadTable(f"{row}: an empty field, or no source")
    return kind(**{**row, "sources": tuple(source(one) for one in row["sources"])})


FILES = {"sessions": ("session", "run"), "keys": ("keys", "run_keys"), "environment": ("environment",)}
OPTIONS = {
    table: tuple(record(Option, row) for row in _load(f"{file}.toml")[table])
    for file, tables in FILES.items()
    for table in tables
}
TRAPS = tuple(record(Trap, row) for row in _load("traps.toml")["trap"])
IRRELEVANT: dict[str, dict[str, list[str]]] = {
    name: _load(f"{name}.toml")["irrelevant"] for name in ("keys", "environment")
}
"""Table -> reason -> names that the library knows and that do not matter for inference on CPU."""


def installed_stamp() -> str:
    """Changes when `read_installed` may answer differently."""
    versions = (metadata.version(name) for name in ("onnxruntime", "rapidocr"))
    return " ".join((*versions, hashlib.sha256(SCRIPT.read_bytes()).hexdigest()))


@cache
def read_installed() -> dict[str, Any]:
    """Attributes with defaults, and methods, of the installed ONNX Runtime; and what the installed RapidOCR sets."""
    env = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    found: dict[str, Any] = json.loads(subprocess.check_output([sys.executable, str(SCRIPT)], env=env))
    return found
