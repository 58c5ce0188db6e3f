"""Statements held against the truth that was seeded: what counts as wrong, and how often it may happen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from speed.mill_process import TRIMMED

from bench.results import stats
from bench.spec import BASELINE, CONTROL, ORIGINAL

if TYPE_CHECKING:
    from speed.mill_read import Said
    from speed.mill_truth import Effect, World

    from bench.pages.words import Words
    from bench.results.published import Row

TRULY_EQUAL, TRULY_APART = 1e-9, 0.0799
"""Shares by which a time differs: not at all; so much that `same` is false, whatever is granted to it."""
ALMOST = 1e-6
MEMORIES = ("peak_mib", "kept_mib", "kept_trimmed_mib")
ROWS = ("table", "export")
"""Places that are counted as rows; what stands anywhere else repeats one."""
LIMITS = {
    "equal": ("真的没有差别，却说更快或更慢", 0.005),
    "half": ("真差 1%，方向说反", 0.005),
    "direction": ("真差 2% 以上，方向说反", 0.0),
    "same": ("真差 8% 以上，却说没有差别", 0.01),
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
    "claim": ("原文的说法判断错", 0.005),
    "unread": ("读不懂的句子", 0.05),
    "quotable": ("自检没有通过，却说可以引用", 0.0),
}
"""Kind of fault -> (words, largest share of what was looked at)."""


@dataclass(slots=True)
class Tally:
    """What was looked at, and what of it was wrong, by kind."""

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
        """Kinds that went wrong more often than they may."""
        return [k for k, (_, most) in LIMITS.items() if self.wrong[k] > most * self.seen[k]]


@dataclass(frozen=True, slots=True)
class Judge:
    """Holds statements of one build against its world."""

    world: World
    tally: Tally

    def effect(self, experiment: str, group: int, case: str) -> Effect:
        return self.world.effects[experiment, group, case]

    def time(self, experiment: str, group: int, case: str, metric: str = "ratio") -> float:
        own = self.effect(experiment, group, case).time
        return own / self.effect(experiment, group, ORIGINAL).time if metric == "ratio_original" else own

    def apart(self, experiment: str, group: int, case: str, metric: str, than: str = BASELINE) -> float:
        """How much more memory than another case, in margins of what is worth naming."""
        own, other = (self.effect(experiment, group, one).memory(metric) for one in (case, than))
        if metric == "kept_trimmed_mib":
            own, other = own * TRIMMED, other * TRIMMED
        return (own - other) / stats.notable_mib(other)

    def took_effect(self, words: Words, group: int, case: str, metric: str = "ratio") -> bool:
        """Whether anything may be said of a case: seeded so, seen so, and not failed throughout."""
        cases = (case, ORIGINAL) if metric == "ratio_original" else (case,)
        return all(self._took_effect(words, group, one) for one in cases)

    def _took_effect(self, words: Words, group: int, case: str) -> bool:
        if case in (BASELINE, CONTROL):
            return True
        effect = self.effect(words.export.experiment, group, case)
        place = next(one for one in words.groups() if one.index == group)
        seen = words.outcome(place, case) == "effect"
        return effect.outcome == "effect" and seen and effect.fails != "always"

    def statement(self, words: Words, said: Said) -> None:
        """One statement, wherever it stands; `none` says that the setting was not seen to be in effect."""
        text = f"seed {self.world.seed}, {said.where}, {said.experiment}/{said.group}/{said.case} {said.metric}: {said.word}, {said.text}"
        if not self.took_effect(words, said.group, said.case, said.metric):
            self.tally.note("unproven", text, wrong=said.word != "none")
        elif said.word == "none":
            self.tally.note("unproven", text, wrong=True)
        else:
            found = self._memory(said) if said.metric in MEMORIES else self._time(said)
            truth = " ".join(f"{kind}={wrong}" for kind, wrong in found.items())
            if said.where in ROWS:
                for kind, wrong in found.items():
                    self.tally.note(kind, text, wrong=wrong)
            else:
                self.tally.note("sentence", f"{text} ({truth})", wrong=any(found.values()))

    def _time(self, said: Said) -> dict[str, bool]:
        """Kinds of fault that a word on time could be, and whether it is."""
        truth = self.time(said.experiment, said.group, said.case, said.metric)
        off = abs(truth - 1)
        if off < TRULY_EQUAL:
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
        """The interval of a ratio must not lie more than 2 % beside the truth."""
        if row.metric != "ratio" or row.low is None or row.high is None or row.case == BASELINE:
            return
        group = words.group(row.model, row.input).index
        truth = self.time(row.experiment, group, row.case)
        wrong = row.low > truth * (1 + stats.MIN_EFFECT) or row.high < truth * (1 - stats.MIN_EFFECT)
        text = f"seed {self.world.seed}, {row.experiment}/{group}/{row.case}: {row.low:.3f}-{row.high:.3f}, truth {truth:.3f}"
        self.tally.note("interval", text, wrong=wrong)

    def against_table(self, words: Words, said: Said) -> None:
        """What a sentence says must stand in the table, too."""
        place = next(one for one in words.groups() if one.index == said.group)
        row = words.row(place, said.case, said.metric)
        told = (row.verdict if row else None) or "none"
        text = f"seed {self.world.seed}, {said.where}, {said.experiment}/{said.group}/{said.case} {said.metric}: {said.word} beside {told}, {said.text}"
        self.tally.note("mismatch", text, wrong=told != said.word)
