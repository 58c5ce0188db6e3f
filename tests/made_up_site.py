"""The real pages over made-up samples of every experiment: nothing is measured, everything is shown."""

from __future__ import annotations

import json
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from speed.mill_build import AtOnce

from bench import variants
from bench.experiments import EXPERIMENTS
from bench.measure import campaign, hindrances, proof, selftest, variant_files
from bench.measure.campaign import Here
from bench.measure.child import Outcome
from bench.measure.cores import Cores
from bench.measure.profiles import PROFILES
from bench.site import build as making
from bench.spec import BASELINE, CONTROL
from bench.system import environment
from bench.system.folders import BUILD_VARIABLE, ROOT, Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from samples import Make

    from bench.models.prepared import Prepared
    from bench.spec import Case, Input, Model

SITE_URL = "https://example.org/guide/"  # below a path, as a project's pages are
MIB = 1 << 20
LINES = {"table": ["Line #"], "error": ["[E:onnxruntime:, x] no"], "warning": [], "misspelt_key": []}
TRACE = """[
{"cat" : "Session","tid" :1,"dur" :90,"ts" :10,"name" :"model_run","args" : {}},
{"cat" : "Node","tid" :1,"dur" :40,"ts" :20,"name" :"conv_kernel_time","args" : {"op_name" : "Conv"}},
]
"""


class MadeUp:
    """A worker that answers at once; a setting decides its latency, chance shakes it a little.

    Several processes at once are shaken so much that they must not be quoted.
    """

    lines: Mapping[str, list[str]] = LINES

    def __init__(self, make: Make) -> None:
        self.make, self.random = make, random.Random(5)

    def __call__(self, job: Mapping[str, Any], env: object, timeout_s: float) -> Outcome:  # noqa: ARG002
        if job["report"]:
            return Outcome(0.1, "", lines=dict(self.lines))
        if job["write_reference"]:
            Path(job["write_reference"]).write_bytes(b"")
        if job["observe"]:
            Path(job["trace_prefix"]).write_text(TRACE, encoding="utf-8")
        slower = 1 + len(json.dumps([job["settings"], job["run_settings"]])) / 200
        shaken = 0.3 if job["processes"] > 1 else 0.01
        latency = int(10_000_000 * slower * self.random.uniform(1 - shaken, 1 + shaken))
        kept = int(200 * MIB * slower)
        memory: dict[str, Any] = {"kept_bytes": kept, "peak_bytes": kept + 9 * MIB}
        asked = Path(job["python"] or "").parent.name.partition("onnxruntime==")[2]
        memory |= {"onnxruntime": asked} if asked else {}
        figures = self.make.figures(len(job["shapes"]), latency_ns=latency, **memory)
        return Outcome(figures.worker_ns / 1e9, "", figures=figures)


def known(make: Make) -> Callable[..., Outcome]:
    """A worker for the self-test that sees everything as it is."""

    def answer(job: Mapping[str, Any], env: object, timeout_s: float) -> Outcome:
        ((kind, amount),) = job["options"].items()
        base = 50 * MIB
        taken = amount * MIB if kind in ("allocated_mib", "held_mib") else 0
        kept = base + (taken if kind == "held_mib" else 0)
        memory = dict.fromkeys(("after_first_bytes", "after_second_bytes", "before_steady_bytes"), base)
        memory |= dict.fromkeys(("kept_bytes", "kept_trimmed_bytes"), kept)
        memory |= {"peak_bytes": base + taken, "rss_bytes": [base]}
        latency, cores = amount * (1_000_000 if kind == "sleep_ms" else 100_000), float(kind != "sleep_ms")
        figures = make.figures(len(job["shapes"]), latency_ns=latency, cores=cores, **memory)
        return Outcome(figures.worker_ns / 1e9, "", figures=figures)

    return answer


NOT_SEEN = {"arena_off_hugetlb": "unseen", "layout": "nothing"}  # all others are seen to take effect


def judge(case: Case, *_: object) -> tuple[str | None, str]:
    """What is proved, whatever was observed."""
    if case.id in (BASELINE, CONTROL):
        return None, "默认设置，无需证明"
    return NOT_SEEN.get(case.id, "effect"), "看到的"


def make_file(_: Path, job: Mapping[str, str], env: object, timeout_s: float) -> tuple[int, bytes, str]:
    """An empty file in the place of a variant of a model."""
    (Path(job["folder"]) / variants.file_name(job["variant"])).write_bytes(b"")
    return 0, b"{}", ""


def models(make: Make) -> Callable[..., Prepared]:
    """Makes empty files in no time: nobody here opens them."""

    def prepare(model: Model, inputs: Sequence[Input], folder: Path) -> Prepared:
        path = folder / f"{model.id}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return replace(make.prepared([one.label for one in inputs]), model_path=path)

    return prepare


def sample(make: Make, patch: pytest.MonkeyPatch, worker: type[MadeUp], profile: str, **looking: Any) -> None:
    """Fill the build folder with a complete result of every experiment; the default profile has a self-test.

    `looking`: what the runner measures first, and whom it calls.
    """
    patch.setattr(os, "fsync", lambda _: None)  # thousands of lines, none of them lost
    patch.setattr(proof, "judge", judge)
    patch.setattr(variant_files, "run_script", make_file)
    patch.setattr(hindrances, "free_memory", lambda: 8 << 30)
    patch.setattr(campaign, "prepare", models(make))
    patch.setattr(environment, "python_with", lambda wanted, *_: Path(wanted[0], "python"))
    folders, here = Folders.here(), Here.read()
    planned = campaign.plan(tuple(EXPERIMENTS), PROFILES[profile], here)
    work = campaign.open_campaign(planned, here, folders, fresh=True, tell=lambda _: None)
    for one in work.tasks:
        one.worker = worker(make)
    if profile == "default":
        patch.setattr(selftest, "_run_known", known(make))
        selftest.measure(work.build, 1, here, folders, Mock())
    fakes: Any = {"reporter": Mock(), "read_noise": lambda _: None, "cores": Cores(iter(()))}
    AtOnce(tasks=work.tasks, seed=1, budget_s=1e9, **fakes, **looking).run()


def build(folder: Path, make: Make) -> None:
    """The site as `bench site` leaves it; its notebook is run whole, but with one round."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(BUILD_VARIABLE, str(folder))
        patch.setenv("SITE_URL", SITE_URL)
        sample(make, patch, MadeUp, "default")
        making.build(checkout(folder / "checkout"), folder / "site", Folders.here())


def checkout(folder: Path, extra: str = "") -> Path:
    """The pages with a notebook that measures one round, and more in `extra` of the configuration, which is returned."""
    shutil.copytree(ROOT / "docs", folder / "docs")
    (folder / "bench").symlink_to(ROOT / "bench")
    notebook = folder / "docs" / "notebooks" / "thread-ablation.ipynb"
    text = notebook.read_text(encoding="utf-8")
    assert text.count('"ROUNDS = 9') == 1
    notebook.write_text(text.replace('"ROUNDS = 9', '"ROUNDS = 1'), encoding="utf-8")
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert config.count("\nextra:\n") == 1
    (folder / "mkdocs.yml").write_text(config.replace("\nextra:\n", f"\nextra:\n{extra}"), encoding="utf-8")
    return folder / "mkdocs.yml"
