"""What must be answered to claims, what may be recommended and concluded, worked out from the truth alone.

None of this calls what it checks. An answer is wrong only when the truth contradicts it by more than the margin of
the rule that it rests on; `unknown` never is, and is the only right one where a setting was not in effect. Of a
recommendation, the page promises the limits in each group and the least product over all of them, but for groups that
it left out for noise. The truth contradicts a limit when it goes beyond it by more than twice the limit's tolerance,
or twice the margin of `same` where it has none.
"""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from speed.mill_judge import TRULY_APART

from bench.results import stats
from bench.spec import BASELINE, input_title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from speed.mill_judge import Judge

    from bench.pages.words import Words
    from bench.results.published import GroupSummary
    from bench.spec import Limit, Scenario

SECOND_POOL = re.compile(r"parallel_(?!1$|1_|\w+_no_spin$)\w+")
LOWER = ("disable_all", "basic", "extended", "layout")
THIRTEEN, WITHIN, EDGE = 1.13, 0.05, 0.02
MOST_GROWN, TWICE = 16, 2.0
Answers = set[str]


def claim(judge: Judge, words: Words, name: str, answer: str) -> None:
    """Count an answer to a claim; one that nobody wrote an oracle for is unread."""
    judge.note("unread", f"claim {name}", wrong=name not in ORACLES)
    if name in ORACLES:
        right = ORACLES[name](judge, words) | {"unknown"}
        judge.note("claim", f"{name}: {answer}, may be {sorted(right)}", wrong=answer not in right)


def _combined(parts: Iterable[set[bool]], answer: Callable[[Sequence[bool]], str]) -> Answers:
    """Every answer that follows from parts each of which may be taken for true, for false, or both."""
    return {answer(one) for one in product(*parts)}


def _below(value: float, may: float, must: float) -> set[bool]:
    """Whether it can be taken to be below: below one bound it may, below the other it must."""
    return {answer for answer, allowed in ((True, value < may), (False, value > must)) if allowed}


LESS, FASTER, SLOWER = (0.0, -TWICE), (1.0, 1 - TRULY_APART), (-1.0, -1 - TRULY_APART)
"""What is slower is below with the other sign."""


def _kept(judge: Judge, words: Words) -> Answers:
    groups = [group.index for group in words.groups() if group.model == "aspp" and not group.load.timed]
    if not groups or not judge.took_effect(words, groups[0], "arena_off"):
        return set()
    off = judge.effect("arena", groups[0], "arena_off")
    memories = (judge.apart("arena", groups[0], "arena_off", one) for one in ("kept_mib", "peak_mib"))
    larger = _below(-off.peak / off.kept, -2 * 0.7, -2 * 1.3)  # one round's noise
    parts = (*(_below(one, *LESS) for one in memories), larger)
    return _combined(parts, lambda p: "no" if not p[0] else "half" if p[2] or not p[1] else "yes")


def _thirteen(judge: Judge, words: Words) -> Answers:
    indices = [group.index for group in words.groups() if group.load.timed]
    if not all(judge.took_effect(words, index, "arena_off") for index in indices):
        return set()
    off = (abs(judge.time("arena", index, "arena_off") - THIRTEEN) for index in indices)
    parts = (_below(one, WITHIN + EDGE, WITHIN - EDGE) for one in off)
    return _combined(parts, lambda p: "yes" if all(p) else "half" if any(p) else "no")


def _branches(judge: Judge, words: Words) -> Answers:
    index = next(group.index for group in words.groups() if group.model == "aspp")
    cases = [case for case in words.cases() if SECOND_POOL.fullmatch(case)]
    shown = [case for case in cases if judge.took_effect(words, index, case)]
    parts = (_below(judge.time("execution_mode", index, case), *FASTER) for case in shown)
    found = _combined(parts, lambda p: "yes" if any(p) else "no")
    return found if len(shown) == len(cases) else found & {"yes"}


