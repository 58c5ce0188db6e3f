"""What builds of this machine promise: minutes of the article's experiments, the A/A rows, whether numbers repeat.

    python tests/speed/two_builds.py build/results 20260102-030405-abcd 20260103-030405-abcd

With one build, all but the comparison.
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from bench.cli.comparing import lines, load
from bench.experiments import EXPERIMENTS
from bench.results import store
from bench.results.compare import compare
from bench.spec import CONTROL, Importance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.results.published import Export

LATER = "rapidocr"
"""As important as the article's, with minutes of its own."""
ARTICLE = [one.id for one in EXPERIMENTS.values() if one.importance >= Importance.ARTICLE and one.id != LATER]


def samples_s(journals: Iterable[store.Journal]) -> float:
    """Timed processes; what several experiments have of a shared block was one process."""
    taken = {
        (one.started_s, one.wall_s, one.figures.worker_ns if one.figures else one.failure.reason): one.wall_s
        for journal in journals
        for one in journal.samples
        if one.figures or one.failure
    }
    return sum(taken.values())


def minutes(results: Path, build: str) -> str:
    paths = {name: store.journal_path(results, name, build) for name in EXPERIMENTS}
    read = {name: store.read(path) for name, path in paths.items() if path.exists()}
    (whole,) = {one.footer.measured_s for one in read.values() if one.footer}
    article = samples_s(read[name] for name in ARTICLE)
    others = samples_s(read.values()) - article
    return (
        f"{build}: {whole / 60:.1f} min in all; {(whole - others) / 60:.1f} without the samples that only "
        f"{'、'.join(read.keys() - {*ARTICLE})} took; samples of the article {article / 60:.1f}"
    )


def unrest(results: Path, build: str) -> str:
    """How often the machine was another one than usual: of the article's samples, in what counts."""
    ends = {
        end.noise.model_dump_json(): end.noise
        for name in ARTICLE
        for end in store.read(store.journal_path(results, name, build)).rounds
    }
    kept, again = (sum(getattr(one, name) or 0 for one in ends.values()) for name in ("apart", "retaken"))
    dirty = sum(one.dirty for one in ends.values())
    return f"{len(ends)} rounds, {dirty} disturbed; samples taken again {again}, kept although the cores lay apart {kept}"


def control_rows(exports: Iterable[Export]) -> str:
    """How far from 1 identical settings came out, a row a block; several processes at once are left out."""
    found = set()
    for export in exports:
        alone = {(group.model, group.input) for group in export.groups if group.load.processes == 1}
        found |= {
            (row.model, row.input, row.value)
            for row in export.rows
            if (row.case, row.metric) == (CONTROL, "ratio") and (row.model, row.input) in alone and row.value
        }
    apart = sorted(abs(value - 1) for *_, value in found)
    return f"A/A: {len(apart)} rows, median {median(apart):.2%}, p95 {quantiles(apart, n=20)[-1]:.2%}, most {apart[-1]:.2%}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("builds", nargs="+")
    told = parser.parse_args()
    builds = [load(build, told.results) for build in told.builds]
    article = [[one for one in build if one.experiment in ARTICLE] for build in builds]
    for build, found, ours in zip(told.builds, builds, article, strict=True):
        print(minutes(told.results, build))
        print(f"article: {unrest(told.results, build)}; {control_rows(ours)}")
        print(f"all: {control_rows(found)}")
    if len(builds) > 1:
        whole, part = compare(builds[0], builds[1]), compare(article[0], article[1])
        print("article:", *islice(lines(part), 3), sep="\n")
        print("all:", *islice(lines(whole), 3), sep="\n")
        print(f"turned to the opposite: {len(whole.flips)}")
        sys.exit(bool(whole.flips))


if __name__ == "__main__":
    main()
