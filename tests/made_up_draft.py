"""The real site as a draft, of results full of hostile text, with comments, in a folder with an odd name.

One build for two kinds of tests: what is not measured yet, and what nobody wants to hear of what is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from faults.texts import HOSTILE
from made_up_site import LINES, MadeUp, checkout, sample

from bench.experiments import EXPERIMENTS
from bench.measure import header
from bench.measure.campaign import Here
from bench.measure.child import Outcome
from bench.models import MODELS
from bench.results import store
from bench.site import build as making
from bench.spec import Importance
from bench.system.folders import BUILD_VARIABLE, DRAFT_VARIABLE, Folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from samples import Make

HEADLINES = [one.id for one in EXPERIMENTS.values() if one.importance is Importance.HEADLINE]
EVIL = "".join(hostile.text for hostile in HOSTILE)[:4000]
"""All of them, the megabyte last and cut to what a result file may hold."""
DISCUSSIONS = {"repo": "someone/somewhere", "repo_id": "R_1", "category": "文章", "category_id": "C_1"}
PLACE, BUILT = "有毒 的", "构 建"


class Evil(MadeUp):
    """Says of every failure, of every setting that has no threads of its own, what nobody wants to hear."""

    lines = {heading: [EVIL] for heading in LINES}  # noqa: RUF012 - of one test

    def __call__(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        outcome = super().__call__(job, env, timeout_s)
        if "enable_mem_pattern" in job["settings"] and not job["observe"]:
            return Outcome(0.01, "", failure=self.make.failure("crashed", EVIL))
        return outcome


def build(place: Path, make: Make) -> None:
    """When the headlines have had one round; below `place`, see `site_in`."""
    folder = place / PLACE
    folder.mkdir()
    config = checkout(folder, f"  giscus: {DISCUSSIONS}\n")  # somebody has discussions
    usual = Here.read().facts()
    # All but the switches: a result that was measured under other ones is not shown at all.
    machine = usual.machine | dict.fromkeys(("cpu", "arch", "system", "libc", "kernel"), EVIL)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(BUILD_VARIABLE, str(folder / BUILT))
        (folder / BUILT).mkdir()
        patch.setattr(header, "MODELS", {name: replace(model, title=EVIL) for name, model in MODELS.items()})
        patch.setattr(Here, "facts", lambda _: header.Facts(machine=machine, software=usual.software))
        with pytest.raises(KeyboardInterrupt):
            sample(make, patch, Evil, "default", headlines=frozenset(HEADLINES), at_look=stop)
        (path, *_) = store.journals(Folders.here().results, HEADLINES[0])
        patch.setenv(DRAFT_VARIABLE, path.stem)
        making.build(config, folder / "site", Folders.here())


def site_in(place: Path) -> Path:
    return place / PLACE / "site"
