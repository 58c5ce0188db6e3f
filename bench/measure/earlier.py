"""What earlier builds have left: valid results, interrupted ones, and how long samples took."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from bench.measure.profiles import PROFILES
from bench.results import looks, store
from bench.results.view import DRAFT_PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bench.measure.campaign import Here
    from bench.measure.plan import PlannedExperiment
    from bench.results.records import Header
    from bench.spec import Block, Experiment

RESUME_WITHIN = timedelta(hours=24)
Read = TypeVar("Read")
SWITCHES = {"governor": "处理器的调频策略", "transparent_huge_pages": "透明大页"}
"""Facts of a machine that anybody may switch, and that decide what is measured."""


def find_valid(
    experiment: Experiment, here: Here, folder: Path, tell: Callable[[str], None]
) -> store.Journal | None:
    """The newest complete result that this machine and this code would produce.

    A draft is taken only where there is nothing else. Damaged files are named, and so are results that
    are not used since the machine has been set differently.
    """
    fitting = [
        (path, header)
        for path, header in _headers(folder, experiment.id, tell)
        if header.key == here.key(experiment, PROFILES[header.profile])
    ]
    for path, header in sorted(fitting, key=lambda one: one[1].profile in DRAFT_PROFILES):
        journal = _undamaged(store.read, path, tell)
        if journal and journal.complete and _is_set_alike(path, header, here, tell):
            return journal
    return None


def find_unfinished(
    planned: Sequence[PlannedExperiment], here: Here, folder: Path, tell: Callable[[str], None]
) -> dict[str, store.Journal]:
    """The newest journal of each experiment and this profile, where it is unfinished, recent and of the same key."""
    found = {}
    for one in planned:
        for path, header in _headers(folder, one.experiment.id, tell):
            if header.profile != one.profile.name:
                continue
            journal = _undamaged(store.read, path, tell)
            if journal is None:
                continue
            if journal.complete:
                break
            if (header.rule, tuple(header.looks)) != (looks.RULE, one.timed_looks):
                tell(f"不接着做 {path.parent.name}/{path.name}：当时判断何时测够的规则与现在不同")
                break
            recent = datetime.now(UTC) - datetime.fromisoformat(header.started_at) < RESUME_WITHIN
            fits = recent and header.key == here.key(one.experiment, one.profile)
            if fits and _is_set_alike(path, header, here, tell):
                found[one.experiment.id] = journal
            break
    return found


def set_differently(header: Header, here: Here) -> str:
    """Which switches of the machine stand otherwise than when this was measured, in words; empty: none."""
    now = here.facts().machine
    changed = [name for name in SWITCHES if header.machine.get(name, now[name]) != now[name]]
    return "，".join(
        f"{SWITCHES[name]}当时是 {header.machine[name] or '读不到'}，现在是 {now[name] or '读不到'}"
        for name in changed
    )


def with_seconds(
    planned: Sequence[PlannedExperiment], here: Here, folder: Path
) -> tuple[PlannedExperiment, ...]:
    """The plan with the lengths that samples had in the newest complete build of this profile on this machine."""
    return tuple(replace(one, measured=_seconds(one, here, folder)) for one in planned)


def _seconds(one: PlannedExperiment, here: Here, folder: Path) -> dict[int, float]:
    now = here.facts().machine
    for path, header in _headers(folder, one.experiment.id, lambda _: None):
        same = all(header.machine.get(name) == now[name] for name in ("cpu", "cores"))
        if header.profile == one.profile.name and same:
            journal = _undamaged(store.read, path, lambda _: None)
            if journal and journal.complete:
                seen = _lengths(journal)
                blocks = {group.index: one.block(group) for group in one.groups}
                return {index: seen[block] for index, block in blocks.items() if block in seen}
    return {}


def _lengths(journal: store.Journal) -> dict[Block, float]:
    """Seconds of a sample, start to end."""
    blocks = {group.index: group.block for group in journal.header.groups}
    taken = defaultdict(list)
    for sample in journal.samples:
        if sample.figures:
            taken[blocks[sample.group]].append(sample.wall_s)
    return {block: median(walls) for block, walls in taken.items()}


def _headers(folder: Path, experiment: str, tell: Callable[[str], None]) -> Iterator[tuple[Path, Header]]:
    """First lines of an experiment's journals, newest first: most are told by them not to be wanted."""
    for path in store.journals(folder, experiment):
        if header := _undamaged(store.read_header, path, tell):
            yield path, header


def _undamaged(read: Callable[[Path], Read], path: Path, tell: Callable[[str], None]) -> Read | None:
    try:
        return read(path)
    except store.DamagedJournal as error:
        tell(f"忽略损坏的结果文件：{error}")
        return None


def _is_set_alike(path: Path, header: Header, here: Here, tell: Callable[[str], None]) -> bool:
    changed = set_differently(header, here)
    if changed:
        tell(f"不沿用 {path.parent.name}/{path.name}：{changed}")
    return not changed
