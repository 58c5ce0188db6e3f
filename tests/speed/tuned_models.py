"""Does `tune` find what an exhaustive search finds, and in which time? `python tests/speed/tuned_models.py MODEL...`

Not a test: it takes minutes a model, on a machine that does nothing else. A model is a path, followed by `:seq=128`
for each symbolic dimension. Each is tuned `--runs` times; the last choice is measured afresh beside the best of all
combinations, and beside what another tool chose (`--beside`). Results stay in `tuned/`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.cli.console import Progress, out
from bench.measure.campaign import Here, new_build_id
from bench.measure.profiles import Profile
from bench.measure.runner import Runner
from bench.results import race, store
from bench.results.metrics import METRICS
from bench.spec import BASELINE, SINGLE, Case
from bench.tune import arms, beginning, outcome, stages, tuning
from bench.tune.own import Wanted, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.results.tuned import Goal, Tuned
    from bench.results.view import GroupView
    from bench.spec import Scalar

ROUNDS, AFRESH = 9, 21
"""Of every point, and of the few that are compared in the end: there, a percent must be seen."""
GOALS: tuple[Goal, ...] = ("latency", "peak", "kept")
ROOT = Path("tuned")


@dataclass(frozen=True, slots=True)
class Tried:
    """A model tuned once more."""

    work: tuning.Tuning
    found: Tuned
    seconds: float


def wanted(text: str) -> Wanted:
    path, *dims = text.split(":")
    sizes = {name: (int(size),) for name, _, size in (one.partition("=") for one in dims)}
    return Wanted(
        model=Path(path), dims=sizes, batch=None, ranges={}, inputs=(), goal="all", budget_s=1200, gap_ms=0, callers=1,
        cores=None, quota=None, limits={}, ort=None,
    )  # fmt: skip


def tuned(asked: Wanted) -> Tried:
    begun = time.monotonic()
    scratch = ROOT / "scratch"
    own = read(asked, scratch)
    work = beginning.begin(asked, own, Here.read(), ROOT, sys.executable, fresh=True, reporter=Progress(out))
    return Tried(work, work.run(), time.monotonic() - begun)


def grid(one: Tried) -> Iterator[Case]:
    """One of each family, or none of it, in all combinations; of settings that were seen to take effect."""
    alive = {arm.case for arm in one.found.arms if arm.left in ("stayed", "beaten")}
    tried = arms.arms(
        one.work.here.asked(), denormals=one.found.model.denormals, operators=one.work.begun.operators,
        optimised=one.work.own.optimised,
    )  # fmt: skip
    families: dict[str, list[arms.Arm | None]] = {}
    for arm in tried:
        if arm.case.id in alive:
            families.setdefault(arm.family, [None]).append(arm)
    for number, chosen in enumerate(product(*families.values())):
        settings = [arm for arm in chosen if arm]
        idle = any(arm.case.id == SINGLE for arm in settings) and any(
            arm.family == "spinning" for arm in settings
        )
        if settings and not idle:
            yield replace(arms.together(settings, "latency"), id=f"point_{number}")


def measured(one: Tried, cases: Sequence[Case], rounds: int) -> tuple[GroupView, float]:
    """All of them beside the default, and how long that took."""
    begun = time.monotonic()
    profile = Profile(
        name="tune", title="穷举", looks=(rounds,), split_looks=(rounds,), budget_s=1e6, repeats=2
    )
    whole = (*arms.defaults(), *cases)
    plan = stages.plan(
        stages.CONFIRMATION, whole, one.work.own, one.work.here.asked(), profile, one.work.begun.how
    )
    folder = ROOT / "exhaustive"
    shutil.rmtree(folder, ignore_errors=True)
    writer = store.Writer.create(
        folder, stages.header(plan, one.work.own, one.work.here, one.work.begun.key, new_build_id(), seed=7)
    )
    task = stages.task(plan, writer, one.work.own, folder / "work", sys.executable)
    task.leaves = lambda *_: False
    Runner(tasks=(task,), seed=7, budget_s=1e6, reporter=Progress(out), observes=False).run()
    return outcome.view(writer.journal), time.monotonic() - begun


def best(view: GroupView, cases: Sequence[Case], goal: Goal) -> Case:
    """Of those that are not more than 5 % slower than the default, where it is not speed that counts."""

    def cost(case: Case) -> float:
        ratio = race.middle(view, case.id, "ratio")
        found = race.middle(view, case.id, race.metric(goal).id)
        return (
            found if found and ratio and (goal == "latency" or ratio <= race.MARGINS[goal]) else float("inf")
        )

    return min(cases, key=cost)


def report(one: Tried, others: Mapping[str, Scalar]) -> None:
    """Measured once more, side by side: what the tuner chose, what the search would have, what another tool did."""
    points = list(grid(one))
    view, seconds = measured(one, points, ROUNDS)
    chosen = {case.id: case for case in (one.found.confirmation.cases if one.found.confirmation else [])}
    pairs: dict[str, Case] = {}
    for goal in GOALS:
        pairs[f"best_{goal}"] = replace(best(view, points, goal), id=f"best_{goal}")
        case = next(advice.case for advice in one.found.advice if advice.goal == goal)
        pairs[f"tuned_{goal}"] = replace(
            chosen.get(case, Case(id=BASELINE, title="默认")), id=f"tuned_{goal}"
        )
    beside = [Case(id="beside", title="另一个工具", settings=others)] if others else []
    again, _ = measured(one, [*pairs.values(), *beside], AFRESH)
    print(
        f"{one.found.model.name}：{len(points)} 个组合，穷举 {seconds:.0f} 秒，tune {one.seconds:.0f} 秒（{one.seconds / seconds:.0%}）"
    )
    for goal in GOALS:
        name = race.metric(goal).id
        default, own, other = (
            race.middle(again, case, name) for case in (BASELINE, f"tuned_{goal}", f"best_{goal}")
        )
        slow = [race.middle(again, f"{which}_{goal}", "ratio") for which in ("tuned", "best")]
        if goal == "latency":
            print(f"  latency：tune {slow[0]:.3f}，穷举 {slow[1]:.3f}，达到 {slow[1] / slow[0]:.1%}")
        else:
            saved = (default - own) / (default - other) if default - other > 16 else 1.0
            print(
                f"  {goal}：默认 {default:.0f}，tune {own:.0f}（{slow[0]:.3f}），穷举 {other:.0f}（{slow[1]:.3f}）MiB，达到 {saved:.0%}"
            )
        print(f"    {pairs[f'tuned_{goal}'].title} / {pairs[f'best_{goal}'].title}")
    for case in beside:
        print(f"  {case.title} {dict(case.settings)}：{race.middle(again, case.id, 'ratio'):.3f}")


def repeated(tries: Sequence[Tried]) -> None:
    """Every choice of every tuning once more, side by side: none may be slower than its goal allows."""
    times: Counter[tuple[Goal, str]] = Counter()
    pairs: dict[str, Case] = {}
    for one in tries:
        cases = {case.id: case for case in (one.found.confirmation.cases if one.found.confirmation else [])}
        for advice in one.found.advice:
            case = cases.get(advice.case)
            if case and advice.case != BASELINE:
                times[advice.goal, case.title] += 1
                pairs.setdefault(case.title, replace(case, id=f"choice_{len(pairs)}"))
    if not pairs:
        print(f"  {len(tries)} 次都选默认")
        return
    view, _ = measured(tries[-1], list(pairs.values()), AFRESH)
    for (goal, title), count in times.most_common():
        ratio = race.middle(view, pairs[title].id, "ratio")
        print(f"  {goal}：{count} 次选 {title}，另测 {ratio:.3f}，允许 {race.MARGINS[goal]}")


def main(models: Sequence[str], runs: int, others: Mapping[str, Scalar], *, searches: bool) -> None:
    for text in models:
        tries = []
        for _ in range(runs):
            one = tuned(wanted(text))
            tries.append(one)
            told = "；".join(f"{advice.goal} {_title(one, advice.case)}" for advice in one.found.advice)
            noisy = "太吵，" if one.found.noisy else ""
            print(f"{one.found.model.name}：{one.seconds:.0f} 秒，{noisy}{told}", flush=True)
        print(f"  各次用时中位数 {median(one.seconds for one in tries):.0f} 秒", flush=True)
        if runs > 1:
            repeated(tries)
        if searches:
            report(tries[-1], others)


def _title(one: Tried, case: str) -> str:
    if case == BASELINE or not one.found.confirmation:
        return "默认"
    rows = {row.metric: row for row in one.found.confirmation.rows if row.case == case}
    ratio = rows[METRICS["ratio"].id]
    return f"{next(c.title for c in one.found.confirmation.cases if c.id == case)}（{ratio.value:.3f}，{ratio.low:.3f}–{ratio.high:.3f}）"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL[:dim=n...]")
    parser.add_argument("--runs", type=int, default=1, help="so many tunings of each model")
    parser.add_argument("--no-search", action="store_true", help="tune only")
    parser.add_argument(
        "--beside", type=json.loads, default={}, help="session options of another tool, as JSON"
    )
    asked = parser.parse_args()
    main(asked.models, asked.runs, asked.beside, searches=not asked.no_search)
