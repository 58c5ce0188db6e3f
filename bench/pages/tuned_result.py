"""What templates may name of a tuning result: its needs, its combinations, and how it went with each setting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from bench.pages import measured
from bench.pages.tuned_code import NEEDS, opened
from bench.pages.words import Words
from bench.results import race
from bench.results.race import CHEAP
from bench.spec import SINGLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.pages.measured import MeasuredCase
    from bench.results.published import Export
    from bench.results.tuned import Advice, Arm, Finalist, Goal, Tuned

LETTERS = "ABC"
"""Names of the combinations, in their order."""


@dataclass(frozen=True, slots=True)
class Combined:
    """A combination that was measured on fresh rounds."""

    letter: str
    finalist: Finalist
    case: MeasuredCase
    over: tuple[Goal, ...]
    """Limits of the reader's that it breaks."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is said of one need."""

    advice: Advice
    case: MeasuredCase
    """What is advised, with its figures."""
    function: str
    """Its name in settings.py; empty: the default is as good."""
    first: Goal
    """The first need with the same advice: code stands there."""
    made: Combined | None
    """What was put together for it."""


@dataclass(frozen=True)
class Result:
    """What templates may name of a result."""

    tuned: Tuned

    @cached_property
    def export(self) -> Export:
        """The figures to quote; of screening, where nothing was left to confirm. Combinations go by letters there."""
        export = self.tuned.confirmation or self.tuned.screening
        cases = [
            replace(case, title=f"{self.letters[case.id]}：{case.title}") if case.id in self.letters else case
            for case in export.cases
        ]
        return export.model_copy(update={"cases": cases})

    @cached_property
    def letters(self) -> dict[str, str]:
        return dict(zip((one.case for one in self.tuned.finalists), LETTERS, strict=False))

    @cached_property
    def words(self) -> Words:
        return Words(self.export)

    @cached_property
    def group(self) -> measured.MeasuredGroup:
        (found,) = measured.groups(self.words)
        return found

    @cached_property
    def titles(self) -> dict[str, str]:
        """Of all that was tried or confirmed, without letters."""
        exports = [one for one in (self.tuned.confirmation, self.tuned.checks) if one]
        return {case.id: case.title for export in exports for case in export.cases}

    @cached_property
    def combined(self) -> list[Combined]:
        return [
            Combined(letter, one, self.group[one.case], tuple(self.over(one.case)))
            for letter, one in zip(LETTERS, self.tuned.finalists, strict=False)
        ]

    @cached_property
    def needs(self) -> list[Need]:
        functions = {one.case.id: one.name for one in opened(self.tuned)}
        first: dict[str, Goal] = {}
        return [
            Need(
                advice=one,
                case=self.group[one.case],
                function=functions.get(one.case, ""),
                first=first.setdefault(one.case, one.goal),
                made=next((made for made in self.combined if one.goal in made.finalist.goals), None),
            )
            for one in self.tuned.advice
        ]

    @property
    def advised(self) -> dict[str, list[str]]:
        """Case -> needs that it is advised for."""
        found: dict[str, list[str]] = {}
        for one in self.tuned.advice:
            if one.within_limits and not self.tuned.noisy:
                found.setdefault(one.case, []).append(NEEDS[one.goal])
        return found

    def most(self, case: str, goal: Goal) -> float | None:
        """The most that a case took of what is limited, in any round."""
        row = self.words.row(self.group.group, case, race.metric(goal).id)
        return None if row is None else row.value if row.high is None else row.high

    def over(self, case: str) -> Iterator[Goal]:
        for goal, limit in self.tuned.conditions.limits.items():
            if (most := self.most(case, goal)) is not None and most > limit:
                yield goal

    @cached_property
    def screened(self) -> dict[str, MeasuredCase]:
        """Settings as they were tried alone; without those that were not measured."""
        (group,) = measured.groups(Words(self.tuned.screening))
        return {case.id: case for case in group.cases if case.measured}

    def letters_with(self, arm: Arm) -> list[str]:
        """Of the combinations that a setting is part of."""
        return [self.letters[one.case] for one in self.tuned.finalists if arm.case in one.arms]

    def chosen_instead(self, arm: Arm) -> list[str]:
        """Titles of the settings of its family that are part of one."""
        return [
            self.titles[one.case]
            for one in self.tuned.arms
            if one.family == arm.family and self.letters_with(one)
        ]

    def why_not(self, arm: Arm) -> Literal["many", "alone", "slow", "other", "small"]:
        """Why a setting that stayed is part of no combination."""
        alone, chosen = (
            self.screened.get(arm.case),
            {name for one in self.tuned.finalists for name in one.arms},
        )
        if len(self.tuned.finalists) == len(LETTERS):
            return "many"
        if arm.family == "spinning" and SINGLE in chosen:
            return "alone"
        if alone and (alone["ratio"].value or 1.0) > CHEAP:
            return "slow"
        return "other" if self.chosen_instead(arm) else "small"
