"""What must be answered to claims, and what may be concluded from several settings, worked out from the truth alone.

None of this calls what it checks. An answer is wrong only when the truth contradicts it by more than the margin of
the rule that it rests on; `unknown` never is. Where a claim is about a setting that was not in effect, only
`unknown` is right.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

from speed.mill_judge import TRULY_APART

from bench.results import stats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from speed.mill_judge import Judge

    from bench.pages.words import Words

SECOND_POOL = re.compile(r"parallel_(?!1$|1_|\w+_no_spin$)\w+")
LOWER = ("disable_all", "basic", "extended", "layout")
THIRTEEN, WITHIN, EDGE = 1.13, 0.05, 0.02
MIB = 16
TWICE = 2.0
Answers = set[str]


def claim(judge: Judge, words: Words, name: str, answer: str) -> None:
    """Count an answer to a claim; one that nobody wrote an oracle for is unread."""
    judge.tally.note("unread", f"claim {name}", wrong=name not in ORACLES)
    if name not in ORACLES:
        return
    right = ORACLES[name](judge, words) | {"unknown"}
    text = f"seed {judge.world.seed}, claim {name}: {answer}, may be {sorted(right)}"
    judge.tally.note("claim", text, wrong=answer not in right)


def _combined(parts: Sequence[set[bool]], answer: Callable[[Sequence[bool]], str]) -> Answers:
    """Every answer that follows from parts each of which may be taken for true, for false, or both."""
    return {answer(one) for one in product(*parts)}


def _may(yes: bool, no: bool) -> set[bool]:  # noqa: FBT001
    """Whether a part may be taken for true, and whether for false."""
    return {answer for answer, allowed in ((True, yes), (False, no)) if allowed}


def _less(apart: float) -> set[bool]:
    """Less memory, by more than the margin: false where truly not less, true where less by two margins."""
    return _may(apart < 0, apart > -TWICE)


def _slower(time: float) -> set[bool]:
    return _may(time > 1, time < 1 + TRULY_APART)


def _faster(time: float) -> set[bool]:
    return _may(time < 1, time > 1 - TRULY_APART)


def _kept(judge: Judge, words: Words) -> Answers:
    groups = [group for group in words.groups() if group.model == "aspp" and not group.load.timed]
    if not groups or not judge.took_effect(words, groups[0].index, "arena_off"):
        return set()
    index = groups[0].index
    off = judge.effect("arena", index, "arena_off")
    larger = off.peak / off.kept
    parts = (
        _less(judge.apart("arena", index, "arena_off", "kept_mib")),
        _less(judge.apart("arena", index, "arena_off", "peak_mib")),
        _may(larger > 2 * 0.7, larger < 2 * 1.3),  # one round's noise
    )
    return _combined(parts, lambda p: "no" if not p[0] else "half" if p[2] or not p[1] else "yes")


def _thirteen(judge: Judge, words: Words) -> Answers:
    indices = [group.index for group in words.groups() if group.load.timed]
    if not all(judge.took_effect(words, index, "arena_off") for index in indices):
        return set()
    off = [abs(judge.time("arena", index, "arena_off") - THIRTEEN) for index in indices]
    parts = [_may(one <= WITHIN + EDGE, one >= WITHIN - EDGE) for one in off]
    return _combined(parts, lambda p: "yes" if all(p) else "half" if any(p) else "no")


def _branches(judge: Judge, words: Words) -> Answers:
    index = next(group.index for group in words.groups() if group.model == "aspp")
    cases = [case for case in words.cases() if SECOND_POOL.fullmatch(case)]
    shown = [case for case in cases if judge.took_effect(words, index, case)]
    parts = [_faster(judge.time("execution_mode", index, case)) for case in shown]
    found = _combined(parts, lambda p: "yes" if any(p) else "no")
    return found if len(shown) == len(cases) else found & {"yes"}


def _default_level(judge: Judge, words: Words) -> Answers:
    rows = [(group, case) for group in words.groups() for case in LOWER]
    shown = [(g.index, c) for g, c in rows if judge.took_effect(words, g.index, c)]
    parts = [_faster(judge.time("graph_optimization", index, case)) for index, case in shown]
    idle = [(g, c) for g, c in rows if words.outcome(g, c) == "nothing"]
    # many rows: all answers at once are in reach when one row may go either way
    may = {"no"} if any(True in part for part in parts) else set()
    if all(False in part for part in parts) and shown and len(shown) + len(idle) >= len(rows):
        may |= {"yes"}
    return may


def _all_cores(judge: Judge, words: Words) -> Answers:
    world = judge.world
    if world.threads != world.logical:
        return {"no"}
    return {"yes"} if world.cores < world.threads or world.physical != world.logical else set()


def _level_four(judge: Judge, words: Words) -> Answers:
    if judge.world.hides_errors:
        return {"no"}
    group = words.groups()[0].index
    if not judge.took_effect(words, group, "level_4"):
        return set()
    slower = _slower(judge.time("log_severity", group, "level_4"))
    return _combined([slower], lambda p: "no" if p[0] else "yes")


def _profiling(judge: Judge, words: Words) -> Answers:
    indices = [group.index for group in words.groups()]
    shown = [index for index in indices if judge.took_effect(words, index, "profiling")]
    grown = [judge.effect("profiling", index, "profiling").grown for index in shown]
    parts = [_slower(judge.time("profiling", index, "profiling")) for index in shown]
    parts += [_may(one > 0, one <= TWICE * MIB) for one in grown]
    found = _combined(parts, lambda p: "no" if any(p) else "yes")
    return found if len(shown) == len(indices) else found & {"no"} if shown else set()


ORACLES: dict[str, Callable[[Judge, Words], Answers]] = {
    "kept_5618_5": _kept,
    "13_percent": _thirteen,
    "many_branches": _branches,
    "default_is_fine": _default_level,
    "all_cores": _all_cores,
    "level_four": _level_four,
    "recommended_on": _profiling,
}
FASTEST = re.compile(
    r"明确设置的线程数里，(?P<one>\d+) 线程最快|明确设置的线程数里，(?P<tied>[\d、]+) 并列最快"
)
MORE_OFF = re.compile(
    r"arena 关了，(?:再关|就不要再关)(?P<also>内存模式和内存复用|内存模式)，(?P<word>内存没有差别|还能少占|占得反而多|峰值和留存)"
)
LITTLE_LEFT = "关闭 arena 后，留下的远小于推理途中需要的"


def other_sentences(judge: Judge, words: Words, texts: Sequence[str], index_of: Callable[[str], int]) -> None:
    """Conclusions that speak of several settings at once."""
    for text in texts:
        where = f"seed {judge.world.seed}, {text}"
        if LITTLE_LEFT in text:
            proven = judge.took_effect(words, index_of(text), "arena_off")
            judge.tally.note("unproven", where, wrong=not proven)
        if found := FASTEST.search(text):
            _fastest(judge, words, index_of(text), found, where)
        if found := MORE_OFF.search(text):
            _more_off(judge, words, index_of(text), found, where)


def _fastest(judge: Judge, words: Words, index: int, found: re.Match[str], text: str) -> None:
    explicit = {
        str(case.settings["intra_op_num_threads"]): case.id
        for case in words.export.cases
        if "intra_op_num_threads" in case.settings
    }
    named = [explicit[count] for count in (found["one"] or found["tied"]).split("、")]
    unproven = [case for case in named if not judge.took_effect(words, index, case)]
    judge.tally.note("unproven", f"{text} ({unproven})", wrong=bool(unproven))
    name = words.export.experiment
    times = {
        case: judge.time(name, index, case)
        for case in explicit.values()
        if judge.took_effect(words, index, case)
    }
    worst = max((times[case] for case in named if case in times), default=1.0)
    slack = stats.MIN_EFFECT if found["one"] else 2 * stats.SAME_MARGIN
    judge.tally.note(
        "sentence", f"{text} {times}", wrong=worst > min(times.values(), default=1) * (1 + slack)
    )


def _more_off(judge: Judge, words: Words, index: int, found: re.Match[str], text: str) -> None:
    case = "arena_pattern_reuse_off" if "复用" in found["also"] else "arena_pattern_off"
    unproven = [one for one in (case, "arena_off") if not judge.took_effect(words, index, one)]
    judge.tally.note("unproven", f"{text} ({unproven})", wrong=bool(unproven))
    name = words.export.experiment
    apart = [judge.apart(name, index, case, metric, "arena_off") for metric in ("peak_mib", "kept_mib")]
    wrong = {
        "内存没有差别": any(abs(one) > TWICE for one in apart),
        "还能少占": all(one >= 0 for one in apart) or any(one > TWICE for one in apart),
        "占得反而多": all(one <= 0 for one in apart) or any(one < -TWICE for one in apart),
        "峰值和留存": apart[0] * apart[1] > 0 and min(abs(one) for one in apart) > 0,
    }[found["word"]]
    judge.tally.note("sentence", f"{text} {apart}", wrong=wrong)
