"""What surprises in this build, chosen by the numbers: the largest effect, advice that fails, a switch without effect."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.facts.options import place
from bench.pages import frames
from bench.pages.claims import OUTCOMES
from bench.pages.findings import METRICS, difference
from bench.pages.words import VERDICTS, Words
from bench.results.verdicts import of_build
from bench.results.view import ORIGINAL
from bench.spec import BASELINE, input_title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.results.published import Export
    from bench.results.verdicts import Judged

MOST = 3
ENOUGH = 3
"""A setting is said to make no difference only after so many comparisons."""
HEADLINES = {"ratio": "耗时", "peak_mib": "峰值内存", "kept_mib": "留存内存"}
"""Metrics whose effect may stand in a headline; what is left after a trim is for those who read on."""
BREATH = ("peak_mib", "kept_mib")
NOTHING = "这次没有可说的：是草稿，或者测量时机器繁忙，没有作出结论。"


@dataclass(frozen=True, slots=True)
class Surprise:
    """A headline and the numbers behind it, both HTML."""

    experiment: str
    headline: str
    told: str


def cards(exports: Sequence[Export]) -> str:
    """The surprises as a list, each with a link to its evidence."""
    items = "".join(
        f"<li><strong>{one.headline}</strong><p>{one.told}</p>"
        f'<a data-link="{place(one.experiment)}">看证据</a></li>'
        for one in pick(exports)
    )
    return f'<ul class="bench-surprises">{items}</ul>' if items else f"<p>{NOTHING}</p>"


def pick(exports: Sequence[Export]) -> list[Surprise]:
    """One of each kind, each from another experiment; a second of a kind only where another kind has none."""
    found = [one for one in of_build(exports) if one.quotable]
    kinds = [list(_effects(found)), list(_refuted(exports, found)), list(_without_effect(found))]
    chosen: list[Surprise] = []
    for _ in range(MOST):
        for kind in kinds:
            used = {one.experiment for one in chosen}
            chosen += [one for one in kind if one.experiment not in used][:1]
    return chosen[:MOST]


def _effects(found: Sequence[Judged]) -> Iterator[Surprise]:
    """Differences that were stated, the largest first."""
    for one in found:
        if one.decided and one.row.metric in HEADLINES:
            case = escape(Words(one.export).title(one.row.case))
            headline = f"{case}：{_headline(one, found)}"
            yield Surprise(one.row.experiment, headline, f"{_where(one)}：{_measured(one)}。")


def _headline(one: Judged, found: Sequence[Judged]) -> str:
    """The difference; of memory, peak and kept in one breath: the one must not be taken for the other."""
    if one.row.metric not in BREATH:
        return f"{HEADLINES[one.row.metric]}{difference(one)}"
    same_cell = {
        other.row.metric: other
        for other in found
        if other.export is one.export and _cell(other) == _cell(one) and other.row.metric in BREATH
    }
    return "，".join(
        f"{HEADLINES[metric]}{_size(same_cell[metric])}" for metric in BREATH if metric in same_cell
    )


def _cell(one: Judged) -> tuple[str, str, str]:
    return one.row.model, one.row.input, one.row.case


def _size(one: Judged) -> str:
    return difference(one) if one.decided else VERDICTS[one.row.verdict or "same"]


def _measured(one: Judged) -> str:
    """Time, or peak and kept side by side: neither of the two tells the other."""
    say, case = Words(one.export), one.row.case
    if one.row.metric == "ratio":
        return f"与默认比{say.speed(one.group, case)}"
    return "；".join(f"{METRICS[metric]}{say.memory_change(one.group, case, metric)}" for metric in BREATH)


def _refuted(exports: Sequence[Export], found: Sequence[Judged]) -> Iterator[Surprise]:
    """Statements of the article that this build contradicts, those first where most is at stake."""
    stake: dict[str, float] = defaultdict(float)
    for one in found:
        if one.decided:
            stake[one.row.experiment] = max(stake[one.row.experiment], one.effect)
    for export in sorted(exports, key=lambda export: -stake[export.experiment]):
        for claim in EXPERIMENTS[export.experiment].claims:
            answer = claim.answer(Words(export))
            if answer.holds in ("no", "half"):
                headline = f"{OUTCOMES[answer.holds][1]}：“{escape(claim.said.rstrip('。'))}”"
                yield Surprise(export.experiment, headline, answer.measured)


def _without_effect(found: Sequence[Judged]) -> Iterator[Surprise]:
    """Settings seen to be in effect that no comparison told from the default, the surest first."""
    cases: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in found:
        if one.row.case not in (BASELINE, ORIGINAL) and one.row.metric != "ratio_original":
            cases[one.row.experiment, one.row.case].append(one)
    silent = [group for group in cases.values() if _shows_nothing(group)]
    for group in sorted(silent, key=lambda group: (_undecided(group), -len(group))):
        first = group[0]
        case = escape(Words(first.export).title(first.row.case))
        compared = "、".join(
            name for metric, name in METRICS.items() if any(one.row.metric == metric for one in group)
        )
        open_ = _undecided(group)
        told = f"有证据表明它生效了，但与默认比{compared}，{len(group)} 次里没有一次测出差别" + (
            f"（{open_} 次还要多测几轮）" if open_ else ""
        )
        title = escape(frames.experiment_title(first.row.experiment))
        yield Surprise(first.row.experiment, f"{title}“{case}”：没有测出差别", f"{told}。")


def _shows_nothing(group: Sequence[Judged]) -> bool:
    """All comparisons without a difference, one of time at least told to be a tie, and the setting proven."""
    proven = all(Words(one.export).outcome(one.group, one.row.case) == "effect" for one in group)
    tied = any(one.row.metric == "ratio" and one.row.verdict == "same" for one in group)
    quiet = len(group) >= ENOUGH and not any(one.decided for one in group)
    return tied and quiet and proven


def _undecided(group: Sequence[Judged]) -> int:
    return sum(one.row.verdict == "unclear" for one in group)


def _where(one: Judged) -> str:
    return f"{escape(frames.experiment_title(one.row.experiment))}，{escape(one.group.model_title)}（{escape(input_title(one.row.input))}）"
