"""The real pages over made-up samples of every experiment: nothing is measured, everything is shown."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.experiments import EXPERIMENTS
from bench.measure import campaign, observer, proof, selftest
from bench.measure.campaign import Here
from bench.measure.child import Outcome
from bench.measure.profiles import PROFILES
from bench.measure.runner import Runner
from bench.site import build as making
from bench.spec import BASELINE, CONTROL
from bench.system.folders import BUILD_VARIABLE, ROOT, Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conftest import Make

    from bench.measure.profiles import Name
    from bench.results import schema
    from bench.spec import Case

SITE_URL = "https://example.org/guide/"
"""Below a path, as a project's pages are."""
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

    def __init__(self, make: Make) -> None:
        self.make, self.random = make, random.Random(5)

    def __call__(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:  # noqa: ARG002
        for path in (job["write_reference"], job["settings"].get("optimized_model_filepath")):
            if path:
                Path(path).write_bytes(b"")
        if job["observe"]:
            Path(job["trace_prefix"]).write_text(TRACE, encoding="utf-8")
        slower = 1 + len(json.dumps([job["settings"], job["run_settings"]])) / 200
        shaken = 0.3 if job["processes"] > 1 else 0.01
        latency = int(10_000_000 * slower * self.random.uniform(1 - shaken, 1 + shaken))
        kept = int(200 * MIB * slower)
        figures = self.make.figures(
            len(job["shapes"]), latency_ns=latency, kept_bytes=kept, peak_bytes=kept + 9 * MIB
        )
        return Outcome(figures.worker_ns / 1e9, "", figures=figures)


def known(make: Make) -> Callable[[Mapping[str, Any], Mapping[str, str], float], Outcome]:
    """A worker for the self-test that sees everything as it is."""

    def answer(job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        kind, text = env["BENCH_KNOWN"].split(":")
        amount = int(text)
        latency = amount * (1_000_000 if kind == "sleep" else 100_000)
        taken = amount * MIB if kind in ("allocation", "holding") else 0
        kept = taken if kind == "holding" else 0
        figures = make.figures(
            len(job["shapes"]),
            latency_ns=latency,
            cpu_ns=0 if kind == "sleep" else latency,
            kept_bytes=50 * MIB + kept,
            peak_bytes=50 * MIB + taken,
            kept_trimmed_bytes=50 * MIB + kept,
            **dict.fromkeys(("after_first_bytes", "after_second_bytes", "before_steady_bytes"), 50 * MIB),
            rss_bytes=[50 * MIB],
        )
        return Outcome(figures.worker_ns / 1e9, "", figures=figures)

    return answer


NOT_SEEN: dict[str, schema.Outcome] = {"arena_off_hugetlb": "unseen", "layout": "nothing"}
"""Cases that are not seen to take effect; all others are."""


def judge(case: Case, facts: object, unchanged: object = ()) -> tuple[schema.Outcome | None, str]:
    """What is proved, whatever was observed."""
    if case.id in (BASELINE, CONTROL):
        return None, "默认设置，无需证明"
    return NOT_SEEN.get(case.id, "effect"), "看到的"


class Silent:
    def step(self, text: str, remaining_s: float) -> None: ...

    def note(self, text: str) -> None: ...


def sample(
    make: Make,
    patch: pytest.MonkeyPatch,
    worker: Callable[[Make], MadeUp] = MadeUp,
    profile: Name = "default",
    lines: Mapping[str, list[str]] = LINES,
) -> None:
    """Fill the build folder with a complete result of every experiment; the default profile has a self-test."""
    patch.setattr(observer, "run_script", lambda *_: (0, json.dumps(lines).encode(), ""))
    folders, here = Folders.here(), Here.read()
    planned = campaign.plan(tuple(EXPERIMENTS), PROFILES[profile], here)
    work = campaign.open_campaign(planned, here, folders, fresh=True, tell=lambda _: None)
    for task in work.tasks:
        task.worker = worker(make)
    if profile == "default":
        patch.setattr(selftest, "_run_known", known(make))
        selftest.measure(work.build, 1, here, folders, Silent())
    Runner(tasks=work.tasks, seed=1, budget_s=1e9, reporter=Silent(), read_noise=lambda _: None).run()


def build(folder: Path, make: Make) -> Path:
    """The site as `bench site` leaves it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(BUILD_VARIABLE, str(folder))
        patch.setenv("SITE_URL", SITE_URL)
        patch.setattr(proof, "judge", judge)
        sample(make, patch)
        making.build(ROOT / "mkdocs.yml", folder / "site", Folders.here())
    return folder / "site"