def _default_level(judge: Judge, words: Words) -> Answers:
    rows = list(product(words.groups(), LOWER))
    shown = [(group.index, case) for group, case in rows if judge.took_effect(words, group.index, case)]
    parts = [_below(judge.time("graph_optimization", *place), *FASTER) for place in shown]
    idle = [place for place in rows if words.outcome(*place) == "nothing"]
    # many rows: all answers at once are in reach when one row may go either way
    may = {"no"} if any(True in part for part in parts) else set()
    certain = all(False in part for part in parts) and shown and len(shown) + len(idle) >= len(rows)
    return may | ({"yes"} if certain else set())


def _all_cores(judge: Judge, words: Words) -> Answers:
    world = judge.world
    if world.threads != world.logical:
        return {"no"}
    return {"yes"} if world.cores < world.threads or world.physical != world.logical else set()


def _level_four(judge: Judge, words: Words) -> Answers:
    group = words.groups()[0].index
    if judge.world.hides_errors:
        return {"no"}
    if not judge.took_effect(words, group, "level_4"):
        return set()
    slower = _below(-judge.time("log_severity", group, "level_4"), *SLOWER)
    return {"no" if slow else "yes" for slow in slower}


def _profiling(judge: Judge, words: Words) -> Answers:
    places = [("profiling", group.index, "profiling") for group in words.groups()]
    shown = [place for place in places if judge.took_effect(words, *place[1:])]
    parts = [_below(-judge.time(*place), *SLOWER) for place in shown]
    parts += [_below(-judge.effect(*place).grown, 0.0, -TWICE * MOST_GROWN) for place in shown]
    found = _combined(parts, lambda p: "no" if any(p) else "yes")
    return found if len(shown) == len(places) else found & {"no"} if shown else set()


ORACLES: dict[str, Callable[[Judge, Words], Answers]] = {
    "kept_5618_5": _kept, "13_percent": _thirteen, "many_branches": _branches, "default_is_fine": _default_level,
    "all_cores": _all_cores, "level_four": _level_four, "recommended_on": _profiling,
}  # fmt: skip
FASTEST = re.compile(r"明确设置的线程数里，(?:(?P<one>\d+) 线程|(?P<tied>[\d、]+) 并列)最快")
MORE_OFF = re.compile(
    r"arena 关了，(?:再关|就不要再关) (?P<also>enable_mem_pattern 和 enable_mem_reuse|enable_mem_pattern)，(?P<word>内存没有差别|还能少占|占得反而多|最多占的和做完后还占的)"
)
LITTLE_LEFT = "关 arena 后，留下的远小于推理途中需要的"


def other_sentences(judge: Judge, words: Words, texts: Sequence[str], index_of: Callable[[str], int]) -> None:
    """Conclusions that speak of several settings at once."""
    for text in texts:
        if LITTLE_LEFT in text:
            judge.unproven(words, text, (index_of(text), "arena_off"))
        if found := FASTEST.search(text):
            _fastest(judge, words, index_of(text), found)
        if found := MORE_OFF.search(text):
            _more_off(judge, words, index_of(text), found)


def _fastest(judge: Judge, words: Words, index: int, found: re.Match[str]) -> None:
    name, slack = words.export.experiment, stats.MIN_EFFECT if found["one"] else 2 * stats.SAME_MARGIN
    counts = {str(case.settings.get("intra_op_num_threads")): case.id for case in words.export.cases}
    named = [counts[count] for count in (found["one"] or found["tied"]).split("、")]
    judge.unproven(words, found[0], *((index, case) for case in named))
    explicit = [case for count, case in counts.items() if count != "None"]
    times = {c: judge.time(name, index, c) for c in explicit if judge.took_effect(words, index, c)}
    worst = max((times[case] for case in named if case in times), default=1.0)
    judge.note("sentence", f"{found[0]} {times}", wrong=worst > min(times.values(), default=1) * (1 + slack))


