"""Statements held against the truth that was seeded: what counts as wrong, and how often it may happen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from speed.mill_build import TRIMMED

from bench.results import stats
from bench.spec import BASELINE, CONTROL, ORIGINAL

if TYPE_CHECKING:
    from speed.mill_read import Said
    from speed.mill_truth import Effect, World

    from bench.pages.words import Words
    from bench.results.published import GroupSummary, Row

TRULY_APART, ALMOST = 0.0799, 1e-6
"""Share by which a time differs so much that `same` is false, whatever is granted to it; nothing."""
MEMORIES = ("peak_mib", "kept_mib", "kept_trimmed_mib")
LIMITS = {
    "equal": ("真的没有差别，却说更快或更慢", 0.005),
    "half": ("真差 1%，方向说反", 0.005),
    "direction": ("真差 2% 以上，方向说反", 0.0),
    "same": ("真差 8% 以上，却说没有差别", 0.01),
    "missed": ("区间不含真值", 0.05),
    "interval": ("区间偏离真值 2% 以上", 0.05),
    "memory_equal": ("内存真的相同，却说更多或更少", 0.005),
    "memory_direction": ("内存真的有差别，方向说反", 0.0),
    "memory_same": ("内存相差两倍界限以上，却说没有差别", 0.01),
    "unproven": ("没有生效或没有测成的设置，却有结论、标题或推荐", 0.0),
    "proof": ("没有生效，却说有证据", 0.0),
    "mismatch": ("句子与自己的表不符", 0.0),
    "sentence": ("句子、标题、推荐的证据与真值不符", 0.005),
    "recommended": ("推荐被自己的表否定", 0.0),
    "limit": ("推荐的真值越过它的条件两倍以上", 0.0),
    "claim": ("常听到的说法判断错", 0.005),
    "unread": ("读不懂的句子", 0.05),
    "quotable": ("自检没有通过，却说可以引用", 0.0),
}
"""Kind of fault -> (words, largest share of what was looked at)."""


@dataclass(slots=True)
class Tally:
    """By kind."""

    seen: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def note(self, kind: str, text: str, *, wrong: bool) -> None:
        self.seen[kind] += 1
        if wrong:
            self.wrong[kind] += 1
            self.examples.append(f"{kind}: {text}")

    def add(self, other: Tally) -> None:
        self.seen += other.seen
        self.wrong += other.wrong
        self.examples += other.examples

    def broken(self) -> list[str]:
        return [k for k, (_, most) in LIMITS.items() if self.wrong[k] > most * self.seen[k]]


@dataclass(frozen=True, slots=True)
class Judge:
    world: World
    tally: Tally = field(default_factory=Tally)

    def note(self, kind: str, text: object, *, wrong: bool) -> None:
        self.tally.note(kind, f"seed {self.world.seed}, {text}", wrong=wrong)

    def effect(self, experiment: str, group: int, case: str) -> Effect:
        return self.world.effects[experiment, group, case]

    def time(self, experiment: str, group: int, case: str, metric: str = "ratio") -> float:
        own = self.effect(experiment, group, case).time
        return own / self.effect(experiment, group, ORIGINAL).time if metric == "ratio_original" else own

    def apart(self, experiment: str, group: int, case: str, metric: str, than: str = BASELINE) -> float:
        """How much more memory than another case, in margins of what is worth naming."""
        left = TRIMMED if metric == "kept_trimmed_mib" else 1
        own, other = (self.effect(experiment, group, one).memory(metric) * left for one in (case, than))
        return (own - other) / stats.notable_mib(other)

    def took_effect(self, words: Words, group: int, case: str, metric: str = "ratio") -> bool:
        """Whether anything may be said of a case: seeded so, seen so, and not failed throughout."""
        if metric == "ratio_original" and not self.took_effect(words, group, ORIGINAL):
            return False
        if case in (BASELINE, CONTROL):
            return True
        effect = self.effect(words.export.experiment, group, case)
        seen = words.outcome(place(words, group), case) == "effect"
        return effect.outcome == "effect" and seen and effect.fails != "always"

    def unproven(self, words: Words, text: str, *places: tuple[int, str]) -> None:
        found = [one for one in places if not self.took_effect(words, *one)]
        self.note("unproven", f"{text} {found}", wrong=bool(found))

    def statement(self, words: Words, said: Said) -> None:
        """One statement, wherever it stands; `none` says that the setting was not seen to be in effect."""
        proven, none = self.took_effect(words, said.group, said.case, said.metric), said.word == "none"
        if none or not proven:
            self.note("unproven", said, wrong=proven is none)
            return
        found = self._memory(said) if said.metric in MEMORIES else self._time(said)
        if said.where != "export":
            found = {"sentence": any(found.values())}
        for kind, wrong in found.items():
            self.note(kind, said, wrong=wrong)

    def _time(self, said: Said) -> dict[str, bool]:
        """Kinds of fault that a word on time could be, and whether it is."""
        truth = self.time(said.experiment, said.group, said.case, said.metric)
        off = abs(truth - 1)
        if off < ALMOST:
            return {"equal": said.word in ("faster", "slower")}
        opposite = said.word == ("faster" if truth > 1 else "slower")
        found = {"direction" if off >= stats.MIN_EFFECT - ALMOST else "half": opposite}
        return found | ({"same": said.word == "same"} if off >= TRULY_APART else {})

    def _memory(self, said: Said) -> dict[str, bool]:
        """The same of memory; less than one margin apart counts as equal, in the direction that is not the true one."""
        apart = self.apart(said.experiment, said.group, said.case, said.metric)
        more, less = said.word == "more", said.word == "less"
        opposite = (less if apart > 0 else more) or (apart == 0 and less)
        found = {"memory_direction" if abs(apart) >= 1 - ALMOST else "memory_equal": opposite}
        return found | ({"memory_same": said.word == "same"} if abs(apart) >= 2 - ALMOST else {})

    def interval(self, words: Words, row: Row) -> None:
        """The interval of a ratio holds the truth, and hardly ever lies more than 2 % beside it."""
        if row.metric != "ratio" or row.low is None or row.high is None or row.case == BASELINE:
            return
        truth = self.time(row.experiment, words.group(row.model, row.input).index, row.case)
        missed = row.low > truth * (1 + ALMOST) or row.high < truth * (1 - ALMOST)
        self.note("missed", f"truth {truth:.3f}, {row}", wrong=missed)
        wrong = row.low > truth * (1 + stats.MIN_EFFECT) or row.high < truth * (1 - stats.MIN_EFFECT)
        self.note("interval", f"truth {truth:.3f}, {row}", wrong=wrong)

    def against_table(self, words: Words, said: Said) -> None:
        told = words.verdict(place(words, said.group), said.case, said.metric) or "none"
        self.note("mismatch", f"{said} beside {told}", wrong=told != said.word)


def place(words: Words, index: int) -> GroupSummary:
    return next(one for one in words.groups() if one.index == index)
