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
    from collections.abc import Callable, Sequence

    from samples import Make, Measured

    from bench.results.published import Choice, Export
    from bench.results.records import Outcome

    Group = dict[str, Measured | Callable[[int], Measured]]
    """Case -> what is measured of it, maybe by the number of the round."""

MIB = 1 << 20
ROUNDS = 12
CASES = (BASELINE, CONTROL, ORIGINAL, "one", "two", "three")
PEAK = Limit(metric="peak_mib", than=BASELINE, factor=1.05, text="峰值不比默认高")
SLOW = Limit(metric="ratio", than=ORIGINAL, factor=1.05, text="至多比原文慢 5%")


def _at(ms: float, kept_mib: int = 200, peak_mib: int = 220) -> Measured:
    return {"latency_ns": round(ms * 1e6), "kept_bytes": kept_mib * MIB, "peak_bytes": peak_mib * MIB}


def _halves(even: Measured, odd: Measured) -> Callable[[int], Measured]:
    return lambda number: odd if number % 2 else even


def _wild(number: int) -> Measured:
    return _at(7 if number % 4 < 2 else 13)


def _rough(number: int) -> Measured:
    return _at(9.3 if number % 4 < 2 else 10.7)


class Need:
    """A scenario, and a journal of groups in which every case but those that a test names takes 10 ms."""

    def __init__(self, make: Make) -> None:
        self.make = make

    def journal(
        self, *groups: Group, rounds: int = ROUNDS, dirty: Sequence[int] = (), **header: Any
    ) -> Journal:
        records = [
            self.make.group_record(index=n, input=f"batch={n + 1}", cases=list(CASES))
            for n in range(len(groups))
        ]
        path = Path("toys/20260102-030405-abcd.jsonl")
        journal = Journal(path, self.make.header(CASES, groups=records, **header))
        for case in CASES[2:]:
            journal.add(self.make.untimed(case))
        for number in range(rounds):
            for index, group in enumerate(groups):
                for position, case in enumerate(CASES):
                    told = group.get(case, _at(10))
                    measured = told(number) if callable(told) else told
                    place = {"group": index, "round": number, "position": position}
                    journal.add(self.make.sample(case, measured, **place))
                journal.add(self.make.end(number, group=index, dirty=number in dirty))
        journal.add(self.make.footer(rounds))
        return journal

    def publish(self, journal: Journal, *scenarios: dict[str, Any]) -> Export:
        needs = tuple(self.make.scenario(**one) for one in scenarios)
        return summarise(self.make.experiment(scenarios=needs), journal)

    def choose(self, *groups: Group | Journal, **scenario: Any) -> Choice:
        """On a journal of these groups, or on one that is there."""
        journal = groups[0] if isinstance(groups[0], Journal) else self.journal(*groups)  # type: ignore[arg-type]
        usual = {"groups": tuple(one.index for one in journal.header.groups)}
        need = self.make.scenario(**usual | scenario)
        (choice,) = choose(self.make.experiment(scenarios=(need,)), journal)
        return choice


@pytest.fixture
def need(make: Make) -> Need:
    return Need(make)


def _scores(choice: Choice) -> dict[str, tuple[float | None, str]]:
    return {row.case: (row.score, row.refused) for row in choice.candidates}


