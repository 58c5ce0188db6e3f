"""A draft of the site while it is still being measured: made between rounds, as often as it costs little.

In a child: nothing of mkdocs is loaded into the process that measures.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.pages import source
from bench.site import build
from bench.system import ages, harmless
from bench.system.folders import DRAFT_VARIABLE, SITE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.measure.runner import Runner
    from bench.system.folders import Folders

SHARE = 0.05
"""Of the time measured so far: drafts after the first may cost so much."""
MOST_LETTERS = 200
"""Of why a draft was not made."""

MOST_NAMES = 5
"""Of experiments in one sentence."""


class NotMade(Exception):
    """There is no new draft; the message says why."""


def make(measured: str, place: Path) -> None:
    """Build a draft of a build that is being measured. Raises NotMade; then what stood at `place` still stands."""
    try:
        done = build.python("bench", "draft", str(place), **{DRAFT_VARIABLE: measured})
    finally:
        build.restore(place)  # the child may have been ended at any moment
    if done.returncode:
        said = "；".join(line.strip() for line in done.stderr.splitlines() if line.strip())
        raise NotMade(harmless.text(said)[:MOST_LETTERS] or f"退出码 {done.returncode}")


def place_for(folders: Folders, site: Path = SITE) -> Path:
    """Where a draft may stand: never in the place of a complete site, or of anything else."""
    free = not site.exists() or (site.is_dir() and not any(site.iterdir()))
    return site if free or (site / source.DRAFT).exists() else folders.draft_site


def stamp(found: dict[str, str]) -> str:
    """What every page of a draft says."""
    return f"草稿：还在测，数字会变。做于 {ages.in_words(datetime.fromisoformat(found['at']))}。"


@dataclass(slots=True)
class Drafts:
    """The drafts of one build. Clock and maker are replaced in tests."""

    build: str
    folders: Folders
    runner: Runner
    make: Callable[[str, Path], None] = make
    clock: Callable[[], float] = time.monotonic
    last: Path | None = None
    """Where the last one stands that was made."""
    _began: float = field(init=False)
    _spent_s: float = 0.0
    """Of all of them."""
    _later_s: float = 0.0
    """Of those after the first."""
    _took_s: float | None = None
    """The newest of them."""

    def __post_init__(self) -> None:
        self._began = self.clock()

    def update(self) -> None:
        """Make a draft of what there is, unless that would cost too much, or would soon be of no use."""
        if not self._is_worth_it():
            return
        start, place = self.clock(), place_for(self.folders)
        self.runner.reporter.step("正在做网站的草稿", self.runner.remaining_s())
        try:
            self.make(self.build, place)
            self.last = place
            self.runner.reporter.note(self.told())
        except (NotMade, OSError) as error:
            self.runner.reporter.note(f"网站的草稿没有做成，接着测：{error}")
        took = self.clock() - start
        self._later_s += 0.0 if self._took_s is None else took
        self._took_s = took
        self._spent_s += took

    def _is_worth_it(self) -> bool:
        if self._took_s is None:
            return True
        measured = self.clock() - self._began - self._spent_s
        affordable = self._later_s + self._took_s <= SHARE * measured
        return affordable and self.runner.remaining_s() > self._took_s

    def told(self) -> str:
        """Where the last draft is, and what it shows."""
        assert self.last
        found = json.loads((self.last / source.DRAFT).read_text(encoding="utf-8"))
        shown = [EXPERIMENTS[name].title.partition("：")[0] for name in found["experiments"]]
        left = len({*OF_A_BUILD} - {*found["experiments"]})
        some = "、".join(shown) if len(shown) <= MOST_NAMES else f" {len(shown)} 个实验"
        what = f"有{some}，其余 {left} 个还没测" if left else "全部实验都有数字了，还会变"
        at = datetime.fromisoformat(found["at"])
        return f"草稿：{self.last / 'index.html'}（{at:%H:%M} UTC；{what}）"
