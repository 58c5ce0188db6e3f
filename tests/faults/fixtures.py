"""The stage on which faults happen. Loaded as a plugin by the tests."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from faults.checkout import INPUTS, ODD_NAME, make_checkout
from faults.stage import Stage

from bench.models import MODELS
from bench.models.prepared import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Once


@pytest.fixture(scope="session")
def finished(once: Once) -> Stage:
    """The model with all inputs, a result of the experiment `toy`, and what is exported of it."""

    def of(folder: Path) -> Stage:
        return Stage(folder / "检 出" / ODD_NAME, folder / "构 建", folder, folder / "构 建")

    def make(folder: Path) -> None:
        stage = of(folder)
        make_checkout(stage.checkout)
        prepare(MODELS["tiny"], INPUTS, stage.folders.models)
        for done in (stage.measure(), stage.bench("export")):
            assert done.status == 0, done.output

    return of(once("做 好", make))


@pytest.fixture
def stage(finished: Stage, tmp_path: Path) -> Iterator[Stage]:
    """With the model, which is large, and nobody writes into its files."""
    stage = Stage(finished.checkout, tmp_path / "构 建", tmp_path, finished.folder)
    shutil.copytree(finished.folders.models, stage.folders.models, copy_function=os.link)
    yield stage
    stage.end()
