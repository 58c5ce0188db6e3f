"""The reader's model and what it is fed: read in a process of its own, so that the caller stays thin."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from bench.measure.ending import ended_badly
from bench.models.prepared import REFUSED, hash_of
from bench.results.kinds import complaint
from bench.results.tuned import InputFacts, ModelFacts
from bench.system.folders import ROOT, write_whole
from bench.system.terminal import bound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.results.tuned import Goal
    from bench.spec import Shape

SEED = 26992
"""Of the values that are made."""
TOLERANCE = 1e-3
"""Largest difference of outputs from the default's, relative to the largest of them: as for the site's own models."""
ANY = 1e9
"""Takes the place of the tolerance where outputs are not compared."""
MOST_LABEL = 60
FEEDS = "feeds.json"


class CannotTune(Exception):
    """Nothing was measured; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asked for."""

    model: Path
    goal: Goal | Literal["all"]
    budget_s: float
    gap_ms: int
    """Between calls; 0: back to back."""
    callers: int
    cores: int | None
    """None, here and for the quota: what there is."""
    quota: float | None
    dims: Mapping[str, tuple[int, ...]]
    """Name of an axis -> its size in each call; one size is that of all."""
    inputs: tuple[Path, ...]
    """Own data: a file for each call."""
    batch: int | None
    ranges: Mapping[str, tuple[float, float]]
    """Name of an input -> between what its values are."""
    limits: Mapping[Goal, float]
    """Upper bounds; of memory in MiB."""
    ort: str | None
    """Version; None: the installed one."""
    compare: bool = True
    """Whether the outputs of all settings must be the default's."""
    every_fusion: bool = False
    """Whether to do without each optimisation of the graph, not just those that were seen to hurt."""

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Processor time is a need of its own where there are gaps, in which threads may spin."""
        if self.goal != "all":
            return (self.goal,)
        return ("latency", "cpu", "peak", "kept") if self.gap_ms else ("latency", "peak", "kept")

    @property
    def tolerance(self) -> float:
        return TOLERANCE if self.compare else ANY

    def decides(self) -> dict[str, Any]:
        """All that decides the numbers, but for the model and what it is fed."""
        names = ("goal", "budget_s", "gap_ms", "callers", "cores", "quota", "ort", "compare", "every_fusion")
        return {**{name: getattr(self, name) for name in names}, "limits": dict(self.limits)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A model that can be opened, with arrays that it can be fed."""

    path: Path
    facts: ModelFacts
    inputs: tuple[InputFacts, ...]
    shapes: tuple[Mapping[str, Shape], ...]
    """Of each call of a run."""
    files: tuple[Mapping[str, Path], ...]
    """Name of an input -> its `.npy`; one mapping for all calls, or one for each."""
    optimised: bool
    """The file is a graph in ORT format, which comes optimised."""

    def moved(self, folder: Path) -> Own:
        """With its arrays in `folder`, for good, and what they are beside them; what was there is replaced."""
        folder.mkdir(parents=True, exist_ok=True)
        files = tuple({name: folder / path.name for name, path in one.items()} for one in self.files)
        for before, after in zip(self.files, files, strict=True):
            for name, path in before.items():
                shutil.move(path, after[name])
        told = {
            "files": [{name: path.name for name, path in one.items()} for one in files],
            "shapes": [dict(feed) for feed in self.shapes],
        }
        write_whole(folder / FEEDS, json.dumps(told, ensure_ascii=False, indent=1))
        return replace(self, files=files)


def read(wanted: Wanted, folder: Path) -> Own:
    """The model, and arrays for it in `folder`. Raises CannotTune with what is wrong with what was asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    found = _child(
        {
            "model": str(wanted.model.absolute()),
            "folder": str(folder.absolute()),
            "dims": {name: list(sizes) for name, sizes in wanted.dims.items()},
            "batch": wanted.batch,
            "ranges": {name: list(bounds) for name, bounds in wanted.ranges.items()},
            "inputs": [str(path.absolute()) for path in wanted.inputs],
            "seed": SEED,
        }
    )
    names = ("sha256", "bytes", "parameters", "denormals")
    try:
        facts = ModelFacts(name=wanted.model.name, **{name: found[name] for name in names})
        inputs = tuple(InputFacts(**one) for one in found["inputs"])
    except ValidationError as error:
        raise CannotTune(f"{wanted.model.name} 超出了结果文件能写的：{complaint(error)}") from error
    return Own(
        path=wanted.model.absolute(),
        facts=facts,
        inputs=inputs,
        shapes=tuple({name: tuple(shape) for name, shape in feed.items()} for feed in found["shapes"]),
        files=tuple({name: folder / file for name, file in one.items()} for one in found["files"]),
        optimised=found["optimised"],
    )


def _child(job: Mapping[str, Any]) -> dict[str, Any]:
    child = subprocess.run(
        [sys.executable, "-m", "bench.tune.reading"],
        cwd=ROOT,
        env={**os.environ, **bound(), "PYTHONUTF8": "1"},
        input=json.dumps(job).encode(),
        capture_output=True,
        check=False,
    )
    log = child.stderr.decode(errors="replace")
    if child.returncode == REFUSED:
        raise CannotTune(log.strip().splitlines()[-1])
    if failure := ended_badly(child.returncode, child.stdout, log, math.inf):
        raise CannotTune(f"读 {job['model']} 时出了错：{failure.reason}")
    answer: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return answer


def changed(own: Own) -> bool:
    """Whether the file is no longer the one that was read."""
    return not own.path.is_file() or hash_of(own.path) != own.facts.sha256


def label(shapes: Sequence[Mapping[str, Shape]]) -> str:
    """Of an `Input`: the largest shape of an only call, else how many there are."""
    if len(shapes) > 1:
        different = {tuple(sorted(feed.items())) for feed in shapes}
        return f"{len(shapes)} {'shapes' if len(different) == len(shapes) else 'calls'}"
    largest = max(shapes[0].values(), key=math.prod)
    return "x".join(map(str, largest))[:MOST_LABEL] or "scalar"