def _more_off(judge: Judge, words: Words, index: int, found: re.Match[str]) -> None:
    case = "arena_pattern_reuse_off" if "reuse" in found["also"] else "arena_pattern_off"
    judge.unproven(words, found[0], (index, case), (index, "arena_off"))
    name = words.export.experiment
    apart = [judge.apart(name, index, case, metric, "arena_off") for metric in ("peak_mib", "kept_mib")]
    wrong = {
        "内存没有差别": any(abs(one) > TWICE for one in apart),
        "还能少占": all(one >= 0 for one in apart) or any(one > TWICE for one in apart),
        "占得反而多": all(one <= 0 for one in apart) or any(one < -TWICE for one in apart),
        "最多占的和做完后还占的": apart[0] * apart[1] > 0 and min(abs(one) for one in apart) > 0,
    }[found["word"]]
    judge.note("sentence", f"{found[0]} {apart}", wrong=wrong)


def recommendation(judge: Judge, words: Words, scenario: Scenario, winner: str, told: str) -> None:
    """A winner: in effect, within its limits on its own table and, twice over, in truth."""
    if not told.startswith("测试机上选出"):
        return
    left_out = told.partition("快慢没有算进去（噪声太大）：")[2].partition("。")[0].split("、")
    titles = {group.index: f"{group.model_title} {input_title(group.input)}" for group in words.groups()}
    noisy = [n for n, title in titles.items() if any(one.startswith(title) for one in left_out)]
    groups = [g for g in words.groups() if g.index in scenario.groups and g.index not in noisy]
    where = f"{scenario.id} -> {winner}"
    judge.unproven(words, where, *((group.index, winner) for group in groups))
    against = list(_against(words, scenario, winner, groups))
    judge.note("recommended", f"{where} {against}", wrong=bool(against))
    if all(judge.took_effect(words, group.index, winner) for group in groups):
        beyond = list(_beyond(judge, words.export.experiment, scenario, winner, groups))
        judge.note("limit", f"{where} {beyond}", wrong=bool(beyond))


def _against(words: Words, scenario: Scenario, winner: str, groups: Sequence[GroupSummary]) -> Iterator[str]:
    for group in groups:
        if (verdict := words.verdict(group, winner, scenario.minimise)) in ("slower", "more"):
            yield f"{group.model} {scenario.minimise} {verdict}"
        for limit in (one for one in scenario.limits if one.than != winner):
            found = _told(words, group, winner, limit)
            if found is None or found > limit.factor * (1 + 1e-6):
                yield f"{group.model} {limit.metric} {found} > {limit.factor}"


def _told(words: Words, group: GroupSummary, case: str, limit: Limit) -> float | None:
    if limit.metric == "ratio":
        return words.value(group, case, "ratio" if limit.than == BASELINE else "ratio_original")
    own, other = (words.value(group, one, limit.metric) for one in (case, limit.than))
    return own / other if own is not None and other else None


def _beyond(
    judge: Judge, name: str, scenario: Scenario, winner: str, groups: Sequence[GroupSummary]
) -> Iterator[str]:
    def truth(group: GroupSummary, metric: str, than: str) -> float:
        own, other = (judge.effect(name, group.index, one) for one in (winner, than))
        cores = min(own.cores, judge.world.cores) / min(other.cores, judge.world.cores)
        times = {"ratio": 1.0, "p95_ratio": 1.0, "p95_ms": 1.0, "cpu_s": cores}
        if metric in times:
            return own.time / other.time * times[metric]
        if metric == "cores_used":
            return cores
        return own.memory(metric) / other.memory(metric)

    def same(group: GroupSummary) -> float:
        """Share by which it may differ and still be no difference: memory is small where the default takes little."""
        usual = judge.effect(name, group.index, BASELINE)
        memory = usual.memory(scenario.minimise) if scenario.minimise.endswith("_mib") else 0.0
        return stats.notable_mib(memory) / memory if memory else stats.SAME_MARGIN

    score = prod(truth(group, scenario.minimise, BASELINE) for group in groups) ** (1 / len(groups))
    if score > 1 + TWICE * max(map(same, groups), default=stats.SAME_MARGIN):
        yield f"{scenario.minimise} {score:.3f}"
    for group, limit in product(groups, scenario.limits):
        found = truth(group, limit.metric, limit.than)
        if found > 1 + TWICE * max(limit.factor - 1, stats.SAME_MARGIN) + 1e-9:
            yield f"{group.model} {limit.metric} {found:.3f}"
