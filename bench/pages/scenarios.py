"""The settings that won a scenario on this machine, how they were chosen, and what is said where none won."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from markupsafe import Markup

from bench.experiments import EXPERIMENTS
from bench.pages import scenario_evidence
from bench.pages.markup import render
from bench.pages.words import Words
from bench.results import stats
from bench.results.choice import RESAMPLES
from bench.results.metrics import METRICS
from bench.spec import BASELINE, input_title

if TYPE_CHECKING:
    from bench.pages.measured import MeasuredGroup
    from bench.results.published import CandidateRow, Choice, Export
    from bench.spec import Case, Scenario

EXTRA = {"cpu_s": (("cpu_s", "用的 CPU"),), "kept_mib": (("kept_mib", "做完后还占"),)}
"""Minimised metric -> what else of the winner is shown beside time and memory at the most."""


class StandIn(NamedTuple):
    """A case that is safer than the default where nothing better was found, and what that means."""

    case: str
    told: str


STAND_INS = {"container": StandIn("share", "只设线程数，别的不动")}
"""Scenario -> what to set there anyway: by default, a process of several takes the cores of the others."""
Why = Literal["noisy", "compared", "open"]
NO_BETTER = {"noisy": "这次误差太大，没有比出更好的", "compared": "测试机上比过的几套，没有一套证明更好"}
"""Why the default stands in; `open`: the choice itself says."""
PAUSES = "请求之间有停顿的组"


def choice(export: Export, scenario: Scenario) -> Choice:
    """What was chosen, unless it was by calls back to back alone where the need is about pauses between them."""
    chosen = next(one for one in export.choices if one.scenario == scenario.id)
    reason = chosen.reason or _without_pauses(Words(export), scenario, chosen)
    if reason == chosen.reason:
        return chosen
    return chosen.model_copy(update={"winner": BASELINE, "reason": reason, "vote": None, "stable": True})


def _without_pauses(words: Words, scenario: Scenario, chosen: Choice) -> str:
    """Why nothing follows for a need with pauses; empty where it has none, or one of its groups counted."""
    groups, left = EXPERIMENTS[words.export.experiment].groups, _left_out(words, scenario, chosen)
    paused = {index for index in scenario.groups if groups[index].load.gap_ms}
    counted = {one.group.index for one in _compared(words, scenario, chosen)}
    if not paused or paused & counted:
        return ""
    return f"{PAUSES}{'这次误差太大' if paused & left else '这次没有测到'}，选不出来"


def winner(export: Export, scenario: Scenario) -> Case:
    """The case whose code is shown: what won, or what stands in for it."""
    won = choice(export, scenario).winner
    shown = STAND_INS[scenario.id].case if won == BASELINE and scenario.id in STAND_INS else won
    return next(case for case in export.cases if case.id == shown)


def card(export: Export, scenario: Scenario) -> Markup:
    """What won, on what evidence, when to use it and when not, and how the others did."""
    words, chosen = Words(export), choice(export, scenario)
    candidates = [
        (row.case, words.title(row.case), _score(chosen, row), _result(chosen, row))
        for row in chosen.candidates
    ]
    return render(
        "scenario", scenario=scenario, winner=chosen.winner, outcome=_outcome(words, scenario, chosen),
        evidence=list(scenario_evidence.sentences(words, scenario, chosen.winner)), minimised=_minimised(scenario),
        candidates=candidates, told=_how_chosen(scenario, chosen),
    )  # fmt: skip


def answer(export: Export, scenario: Scenario) -> Markup:
    """What to set for those who read no further, and what it brings where it was measured first."""
    words, chosen = Words(export), choice(export, scenario)
    group = _first(words, scenario)
    case = group[chosen.winner] if group and chosen.winner != BASELINE else None
    return render(
        "scenario_answer", outcome=_in_short(words, scenario, chosen), case=case, group=group,
        chosen=not chosen.reason, title=words.title(chosen.winner),
    )  # fmt: skip


def in_english(export: Export, scenario: Scenario) -> Markup:
    """The ten-second answer for those who read no Chinese: what it brings where it was measured first."""
    words, chosen = Words(export), choice(export, scenario)
    group = _first(words, scenario)
    case = group[chosen.winner] if group else None
    better = not chosen.reason and chosen.winner != BASELINE
    why = _why(words, scenario, chosen) if chosen.reason else ""
    return render("scenario_english", case=case, better=better, why=why)


def line(export: Export, scenario: Scenario) -> Markup:
    """The winner, and what it changes against the default on every input that the need is about."""
    words, chosen = Words(export), choice(export, scenario)
    won = chosen.winner
    rows = [(group, group[won]) for group in scenario_evidence.groups(words, scenario) if won != BASELINE]
    columns = [("ratio", "快慢"), *EXTRA.get(scenario.minimise, ()), ("peak_mib", "最多占")]
    outcome = _in_short(words, scenario, chosen)
    return render("scenario_line", outcome=outcome, rows=rows, columns=columns)


def _in_short(words: Words, scenario: Scenario, chosen: Choice) -> Markup:
    """What won, or why the default stands in, without how it was chosen."""
    title = Markup("<strong>{}</strong>").format(words.title(chosen.winner))
    if chosen.winner == BASELINE and scenario.id in STAND_INS:
        why = _told(_why(words, scenario, chosen), chosen)
        return Markup("{}：<strong>{}</strong>。").format(why, STAND_INS[scenario.id].told)
    if chosen.reason:
        return Markup("先用{}设置：{}。").format(title, _told(_why(words, scenario, chosen), chosen))
    if not chosen.stable:
        return Markup("这次误差太大，选得不稳，先用其中最简单的：{}。").format(title)
    best = "，比过的设置里没有更好的" if chosen.winner == BASELINE else ""
    left = len(chosen.left_out)
    doubt = (
        f"{left} 组误差太大，快慢没有算进去。"
        if left and left < len(scenario_evidence.groups(words, scenario))
        else ""
    )
    return Markup("测试机上选出：{}{}。{}").format(title, best, doubt)


def _why(words: Words, scenario: Scenario, chosen: Choice) -> Why:
    """Whether a comparison was possible, or noise kept it from being one, or something else did."""
    counted = _compared(words, scenario, chosen)
    rounds = min(chosen.rounds, *(one.group.rounds for one in counted)) if counted else 0
    if chosen.left_out and not counted:
        return "noisy"
    if words.draft or rounds < stats.MIN_ROUNDS or chosen.reason.startswith(PAUSES):
        return "open"
    return "compared"


def _told(why: Why, chosen: Choice) -> str:
    return NO_BETTER.get(why) or chosen.reason or "这次没有选出更好的"


def _compared(words: Words, scenario: Scenario, chosen: Choice) -> list[MeasuredGroup]:
    """The groups whose times could count."""
    left = _left_out(words, scenario, chosen)
    found = (one for one in scenario_evidence.groups(words, scenario) if one.group.index not in left)
    return [one for one in found if one[BASELINE].measured]


def _left_out(words: Words, scenario: Scenario, chosen: Choice) -> set[int]:
    """Indices of the groups that were too noisy: a choice names them, the longest title that fits is meant."""
    titles = {
        f"{one.model_title} {input_title(one.group.input)}": one.group.index
        for one in scenario_evidence.groups(words, scenario)
    }
    fitting = ([title for title in titles if name.startswith(title)] for name in chosen.left_out)
    return {titles[max(found, key=len)] for found in fitting if found}


def _outcome(words: Words, scenario: Scenario, chosen: Choice) -> Markup:
    left_out = f"快慢没有算进去（噪声太大）：{'、'.join(chosen.left_out)}。" if chosen.left_out else ""
    title = Markup("<strong>{}</strong>").format(words.title(chosen.winner))
    if chosen.reason:
        known = len(chosen.left_out) < len(scenario_evidence.groups(words, scenario))
        fallback = next((row.refused for row in chosen.candidates if known and row.case == chosen.winner), "")
        unfit = f"它自己也不合条件（{fallback}），只是没有更好的依据。" if fallback else ""
        return Markup("这次没有选出更好的：{}，先用{}。{}{}").format(chosen.reason, title, unfit, left_out)
    fit = [row.case for row in chosen.candidates if row.able]
    alone = "，候选里只有它满足全部条件" if fit == [chosen.winner] else ""
    unstable = f"换一批轮次，会选出不同的几套，这里取其中最简单的（{_votes(chosen)}）。"
    return Markup("测试机上选出：{}{}。{}{}").format(
        title, alone, "" if chosen.stable else unstable, left_out
    )


def _first(words: Words, scenario: Scenario) -> MeasuredGroup | None:
    """The first input that the need is about, of those whose times may be quoted."""
    found = scenario_evidence.groups(words, scenario)
    return next((one for one in found if words.draft or not one.group.noisy), None)


def _minimised(scenario: Scenario) -> str:
    metric = METRICS[scenario.minimise]
    return f"{metric.named}{'的内存' if metric.kind == 'memory' else ''}"


def _how_chosen(scenario: Scenario, chosen: Choice) -> str:
    if chosen.reason:
        return "这次没有据此选。"
    held = "，选出的那一套在那里也满足这些条件" if scenario.limits else ""
    return (
        f"用 {chosen.rounds} 轮来选，上面的证据来自另外的轮次{held}；"
        f"分不出高下时，排在前面的、更简单的胜出。把选的轮次{_votes(chosen)}。"
    )


def _votes(chosen: Choice) -> str:
    return f"重抽 {RESAMPLES} 次，{round((chosen.vote or 0) * RESAMPLES)} 次选中它"


def _score(chosen: Choice, row: CandidateRow) -> str:
    return "—" if row.score is None or chosen.reason else f"{row.score:.3f}"


def _result(chosen: Choice, row: CandidateRow) -> str:
    """Why a candidate was refused, or what became of it; nothing where nothing was chosen."""
    if row.refused or chosen.reason:
        return row.refused or "—"
    return "胜出" if row.case == chosen.winner else "合格"