def test_clear_winner_is_chosen_without_a_reason_by_every_resample(need: Need) -> None:
    choice = need.choose({"one": _at(8), "two": _at(5)})
    assert (choice.winner, choice.reason, choice.rounds) == ("two", "", ROUNDS // 2)
    assert (choice.vote, choice.stable) == (1.0, True)
    assert _scores(choice) == {BASELINE: (1.0, ""), "one": (0.8, ""), "two": (0.5, "")}


@pytest.mark.parametrize("control", [_at(10), _rough], ids=["quiet", "rough"])
@pytest.mark.parametrize(
    ("group", "changes", "winner"),
    [
        ({"one": _at(12)}, {}, BASELINE),
        ({"one": _at(8), "two": _at(7.9)}, {}, "one"),  # two per cent are a tie: the first is the simplest
        ({"one": _at(8), "two": _at(7.8)}, {}, "two"),
        ({"one": _at(8), "two": _at(7.9)}, {"candidates": ("two", "one", BASELINE)}, "two"),
        ({"one": _at(10, 191), "two": _at(10, 150)}, {"minimise": "kept_mib"}, "two"),
        ({"one": _at(10, 191), "two": _at(10, 195)}, {"minimise": "kept_mib"}, BASELINE),  # 5 % are a tie
    ],
)
def test_simplest_of_a_tie_wins(
    need: Need, group: Group, changes: dict[str, Any], winner: str, control: Measured
) -> None:
    choice = need.choose({**group, CONTROL: control}, **changes)
    assert (choice.winner, choice.reason) == (winner, "")


CRASH = Failure(kind="crashed", reason="SIGSEGV")
HIGH: Group = {"one": _at(5, peak_mib=232)}  # 231 is 1.05 times 220
TOO_SLOW = "不满足“至多比原文慢 5%”（玩具 batch=1）"
TOO_HIGH = "不满足“峰值不比默认高”（玩具 batch=2、玩具 batch=3）"


def _crashed(*numbers: int) -> Group:
    return {"one": lambda number: CRASH if number in numbers else _at(5)}


@pytest.mark.parametrize(
    ("groups", "changes", "score", "refused"),
    [
        ([{"one": _at(5, peak_mib=231)}], {"limits": (PEAK,)}, 0.5, ""),
        ([{}, HIGH, HIGH], {"limits": (PEAK,)}, 0.629961, TOO_HIGH),
        ([{"one": _at(30, peak_mib=400)}], {"limits": (SLOW, PEAK)}, 3.0, TOO_SLOW),  # the first is told
        ([{ORIGINAL: CRASH, "one": _at(5)}], {"limits": (SLOW,)}, 0.5, TOO_SLOW),  # nothing to compare with
        ([{"one": _at(5)}, _crashed(*range(ROUNDS))], {}, None, "SIGSEGV"),
        # whichever half it failed in: what may fail is not recommended, however fast it is in other rounds
        *(([_crashed(n)], {}, 0.5, "有的轮次里没有测成") for n in (6, ROUNDS - 1)),
        ([{"one": {"peak_bytes": None}}], {"minimise": "peak_mib"}, None, "没有测到"),
        ([{"one": _at(5)}], {"minimise": "p95_ratio"}, None, "没有测到"),  # of fewer than a hundred calls
    ],
)
def test_candidate_that_failed_has_no_figure_or_breaks_a_limit_is_refused_with_the_reason(
    need: Need, groups: list[Group], changes: dict[str, Any], score: float | None, refused: str
) -> None:
    choice = need.choose(*groups, **changes)
    assert _scores(choice)["one"] == (score, refused)
    nobody = not any(row.able for row in choice.candidates)
    expected = (BASELINE if refused else "one", "没有候选满足全部条件" if nobody else "")
    assert (choice.winner, choice.reason) == expected


@pytest.mark.parametrize("control", [_at(10), _rough], ids=["quiet", "rough"])
@pytest.mark.parametrize(("one_ms", "winner"), [(20.9, "one"), (21.1, ORIGINAL)])
def test_limit_on_time_is_a_fixed_number(need: Need, control: Measured, one_ms: float, winner: str) -> None:
    """5 % of the article's 20 ms, and nothing for the noise of the day; the default's 10 ms do not matter."""
    group: Group = {ORIGINAL: _at(20), "one": _at(one_ms, kept_mib=50), CONTROL: control}
    choice = need.choose(group, candidates=(ORIGINAL, "one"), minimise="kept_mib", limits=(SLOW,))
    assert (choice.winner, [row.able for row in choice.candidates]) == (winner, [True, winner == "one"])


UNSEEN = "没有观察到它生效"


@pytest.mark.parametrize(
    ("seen", "groups", "told"),
    [
        ({0: "unseen"}, 2, UNSEEN),
        ({0: "nothing"}, 2, "设了和默认一样，什么都没有改变"),
        ({}, 2, UNSEEN),  # nobody looked
        ({0: "effect", 1: "unseen"}, 2, UNSEEN),  # it must have been seen wherever it was looked for
        ({0: "effect", 1: "unseen"}, 1, ""),
    ],
)
def test_candidate_without_proof_is_refused(
    need: Need, make: Make, seen: dict[int, Outcome], groups: int, told: str
) -> None:
    journal = need.journal({"one": _at(5)}, {"one": _at(5)})
    journal.untimed[:] = [one for one in journal.untimed if one.case != "one"]
    for index, outcome in seen.items():
        journal.add(make.untimed("one", group=index, outcome=outcome))
    choice = need.choose(journal, groups=tuple(range(groups)))
    assert (choice.winner, choice.reason) == (BASELINE if told else "one", "")
    assert [row.refused for row in choice.candidates] == ["", told, ""]


BUSY = "每一组都受扰太多，或默认设置测两遍的偏差太大，选不出来"


@pytest.mark.parametrize(
    ("profile", "rounds", "dirty", "reason"),
    [
        ("default", 12, (2, 3), ""),
        ("default", 12, (2, 4), BUSY),  # two of the six rounds of either half are too many
        ("default", 12, (3, 5), BUSY),
        ("smoke", 1, (), "草稿，不作推荐"),
        ("quick", 12, (), "草稿，不作推荐"),
        ("default", 11, (), "有一半只有 5 轮，不作推荐"),
        ("default", 1, (), "有一半只有 1 轮，不作推荐"),
    ],
)
def test_poor_rounds_recommend_nothing(
    need: Need, profile: str, rounds: int, dirty: Sequence[int], reason: str
) -> None:
    """What cannot be shown is not recommended; the only round of a smoke test is published all the same."""
    journal = need.journal({"one": _at(5)}, rounds=rounds, dirty=dirty, profile=profile)
    export = need.publish(journal, {})
    (choice,), busy = export.choices, reason == BUSY
    assert (choice.winner, choice.reason) == (BASELINE if reason else "one", reason)
    assert (choice.rounds, choice.vote) == ((rounds + 1) // 2, None if reason else 1.0)
    assert _scores(choice)["one"] == ((None, "每一组都受扰太多，没有算进去") if busy else (0.5, ""))
    assert choice.left_out == (["玩具 batch=1"] if busy else [])
    (shown,) = (row for row in export.rows if (row.case, row.metric) == ("one", "ratio"))
    assert (shown.value, shown.rounds) == (0.5, max(1, rounds // 2))


LONG: Group = {case: _at(1010 if case == "one" else 1000) for case in CASES}
"""A hundred times longer, and a loss of 1 %."""


@pytest.mark.parametrize(
    ("groups", "winner", "score"),
    [
        ([{"one": _at(5), "two": _at(7.4)}, {"one": _at(10), "two": _at(7.4)}], "one", 0.5**0.5),
        ([{"one": _at(8)}, LONG], "one", (0.8 * 1.01) ** 0.5),  # groups count alike, however long they take
        ([{"one": _at(90)}], BASELINE, 9),
    ],
)
def test_groups_count_alike(need: Need, groups: list[Group], winner: str, score: float) -> None:
    """Of the first, the arithmetic mean would choose `two`; the last group here is not one of the need."""
    which = tuple(range(len(groups)))
    choice = need.choose(*groups, {"one": _at(50)}, candidates=(BASELINE, "two", "one"), groups=which)
    assert (choice.winner, _scores(choice)["one"][0]) == (winner, pytest.approx(score, rel=1e-5))


def test_need_whose_groups_were_not_measured_has_no_winner(need: Need) -> None:
    choice = need.choose({"one": _at(5)}, groups=(3,))
    assert (choice.winner, choice.rounds) == (BASELINE, 0)
    assert choice.reason == "这台机器上没有测到它的任何一组输入"


def test_even_rounds_choose_and_odd_rounds_are_published(need: Need) -> None:
    """`one` takes half the time of the default in the one half, and three quarters in the other."""
    journal = need.journal({"one": _halves(_at(5, kept_mib=100), _at(7.5, kept_mib=300))})
    split, whole = need.publish(journal, {}), need.publish(journal)
    (choice,) = split.choices
    assert (choice.winner, choice.reason, _scores(choice)["one"]) == ("one", "", (0.5, ""))
    ratio, kept, all_rounds = (
        next(row for row in export.rows if (row.case, row.metric) == ("one", metric))
        for export, metric in ((split, "ratio"), (split, "kept_mib"), (whole, "ratio"))
    )
    assert (ratio.value, ratio.low, ratio.high, ratio.rounds, ratio.verdict) == (
        0.75,
        0.75,
        0.75,
        6,
        "faster",
    )
    assert (kept.value, kept.low, kept.high) == (300, 300, 300)
    found = (all_rounds.value, all_rounds.low, all_rounds.high, all_rounds.rounds)
    assert found == (0.625, 0.5, 0.75, ROUNDS)  # without a need


KEPT = {"minimise": "kept_mib"}
WORSE = "选出的那一套在另一半轮次里反而更差（玩具 batch={}）"
BROKEN = "选出的那一套在另一半轮次里不满足“峰值不比默认高”（玩具 batch=1）"
OWN = Limit(metric="peak_mib", than="one", factor=1.05, text="峰值至多比 one 高 5%")
OVER: Group = {BASELINE: _at(10, 200, 900), "one": _at(20, 200, 100), "two": _at(30, 200, 100)}


@pytest.mark.parametrize(
    ("groups", "changes", "winner", "reason"),
    [
        ([{"one": _halves(_at(20), _at(5))}], {}, BASELINE, ""),  # only the other half shows it
        # the page must not praise a setting above a table that calls it slower than the default
        ([{"one": _halves(_at(5), _at(20))}], {}, BASELINE, WORSE.format(1)),
        ([{"one": _halves(_at(10, 100), _at(10, 300))}], KEPT, BASELINE, WORSE.format(1)),
        ([{"one": _at(5)}, {"one": _at(12)}], {}, BASELINE, WORSE.format(2)),  # gain does not pay for loss
        ([{"one": _halves(_at(5), _at(10))}], {}, "one", ""),  # merely no better
        ([{"one": _halves(_at(5, peak_mib=400), _at(5))}], {"limits": (PEAK,)}, BASELINE, ""),
        ([{"one": _halves(_at(5), _at(5, peak_mib=400))}], {"limits": (PEAK,)}, BASELINE, BROKEN),
        # cores that are not its own: what breaks a limit itself is no measure for the winner
        ([OVER], {"limits": (OWN,)}, "one", ""),
    ],
)
def test_other_half_must_agree(
    need: Need, groups: list[Group], changes: dict[str, Any], winner: str, reason: str
) -> None:
    choice = need.choose(*groups, **changes)
    assert (choice.winner, choice.reason) == (winner, reason)


@pytest.mark.parametrize("half", [0, 1])
def test_wild_control_on_either_half_recommends_nothing(need: Need, half: int) -> None:
    """A winner could neither be chosen nor shown to be one."""
    choice = need.choose({CONTROL: lambda n: _wild(n) if n % 2 == half else _at(10), "one": _at(9)})
    assert (choice.winner, choice.vote, choice.reason) == (BASELINE, None, BUSY)


@pytest.mark.parametrize(("peak_mib", "winner"), [(220, "one"), (900, BASELINE)])
def test_noise_takes_time_and_not_memory(need: Need, peak_mib: int, winner: str) -> None:
    """In the noisy one `one` looks slow, which nobody can tell."""
    noisy: Group = {CONTROL: _wild, "one": _at(30, peak_mib=peak_mib)}
    choice = need.choose({"one": _at(8)}, noisy, {"one": _at(5)}, limits=(PEAK,))
    assert (choice.winner, choice.reason, choice.left_out) == (winner, "", ["玩具 batch=2"])
    score, refused = _scores(choice)["one"]
    assert score == pytest.approx((0.8 * 0.5) ** 0.5, rel=1e-5)
    assert ("batch=2" in refused) == (winner == BASELINE)


def _by_turns(*milliseconds: float) -> Callable[[int], Measured]:
    """The rounds that choose in turn; the others are the same throughout."""
    return lambda number: _at(9) if number % 2 else _at(milliseconds[number // 2 % len(milliseconds)])


UNSTEADY: Group = {
    "one": _by_turns(8, 8, 8, 11, 11, 11),
    "two": _by_turns(11, 11, 10.6, 7.6, 7.6, 7.5),
    "three": _by_turns(12, 12, 12, 6, 12, 12),
}


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_unstable_choice_falls_back_to_the_simplest(need: Need, order: tuple[str, str]) -> None:
    """`two` is the best of all rounds, `one` now and then, `three` hardly ever; a seed draws the same vote."""
    candidates = (BASELINE, "three", *order)
    choice, again, other = (
        need.choose(need.journal(UNSTEADY, seed=seed), candidates=candidates) for seed in (7, 7, 8)
    )
    assert (choice.stable, choice.winner) == (False, order[0])
    assert choice.vote is not None
    assert PLAUSIBLE <= choice.vote < STABLE
    assert again == choice
    assert other.vote != choice.vote


def test_processes_are_read_once(need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process reports a thousand latencies, and rounds are drawn hundreds of times."""
    read = []
    metric = replace(METRICS["latency_ms"], read=lambda f: read.append(1) or f.latency_ns())
    monkeypatch.setitem(METRICS, metric.id, metric)
    assert need.choose(UNSTEADY, limits=(SLOW,)).vote is not None
    assert len(read) < 20 * ROUNDS * len(CASES)


def test_outputs_that_the_first_round_compared_are_shown(need: Need) -> None:
    """It is one of those that choose, but whether outputs are equal is not a matter of luck."""
    compared = {"outputs_compared": 1, "outputs_identical": False, "outputs_difference": 2e-6}
    journal = need.journal({"one": lambda number: compared if number == 0 else {"outputs_compared": 0}})
    (row,) = (row for row in need.publish(journal, {}).outputs if row.case == "one")
    assert (row.identical, row.difference) == (False, 2e-6)


def test_each_need_has_its_winner(need: Need) -> None:
    journal = need.journal({"one": _at(5, kept_mib=400), "two": _at(20, kept_mib=100)})
    found = need.publish(journal, {"id": "latency"}, {"id": "memory", "minimise": "kept_mib"}).choices
    assert [(choice.scenario, choice.winner) for choice in found] == [("latency", "one"), ("memory", "two")]
    assert need.publish(journal).choices == []
