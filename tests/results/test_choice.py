"""Which candidate meets a need: chosen on the even rounds, confirmed and shown on the odd ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.results.choice import PLAUSIBLE, STABLE, choose
from bench.results.metrics import METRICS
from bench.results.records import Failure
from bench.results.store import Journal
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, ORIGINAL, Limit

if TYPE_CHECKING:
    from samples import Make, Measured

    from bench.results.published import Choice, Export
    from bench.results.records import Outcome

    Group = dict[str, Measured | list[Measured]]
    """Case -> what is measured of it, or in the rounds in turn: the even ones choose."""
    Seen = dict[int, Outcome]

MIB = 1 << 20
ROUNDS = 12
CASES = (BASELINE, CONTROL, ORIGINAL, "one", "two", "three")
PEAK = Limit(metric="peak_mib", than=BASELINE, factor=1.05, text="峰值不比默认高")
SLOW = Limit(metric="ratio", than=ORIGINAL, factor=1.05, text="至多比原文慢 5%")
OWN = Limit(metric="peak_mib", than="one", factor=1.05, text="峰值至多比 one 高 5%")


def _at(ms: float, kept_mib: int = 200, peak_mib: int = 220) -> Measured:
    return {"latency_ns": round(ms * 1e6), "kept_bytes": kept_mib * MIB, "peak_bytes": peak_mib * MIB}


def _journal(
    make: Make, *groups: Group, rounds: int = ROUNDS, dirty: Any = (), seen: Seen | None = None, **header: Any
) -> Journal:
    """Of groups in which every case but those that are named takes 10 ms; whether `one` took effect, by group."""
    each = [{"index": n, "input": f"batch={n + 1}", "cases": list(CASES)} for n in range(len(groups))]
    inputs = [make.group_record(**one) for one in each]
    journal = Journal(Path("toys/20260102-030405-abcd.jsonl"), make.header(CASES, groups=inputs, **header))
    for case in CASES[2:]:
        for index, outcome in (seen or {0: "effect"} if case == "one" else {0: "effect"}).items():
            journal.add(make.untimed(case, group=index, outcome=outcome))
    for number in range(rounds):
        for index, group in enumerate(groups):
            for position, case in enumerate(CASES):
                told = group.get(case, _at(10))
                place = {"group": index, "round": number, "position": position}
                now = told[number % len(told)] if isinstance(told, list) else told
                journal.add(make.sample(case, now, **place))
            journal.add(make.end(number, group=index, dirty=number in dirty))
    journal.add(make.footer(rounds))
    return journal


def _choose(make: Make, journal: Journal, **scenario: Any) -> Choice:
    usual = {"groups": tuple(one.index for one in journal.header.groups)}
    (choice,) = choose(make.experiment(scenarios=(make.scenario(**usual | scenario),)), journal)
    return choice


def _publish(make: Make, journal: Journal, *scenarios: dict[str, Any]) -> Export:
    return summarise(make.experiment(scenarios=tuple(make.scenario(**one) for one in scenarios)), journal)


def _one(choice: Choice) -> tuple[float | None, str]:
    """Score, and why it was refused."""
    return next((row.score, row.refused) for row in choice.candidates if row.case == "one")


WILD, ROUGH = ([_at(ms) for ms in (low, low, high, high)] for low, high in ((7, 13), (9.3, 10.7)))
HALF_WILD = ([_at(7), _at(10), _at(13), _at(10)], [_at(10), _at(7), _at(10), _at(13)])
CRASH = Failure(kind="crashed", reason="SIGSEGV")
IMPOSSIBLE: Group = dict.fromkeys(CASES, Failure(kind="not_applicable", reason="本机不适用：要 root"))
KEPT = {"minimise": "kept_mib"}
ORDER = {"candidates": (BASELINE, "two", "one")}
FAST: Group = {"one": _at(5)}
HIGH: Group = {"one": _at(5, peak_mib=232)}  # 231 is 1.05 times 220
OVER: Group = {BASELINE: _at(10, 200, 900), "one": _at(20, 200, 100), "two": _at(30, 200, 100)}
LONG: Group = {case: _at(1010 if case == "one" else 1000) for case in CASES}
"""A hundred times longer, and a loss of 1 %."""
NOBODY = "没有候选满足全部条件"
BUSY = "每一组都受扰太多，或默认设置测两遍的偏差太大，选不出来"
LEFT_OUT = "每一组都受扰太多，没有算进去"
TOO_SLOW = "不满足“至多比原文慢 5%”（玩具 batch=1）"
TOO_HIGH = "不满足“峰值不比默认高”（玩具 batch=2、玩具 batch=3）"
WORSE = "选出的那一套在核对的轮次里反而更差（玩具 batch={}）"
BROKEN = "选出的那一套在核对的轮次里不满足“峰值不比默认高”（玩具 batch=1）"


def _slow(one_ms: float) -> list[Group]:
    """5 % of the article's 20 ms, and nothing for the noise of the day; the default's 10 ms do not matter."""
    return [{ORIGINAL: _at(20), "one": _at(one_ms, kept_mib=50), CONTROL: ROUGH}]


def _noisy(peak_mib: int) -> list[Group]:
    return [{"one": _at(8)}, {CONTROL: WILD, "one": _at(30, peak_mib=peak_mib)}, FAST]


@pytest.mark.parametrize(
    ("groups", "changes", "winner", "score", "refused", "reason"),
    [
        ([{"one": _at(12)}], {}, BASELINE, 1.2, "", ""),
        ([FAST, IMPOSSIBLE], {}, "one", 0.5, "", ""),  # what this machine cannot do at all decides nothing
        ([{"one": _at(8), "two": _at(5)}], {}, "two", 0.8, "", ""),
        # two per cent are a tie, and five of memory, however noisy the day: the first is the simplest
        ([{"one": _at(8), "two": _at(7.9), CONTROL: ROUGH}], {}, "one", 0.8, "", ""),
        ([{"one": _at(8), "two": _at(7.8), CONTROL: ROUGH}], {}, "two", 0.8, "", ""),
        ([{"one": _at(8), "two": _at(7.9)}], ORDER, "two", 0.8, "", ""),
        ([{"one": _at(10, 191), "two": _at(10, 150)}], KEPT, "two", 0.955, "", ""),
        ([{"one": _at(10, 191), "two": _at(10, 195)}], KEPT, BASELINE, 0.955, "", ""),
        # groups count alike, however long they take; the arithmetic mean would choose `two`
        ([{"one": _at(5), "two": _at(7.4)}, {"two": _at(7.4)}], ORDER, "one", 0.707107, "", ""),
        ([{"one": _at(8)}, LONG], {}, "one", 0.898888, "", ""),
        ([{"one": _at(8)}, {"one": _at(50)}], {"groups": (0,)}, "one", 0.8, "", ""),
        ([HIGH], {"groups": (3,)}, BASELINE, None, LEFT_OUT, "这台机器上没有测到它的任何一组输入"),
        # limits: the first that is broken is told
        ([{"one": _at(5, peak_mib=231)}], {"limits": (PEAK,)}, "one", 0.5, "", ""),
        ([{}, HIGH, HIGH], {"limits": (PEAK,)}, BASELINE, 0.629961, TOO_HIGH, ""),
        ([{"one": _at(30, peak_mib=400)}], {"limits": (SLOW, PEAK)}, BASELINE, 3.0, TOO_SLOW, ""),
        ([{ORIGINAL: CRASH, "one": _at(5)}], {"limits": (SLOW,)}, BASELINE, 0.5, TOO_SLOW, NOBODY),
        (_slow(20.9), KEPT | {"limits": (SLOW,)}, "one", 0.25, "", ""),
        (_slow(21.1), KEPT | {"limits": (SLOW,)}, BASELINE, 0.25, TOO_SLOW, ""),
        # whichever half it failed in: what may fail is not recommended, however fast it is in other rounds
        ([{"one": CRASH}], {}, BASELINE, None, "SIGSEGV", ""),
        ([{"one": [*[_at(5)] * 6, CRASH, *[_at(5)] * 5]}], {}, BASELINE, 0.5, "有的轮次里没有测成", ""),
        ([{"one": [*[_at(5)] * 11, CRASH]}], {}, BASELINE, 0.5, "有的轮次里没有测成", ""),
        ([{"one": {"peak_bytes": None}}], {"minimise": "peak_mib"}, BASELINE, None, "没有测到", ""),
        ([FAST], {"minimise": "p95_ratio"}, BASELINE, None, "没有测到", NOBODY),  # too few calls
        # the page must not praise a setting above a table that calls it slower than the default
        ([{"one": [_at(20), _at(5)]}], {}, BASELINE, 2.0, "", ""),
        ([{"one": [_at(5), _at(20)]}], {}, BASELINE, 0.5, "", WORSE.format(1)),
        ([{"one": [_at(10, 100), _at(10, 300)]}], KEPT, BASELINE, 0.5, "", WORSE.format(1)),
        ([{"one": _at(5)}, {"one": _at(12)}], {}, BASELINE, 0.774597, "", WORSE.format(2)),
        ([{"one": [_at(5), _at(10)]}], {}, "one", 0.5, "", ""),  # merely no better
        ([{"one": [_at(5), _at(5, peak_mib=400)]}], {"limits": (PEAK,)}, BASELINE, 0.5, "", BROKEN),
        # cores that are not its own: what breaks a limit itself is no measure for the winner
        ([OVER], {"limits": (OWN,)}, "one", 2.0, "", ""),
        # it must have been seen to take effect wherever it was looked for
        ([FAST], {"seen": {0: "nothing"}}, BASELINE, 0.5, "设了和默认一样，什么都没有改变", ""),
        ([FAST, FAST], {"seen": {0: "effect", 1: "unseen"}}, BASELINE, 0.5, "没有观察到它生效", ""),
        ([FAST, FAST], {"seen": {0: "effect", 1: "unseen"}, "groups": (0,)}, "one", 0.5, "", ""),
        # noise takes time and not memory: in the noisy group `one` looks slow, which nobody can tell
        (_noisy(220), {"limits": (PEAK,)}, "one", 0.632456, "", ""),
        (_noisy(900), {"limits": (PEAK,)}, BASELINE, 0.632456, "不满足“峰值不比默认高”（玩具 batch=2）", ""),
        # a winner could neither be chosen nor shown to be one
        *(([{CONTROL: again, "one": _at(9)}], {}, BASELINE, None, LEFT_OUT, BUSY) for again in HALF_WILD),
    ],
)
def test_best_that_may_win_does_unless_the_other_half_speaks_against_it(
    make: Make, groups: list[Group], changes: Any, winner: str, score: float | None, refused: str, reason: str
) -> None:
    seen, scenario = changes.get("seen"), {name: value for name, value in changes.items() if name != "seen"}
    choice = _choose(make, _journal(make, *groups, seen=seen), **scenario)
    assert (choice.winner, choice.reason, *_one(choice)) == (winner, reason, score, refused)


@pytest.mark.parametrize(
    ("profile", "rounds", "dirty", "reason"),
    [
        ("default", 12, (2, 3), ""),
        ("default", 12, (2, 4), BUSY),  # two of the six rounds of either half are too many
        ("default", 12, (3, 5), BUSY),
        ("smoke", 1, (), "草稿，不作推荐"),
        ("default", 11, (), "用来选或用来核对的只有 5 轮，不作推荐"),
    ],
)
def test_poor_rounds_choose_nothing(make: Make, profile: str, rounds: int, dirty: Any, reason: str) -> None:
    """What cannot be shown is not recommended; the only round of a smoke test is published all the same."""
    export = _publish(make, _journal(make, FAST, rounds=rounds, dirty=dirty, profile=profile), {})
    (choice,), busy = export.choices, reason == BUSY
    assert (choice.winner, choice.reason) == (BASELINE if reason else "one", reason)
    assert (choice.rounds, choice.vote, choice.stable) == ((rounds + 1) // 2, None if reason else 1.0, True)
    assert _one(choice) == ((None, LEFT_OUT) if busy else (0.5, ""))
    assert choice.left_out == (["玩具 batch=1"] if busy else [])
    (shown,) = (row for row in export.rows if (row.case, row.metric) == ("one", "ratio"))
    assert (shown.value, shown.rounds) == (0.5, max(1, rounds // 2))


def test_each_need_has_its_winner_by_the_even_rounds_and_the_odd_ones_are_published(make: Make) -> None:
    """But whether outputs are equal is not a matter of luck: the first round, which compared them, is shown."""
    equal = {"outputs_compared": 1, "outputs_identical": False, "outputs_difference": 2e-6}
    even, odd = _at(5, kept_mib=100), _at(7.5, kept_mib=150) | {"outputs_compared": 0}
    journal = _journal(make, {"one": [even | equal, odd], "two": _at(20, kept_mib=50)})
    whole, split = _publish(make, journal), _publish(make, journal, {"id": "time"}, {"id": "memory"} | KEPT)
    found = [(one.scenario, one.winner, _one(one)[0]) for one in split.choices]
    assert (found, whole.choices) == ([("time", "one", 0.5), ("memory", "two", 0.5)], [])
    ratio, kept, of_all = (
        next(row for row in export.rows if (row.case, row.metric) == ("one", metric))
        for export, metric in ((split, "ratio"), (split, "kept_mib"), (whole, "ratio"))
    )
    assert (ratio.value, ratio.low, ratio.high) == (0.75, 0.75, 0.75)
    assert (ratio.rounds, ratio.verdict) == (6, "faster")
    assert (kept.value, kept.low, kept.high) == (150, 150, 150)
    assert (of_all.value, of_all.low, of_all.high, of_all.rounds) == (0.625, 0.5, 0.75, ROUNDS)
    assert ("one", False, 2e-6) in [(row.case, row.identical, row.difference) for row in split.outputs]


EVEN = {"one": (8, 8, 8, 11, 11, 11), "two": (11, 11, 10.6, 7.6, 7.6, 7.5), "three": (12, 12, 12, 6, 12, 12)}
UNSTEADY: Group = {case: [_at(ms) for even in told for ms in (even, 9)] for case, told in EVEN.items()}


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_unstable_choice_falls_back_to_the_simplest(make: Make, order: tuple[str, str]) -> None:
    """`two` is the best of all rounds, `one` now and then, `three` hardly ever; a seed draws the same vote."""
    candidates = (BASELINE, "three", *order)
    choice, again, other = (
        _choose(make, _journal(make, UNSTEADY, seed=seed), candidates=candidates) for seed in (7, 7, 8)
    )
    assert (choice.stable, choice.winner) == (False, order[0])
    assert PLAUSIBLE <= (choice.vote or 0) < STABLE
    assert again == choice
    assert other.vote != choice.vote


def test_processes_are_read_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process reports a thousand latencies, and rounds are drawn hundreds of times."""
    read: list[float] = []
    counted = replace(METRICS["latency_ms"], read=lambda f: read.append(1) or f.latency_ns())
    monkeypatch.setitem(METRICS, "latency_ms", counted)
    assert _choose(make, _journal(make, UNSTEADY), limits=(SLOW,)).vote is not None
    assert len(read) < 20 * ROUNDS * len(CASES)
