"""After which rounds it was known what there is to know, what stayed open, and what more rounds would cost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.models import MODELS
from bench.pages.markup import render
from bench.results.view import DRAFT_PROFILES
from bench.spec import BASELINE, CONTROL, input_title

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from markupsafe import Markup

    from bench.results.published import Export, GroupSummary
    from bench.spec import Block as Asked

Member = tuple["Export", "GroupSummary"]
NO_TIME = "：时间预算不够"
"""How the reason ends why a group was not measured, as the plan writes it: `tiny / batch=2：时间预算不够`."""


@dataclass(frozen=True, slots=True)
class Block:
    """Groups of one build with the same default, whose equal cases were measured once for all of them."""

    members: Sequence[Member]

    @property
    def group(self) -> GroupSummary:
        return self.members[0][1]

    @property
    def draft(self) -> bool:
        return self.members[0][0].build.profile in DRAFT_PROFILES

    @property
    def rounds(self) -> int:
        return max(group.all_rounds for _, group in self.members)

    @property
    def looks(self) -> list[int]:
        """Rounds after which it was looked at."""
        return sorted({n for _, group in self.members for n in group.looks if n <= group.all_rounds})

    @property
    def settled(self) -> dict[int, int]:
        """Rounds after which it was looked at -> cases of which nothing was lacking then, each counted once."""
        last = {
            _identity(export, case): rounds
            for export, group in self.members
            for case, rounds in group.settled.items()
        }
        left = {_identity(export, case) for export, group in self.members for case in group.open}
        found = [rounds for case, rounds in last.items() if case not in left]
        return {rounds: found.count(rounds) for rounds in sorted({*self.looks, *found})}

    @property
    def open(self) -> dict[str, list[str]]:
        """Experiment -> titles of its open cases."""
        return {
            export.experiment: [one.title for one in export.cases if one.id in group.open]
            for export, group in self.members
            if group.open
        }

    @property
    def count(self) -> int:
        """Open cases, each counted once."""
        return len({_identity(export, case) for export, group in self.members for case in group.open})

    @property
    def further(self) -> int:
        """Rounds to the next look at what is open; 0: there is none."""
        return max((_further(group) for _, group in self.members), default=0)

    @property
    def seconds(self) -> float:
        """Of these rounds; what several experiments ask for is measured once."""
        cost: dict[str, float] = {}
        for export, group in self.members:
            for case, seconds in group.round_s.items() if _further(group) else ():
                key = _identity(export, case)
                cost[key] = max(cost.get(key, 0.0), seconds * _further(group))
        return sum(cost.values())


def _further(group: GroupSummary) -> int:
    return group.next_look - group.all_rounds if group.open and group.next_look else 0


def _identity(export: Export, case: str) -> str:
    """What decides a process of a case; the default and its second name go by their own names."""
    if case in (BASELINE, CONTROL):
        return case
    found = next(one for one in export.cases if one.id == case)
    settled = (found.subject, found.variant, found.load, found.place, found.expected)
    return f"{json.dumps([dict(found.settings), dict(found.run_settings)], sort_keys=True)} {settled}"


def blocks(exports: Collection[Export]) -> list[Block]:
    """The groups of all results, those that were measured together in one."""
    found: dict[tuple[str, Asked], list[Member]] = {}
    for export in exports:
        for group in export.groups:
            found.setdefault((export.build.id, group.block), []).append((export, group))
    return [Block(members) for members in found.values()]


def table(exports: Collection[Export]) -> Markup:
    """A row for each block."""
    found = blocks(exports)
    count, cost = sum(one.count for one in found), sum(one.seconds for one in found)
    return render("looks", blocks=found, count=count, cost=cost, duration=duration, how=how)


def line(export: Export) -> str:
    """Of one experiment, in a sentence for each fact."""
    if export.build.profile in DRAFT_PROFILES:
        return ""
    found = [one for one in blocks([export]) if one.group.load.timed]
    after: dict[int, int] = {}
    for one in found:
        for rounds, count in one.settled.items():
            after[rounds] = after.get(rounds, 0) + count
    count, cost = sum(one.count for one in found), sum(one.seconds for one in found)
    known = "，".join(
        f"第 {rounds} 轮后 {after[rounds]} 项有了结果" for rounds in sorted(after) if after[rounds]
    )
    if not known and not count:
        return ""
    more = f"；再测一批、再判断一次，约需 {duration(cost)}" if cost else ""
    return (
        "；".join(filter(None, (known, f"还有 {count} 项分不出{more}" if count else "没有分不出的"))) + "。"
    )


def unreached(export: Export) -> list[tuple[str, str]]:
    """(model, input) of the groups that the budget did not reach: a build keeps no more of them than a reason."""
    names = [one.removesuffix(NO_TIME) for one in export.build.dropped if one.endswith(NO_TIME)]
    return [(model, label) for model, _, label in (name.partition(" / ") for name in names)]


def left_out(export: Export) -> str:
    """Groups that were not measured: those for want of time in one sentence, every other with its reason."""
    names = [
        f"{MODELS[model].title if model in MODELS else model}（{input_title(label)}）"
        for model, label in unreached(export)
    ]
    late = f"时间预算不够，{len(names)} 组没有测：{'、'.join(names)}。" if names else ""
    others = (one for one in export.build.dropped if not one.endswith(NO_TIME))
    return late + "".join(f"有一组没测：{reason}。" for reason in others)


def cut(export: Export) -> list[GroupSummary]:
    """Groups with open cases whose rounds ended before the last look: the budget did not reach further."""
    return [one for one in export.groups if one.open and one.all_rounds < one.looks[-1]]


def duration(seconds: float) -> str:
    if seconds < 1:
        return "不到 1 秒"
    return f"{seconds:.0f} 秒" if seconds < 90 else f"{seconds / 60:.0f} 分钟"


def how(group: GroupSummary) -> str:
    """What sets a group apart from calls one after another on all cores."""
    return "，".join(_how(group))


def _how(group: GroupSummary) -> Iterator[str]:
    if group.place.cores:
        yield f"{group.place.cores:.0%} 的核"
    if group.load.processes > 1:
        yield f"{group.load.processes} 个进程"
    if group.load.callers > 1:
        yield f"{group.load.callers} 个线程调用"
    if not group.load.timed:
        yield "只看内存"
    yield from (f"{name}={value}" for name, value in {**group.settings, **group.place.env}.items())
