"""The stage that the rows of a table are played on. Loaded as a plugin by the tables."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from faults.checkout import INPUTS, make_checkout
from faults.stage import Stage

from bench.models import MODELS
from bench.models.prepared import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.row import Row


COPY = {"model": os.link, "result": shutil.copy, "export": shutil.copy}
"""Models are large, and nobody writes into their files."""


@pytest.fixture(scope="session")
def small_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkout(tmp_path_factory.mktemp("检 出"))


@pytest.fixture(scope="session")
def made(small_checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model with all inputs, a result of the experiment `toy`, and what is exported of it."""
    folder = tmp_path_factory.mktemp("做 好")
    stage = Stage(small_checkout, folder / "构 建", folder)
    prepare(MODELS["tiny"], INPUTS, stage.folders.models)
    for done in (stage.measure(), stage.bench("export")):
        assert done.status == 0, done.output
    folders = stage.folders
    return {"model": folders.models, "result": folders.results, "export": folders.export}


@pytest.fixture
def stage(row: Row, small_checkout: Path, made: dict[str, Path], tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(small_checkout, tmp_path / "构 建", tmp_path, row.on)
    for thing in row.after:
        shutil.copytree(made[thing], stage.folder / made[thing].name, copy_function=COPY[thing])
    yield stage
    stage.end()
