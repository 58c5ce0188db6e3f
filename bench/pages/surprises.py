"""What surprises in this build, chosen by the numbers: advice that fails, the largest effect, a switch without effect."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from bench.experiments import EXPERIMENTS
from bench.pages import sentences
from bench.pages.claims import OUTCOMES
from bench.pages.comparisons import difference, titles
from bench.pages.markup import experiment_title, render
from bench.pages.numbers import distance
from bench.pages.words import MARK, VERDICTS, Words
from bench.results.metrics import METRICS
from bench.results.verdicts import of_build
from bench.spec import BASELINE, ORIGINAL, input_title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.results.published import Export
    from bench.results.verdicts import Judged

MOST = 3
ENOUGH = 3
"""A setting is said to make no difference only after so many comparisons."""
BREATH = ("peak_mib", "kept_mib")
"""Memories that a headline names together; what is left after a trim is for those who read on."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """A headline, and the numbers behind it as far as they are text or finished HTML."""

    experiment: str
    headline: str
    told: str


def cards(exports: Sequence[Export]) -> Markup:
    """The surprises as a list, each with a link to its evidence."""
    return render("surprises", found=pick(exports))


def pick(exports: Sequence[Export]) -> list[Surprise]:
    """One of each kind, each from another experiment; a second of a kind only where another kind has none."""
    found = [one for one in of_build(exports) if one.quotable]
    kinds = [_refuted(exports, found), _effects(found), _without_effect(found)]
    chosen: dict[str, Surprise] = {}
    for _ in range(MOST):
        for kind in kinds:  # what was passed over is of an experiment that stays chosen
            another = next((one for one in kind if one.experiment not in chosen), None)
            chosen |= {another.experiment: another} if another else {}
    return list(chosen.values())[:MOST]


def _effects(found: Sequence[Judged]) -> Iterator[Surprise]:
    """Differences that were stated, the largest first."""
    for one in found:
        if one.decided and METRICS[one.row.metric].headline:
            case = Words(one.export).title(one.row.case)
            where = f"{one.group.model_title}（{input_title(one.row.input)}）"
            told = Markup("{}，{}：{}。").format(experiment_title(one.row.experiment), where, _measured(one))
            yield Surprise(one.row.experiment, f"{case}：{_headline(one, found)}", told)


def _headline(one: Judged, found: Sequence[Judged]) -> str:
    """The difference; of memory, peak and kept in one breath, as far as told: the one must not be taken for the other."""
    if one.row.metric not in BREATH:
        return distance(one.ratio)
    same_cell = {
        other.row.metric: other
        for other in found
        if other.export is one.export and _cell(other) == _cell(one) and other.row.metric in BREATH
    }
    return "，".join(
        f"{METRICS[metric].named}的内存{_size(same_cell[metric])}"
        for metric in BREATH
        if metric in same_cell and same_cell[metric].row.verdict != "unclear"
    )


def _cell(one: Judged) -> tuple[str, str, str]:
    return one.row.model, one.row.input, one.row.case


def _size(one: Judged) -> str:
    return difference(one) if one.decided else VERDICTS[one.row.verdict or "same"]


def _measured(one: Judged) -> Markup:
    """Time, or peak and kept side by side: neither of the two tells the other."""
    say, case = Words(one.export), one.row.case
    if one.row.metric == "ratio":
        return Markup("与默认比{}").format(say.speed(one.group, case))
    return Markup("；").join(
        Markup("{}的内存{}").format(METRICS[metric].named, say.memory_change(one.group, case, metric))
        for metric in BREATH
    )


def _refuted(exports: Sequence[Export], found: Sequence[Judged]) -> Iterator[Surprise]:
    """Statements that this build contradicts, those first where most is at stake; then those that hold by half."""
    stake: dict[str, float] = defaultdict(float)
    for one in found:
        if one.decided:
            stake[one.row.experiment] = max(stake[one.row.experiment], one.effect)
    ranked = sorted(exports, key=lambda export: -stake[export.experiment])
    told = [(one, sentences.tell(EXPERIMENTS[one.experiment], one).answers) for one in ranked]
    for holds in ("no", "half"):
        for export, answers in told:
            for claim in EXPERIMENTS[export.experiment].claims:
                quotable = _quotable(answers[claim.id].measured)
                if answers[claim.id].holds == holds and quotable:
                    headline = f"{OUTCOMES[holds][1]}：“{claim.said.rstrip('。')}”"
                    yield Surprise(export.experiment, headline, quotable)


def _quotable(measured: Markup) -> Markup:
    """The sentences without a figure that must not be quoted: on the home page it would carry the claim."""
    kept = [one for one in measured.split("。") if MARK not in one and "不作结论" not in one]
    return Markup("。").join(kept) if any(kept) else Markup()


def _without_effect(found: Sequence[Judged]) -> Iterator[Surprise]:
    """Settings seen to be in effect that no comparison told from the default, the surest first."""
    cases: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in found:
        if one.row.case not in (BASELINE, ORIGINAL) and one.row.metric != "ratio_original":
            cases[one.row.experiment, one.row.case].append(one)
    silent = [group for group in cases.values() if _shows_nothing(group)]
    for group in sorted(silent, key=lambda group: (_undecided(group), -len(group))):
        first, open_ = group[0].row, _undecided(group)
        case = Words(group[0].export).title(first.case)
        told = f"有证据表明它生效了，但与默认比{titles(group)}，{len(group)} 次里没有一次测出差别" + (
            f"（{open_} 次还要多测几轮）" if open_ else ""
        )
        yield Surprise(
            first.experiment, f"{experiment_title(first.experiment)}“{case}”：没有测出差别", f"{told}。"
        )


def _shows_nothing(group: Sequence[Judged]) -> bool:
    """All comparisons without a difference, one of time at least told to be a tie, and the setting proven."""
    proven = all(Words(one.export).outcome(one.group, one.row.case) == "effect" for one in group)
    tied = any(one.row.metric == "ratio" and one.row.verdict == "same" for one in group)
    quiet = len(group) >= ENOUGH and not any(one.decided for one in group)
    return tied and quiet and proven


def _undecided(group: Sequence[Judged]) -> int:
    return sum(one.row.verdict == "unclear" for one in group)
