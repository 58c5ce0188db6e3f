"""A model and its inputs as files, ready for the process that measures.

They are made once, in a child process (`python -m bench.models`), and kept under a key of everything
that decides them. The caller imports neither onnx nor numpy, so it stays thin.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.models import ModelError
from bench.system.terminal import bound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.spec import Input, Model

PACKAGE = Path(__file__).parent
REFUSED = 3
"""Exit status of a child whose last line on stderr is a sentence for the reader."""

BUILDERS = ("onnx", "numpy", "pillow")
"""Distributions that take part in every build; a model names its own on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Files and figures of a model. Mappings are by input label."""

    model_path: Path
    sha256: str
    """Of the file at `model_path`."""
    parameters: int
    """Elements of all floating-point weights."""
    denormals: int
    """Of these, in float32, below the smallest normal number and not zero."""
    flops: Mapping[str, int | None]
    """Per run, that is summed over the feeds of the input; None: it has operators that cannot be counted."""
    input_paths: Mapping[str, Sequence[Mapping[str, Path]]]
    """Name of an input -> its `.npy` in C order, one mapping for all feeds, or one for each; a call is fed the leading
    corner of one of the shapes."""


def prepare(model: Model, inputs: Sequence[Input], folder: Path) -> Prepared:
    """Files of `model` with `inputs` below `folder`, made now unless they are there and undamaged.

    Raises ModelError when they cannot be made. Safe to be killed, and to run twice at once.
    """
    ready = _read(model, inputs, folder)
    if ready is None:
        _build(model, inputs, folder)
        ready = _read(model, inputs, folder)
    if ready is None:
        raise ModelError(f"模型 {model.id} 刚建好又读不到：请检查是否有别的程序在改动模型目录")
    return ready


def content_key(model: Model) -> str:
    """First 12 hex digits of a hash over what decides the files: sources here, versions of packages, fonts."""
    digest = hashlib.sha256()
    for path in sorted(
        {
            *(PACKAGE / f"{name}.py" for name in (model.id, "flops", "weights")),
            *PACKAGE.glob("_[!i]*.py"),
        }
    ):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    for name in sorted({*BUILDERS, *model.packages}):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = "absent"
        digest.update(f"{name} {version}\0".encode())
    digest.update(model.note().encode())
    return digest.hexdigest()[:12]


def model_folder(model: Model, folder: Path) -> Path:
    """Where the files of `model` are below `folder`."""
    return folder / f"{model.id}-{content_key(model)}"


def stem(model: Model, entry: Input) -> str:
    """Beginning of the names of an input's files: readable, and distinct for equal labels of other shapes."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", entry.label).strip("-")[:40]
    return f"{slug}-{hashlib.sha256(repr((entry.label, _feeds(model, entry))).encode()).hexdigest()[:8]}"


def _feeds(model: Model, entry: Input) -> list[dict[str, list[int]]]:
    return [{name: list(shape) for name, shape in model.shapes(feed).items()} for feed in entry.shapes]


def read_record(directory: Path) -> dict[str, Any] | None:
    """Content of `model.json` when it can be read and `model.onnx` beside it is the file it describes."""
    try:
        record = json.loads((directory / "model.json").read_bytes())
        intact = hash_of(directory / "model.onnx") == record["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if intact else None


def intact_input(directory: Path, name: str, record: Mapping[str, Any]) -> bool:
    """Whether an input is recorded and its files are those that the record describes."""
    entry = record["inputs"].get(name)
    return entry is not None and all(
        (directory / file).is_file() and hash_of(directory / file) == sha256
        for file, sha256 in entry["files"].values()
    )


def hash_of(path: Path) -> str:
    """SHA-256 of a file. A size would not do: after a power failure blocks may be all zero."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(model: Model, inputs: Sequence[Input], folder: Path) -> Prepared | None:
    """What is on disk; None when anything is missing or damaged."""
    directory = model_folder(model, folder)
    record = read_record(directory)
    if record is None:
        return None
    names = {entry.label: stem(model, entry) for entry in inputs}
    if not all(intact_input(directory, name, record) for name in names.values()):
        return None
    entries = {label: record["inputs"][name] for label, name in names.items()}
    return Prepared(
        model_path=directory / "model.onnx",
        sha256=record["sha256"],
        parameters=record["parameters"],
        denormals=record["denormals"],
        flops={label: entry["flops"] for label, entry in entries.items()},
        input_paths={
            label: ({name: directory / file for name, (file, _) in entry["files"].items()},)
            for label, entry in entries.items()
        },
    )


def _build(model: Model, inputs: Sequence[Input], folder: Path) -> None:
    wanted = json.dumps([[entry.label, _feeds(model, entry)] for entry in inputs])
    child = subprocess.run(
        [sys.executable, "-m", "bench.models", model.id, str(model_folder(model, folder).absolute()), wanted],
        cwd=PACKAGE.parent.parent,
        env={**os.environ, **bound(), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if child.returncode:
        last = (child.stderr.strip().splitlines() or [f"退出状态 {child.returncode}"])[-1]
        raise ModelError(last if child.returncode == REFUSED else f"模型 {model.id} 没有建成：{last}")
