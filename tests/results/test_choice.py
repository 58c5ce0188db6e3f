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

    from conftest import Make, Measured

    from bench.results.published import CandidateRow, Choice, Row
    from bench.results.records import Outcome
    from bench.spec import Scenario

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


class Need:
    """A scenario, and a journal of groups in which every case but those that a test names takes 10 ms."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.outcomes: dict[str, Outcome] = {}
        self.rounds = ROUNDS
        self.dirty: Sequence[int] = ()
        self.header: dict[str, Any] = {}

    def journal(self, *groups: Group) -> Journal:
        records = [
            self.make.group_record(index=n, input=f"batch={n + 1}", cases=list(CASES))
            for n in range(len(groups))
        ]
        header = self.make.header(CASES, groups=records, **self.header)
        journal = Journal(Path("toys/20260102-030405-abcd.jsonl"), header)
        for case in CASES[2:]:
            journal.add(self.make.untimed(case, outcome=self.outcomes.get(case, "effect")))
        for number in range(self.rounds):
            for index, group in enumerate(groups):
                self._round(journal, number, index, group)
        journal.add(self.make.footer(self.rounds))
        return journal

    def _round(self, journal: Journal, number: int, index: int, group: Group) -> None:
        for position, case in enumerate(CASES):
            told = group.get(case, _at(10))
            measured = told(number) if callable(told) else told
            place = {"group": index, "round": number, "position": position}
            journal.add(self.make.sample(case, measured, **place))
        journal.add(self.make.end(number, group=index, dirty=number in self.dirty))

    def choose(self, *groups: Group, **scenario: Any) -> Choice:
        return self.choose_by(self.journal(*groups), len(groups), **scenario)

    def choose_by(self, journal: Journal, count: int = 1, **scenario: Any) -> Choice:
        (choice,) = choose(self.make.experiment(scenarios=(self.scenario(count, **scenario),)), journal)
        return choice

    def scenario(self, count: int = 1, /, **changes: Any) -> Scenario:
        usual = {"candidates": (BASELINE, "one", "two"), "groups": tuple(range(count))}
        return self.make.scenario(**usual | changes)

    def publish(self, journal: Journal, *scenarios: Scenario) -> dict[tuple[str, str], Row]:
        rows = summarise(self.make.experiment(scenarios=scenarios), journal).rows
        return {(row.case, row.metric): row for row in rows}


@pytest.fixture
def need(make: Make) -> Need:
    return Need(make)


def _candidate(choice: Choice, case: str) -> CandidateRow:
    (row,) = (row for row in choice.candidates if row.case == case)
    return row


def test_clear_winner_is_chosen_without_a_reason_by_every_resample(need: Need) -> None:
    choice = need.choose({"one": _at(8), "two": _at(5)})
    assert (choice.winner, choice.reason, choice.rounds) == ("two", "", ROUNDS // 2)
    assert (choice.vote, choice.stable) == (1.0, True)
    assert [(row.case, row.score, row.refused) for row in choice.candidates] == [
        (BASELINE, 1.0, ""),
        ("one", 0.8, ""),
        ("two", 0.5, ""),
    ]


def _rough(number: int) -> Measured:
    return _at(9.3 if number % 4 < 2 else 10.7)


@pytest.mark.parametrize("control", [_at(10), _rough], ids=["quiet", "rough"])
@pytest.mark.parametrize(
    ("group", "changes", "winner"),
    [
        ({"one": _at(12)}, {}, BASELINE),
        ({"one": _at(8), "two": _at(7.9)}, {}, "one"),  # two per cent are a tie: the first is the simplest
        ({"one": _at(8), "two": _at(8.1)}, {}, "one"),
        ({"one": _at(8), "two": _at(7.8)}, {}, "two"),
        ({"one": _at(8), "two": _at(7.9)}, {"candidates": ("two", "one", BASELINE)}, "two"),
        ({"one": _at(9.7)}, {}, "one"),
        ({"one": _at(10, 191), "two": _at(10, 150)}, {"minimise": "kept_mib"}, "two"),
        ({"one": _at(10, 191), "two": _at(10, 195)}, {"minimise": "kept_mib"}, BASELINE),  # 5 % are a tie
    ],
)
def test_simplest_of_those_that_cannot_be_told_apart_wins_whatever_the_noise(
    need: Need, group: Group, changes: dict[str, Any], winner: str, control: Measured
) -> None:
    choice = need.choose({**group, CONTROL: control}, **changes)
    assert (choice.winner, choice.reason) == (winner, "")


CRASH = Failure(kind="crashed", reason="SIGSEGV")
HIGH: Group = {"one": _at(5, peak_mib=232)}  # 231 is 1.05 times 220
TOO_SLOW = "不满足“至多比原文慢 5%”（玩具 batch=1）"


def _crashed(*numbers: int) -> Group:
    return {"one": lambda number: CRASH if number in numbers else _at(5)}


@pytest.mark.parametrize(
    ("groups", "changes", "score", "refused"),
    [
        ([{"one": _at(5, peak_mib=231)}], {"limits": (PEAK,)}, 0.5, ""),
        (
            [{}, HIGH, HIGH],
            {"limits": (PEAK,)},
            0.629961,
            "不满足“峰值不比默认高”（玩具 batch=2、玩具 batch=3）",
        ),
        ([{"one": _at(30, peak_mib=400)}], {"limits": (SLOW, PEAK)}, 3.0, TOO_SLOW),  # the first is told
        ([{ORIGINAL: CRASH, "one": _at(5)}], {"limits": (SLOW,)}, 0.5, TOO_SLOW),  # nothing to compare with
        ([_crashed(*range(ROUNDS))], {}, None, "SIGSEGV"),
        ([{"one": _at(5)}, _crashed(*range(ROUNDS))], {}, None, "SIGSEGV"),
        # whichever half it failed in: what may fail is not recommended, however fast it is in other rounds
        *(([_crashed(n)], {}, 0.5, "有的轮次里没有测成") for n in (0, 1, 6, ROUNDS - 1)),
        ([{"one": {"peak_bytes": None}}], {"minimise": "peak_mib"}, None, "没有测到"),
        ([{"one": _at(5)}], {"minimise": "p95_ratio"}, None, "没有测到"),  # of fewer than a hundred calls
    ],
)
def test_candidate_that_failed_has_no_figure_or_breaks_a_limit_is_refused_with_the_reason(
    need: Need, groups: list[Group], changes: dict[str, Any], score: float | None, refused: str
) -> None:
    choice = need.choose(*groups, **changes)
    row = _candidate(choice, "one")
    assert (row.score, row.refused) == (score, refused)
    nobody = not any(candidate.able for candidate in choice.candidates)
    assert choice.winner == (BASELINE if refused else "one")
    assert choice.reason == ("没有候选满足全部条件" if nobody else "")


@pytest.mark.parametrize("control", [_at(10), _rough], ids=["quiet", "rough"])
@pytest.mark.parametrize(("one_ms", "refused"), [(20.9, False), (21.1, True)])
def test_limit_on_time_is_a_fixed_number_held_against_its_case(
    need: Need, control: Measured, one_ms: float, *, refused: bool
) -> None:
    """5 % of the article's 20 ms are allowed, and nothing for the noise of the day; the default's 10 ms do not matter."""
    group: Group = {ORIGINAL: _at(20), "one": _at(one_ms, kept_mib=50), CONTROL: control}
    choice = need.choose(group, candidates=(ORIGINAL, "one"), minimise="kept_mib", limits=(SLOW,))
    assert bool(_candidate(choice, "one").refused) is refused
    assert _candidate(choice, ORIGINAL).refused == ""
    assert choice.winner == (ORIGINAL if refused else "one")


@pytest.mark.parametrize(
    ("seen", "groups", "told"),
    [
        ({0: "unseen"}, 2, "没有观察到它生效"),
        ({0: "nothing"}, 2, "什么都没有改变"),
        ({}, 2, "没有观察到它生效"),  # nobody looked
        (
            {0: "effect", 1: "unseen"},
            2,
            "没有观察到它生效",
        ),  # it must have been seen wherever it was looked for
        ({0: "effect", 1: "unseen"}, 1, ""),
    ],
)
def test_candidate_that_was_not_seen_to_take_effect_is_refused(
    need: Need, make: Make, seen: dict[int, Outcome], groups: int, told: str
) -> None:
    journal = need.journal({"one": _at(5)}, {"one": _at(5)})
    journal.untimed[:] = [one for one in journal.untimed if one.case != "one"]
    for index, outcome in seen.items():
        journal.add(make.untimed("one", group=index, outcome=outcome))
    choice = need.choose_by(journal, groups)
    assert (choice.winner, choice.reason) == (BASELINE if told else "one", "")
    assert told in _candidate(choice, "one").refused
    assert bool(_candidate(choice, "one").refused) == bool(told)
    assert _candidate(choice, BASELINE).refused == ""


def test_default_stands_in_where_no_candidate_is_fit(need: Need) -> None:
    group: Group = {"one": _at(5, peak_mib=400), "two": _at(6, peak_mib=400)}
    choice = need.choose(group, candidates=("one", "two"), limits=(PEAK,))
    assert (choice.winner, choice.reason) == (BASELINE, "没有候选满足全部条件")
    assert all(row.refused for row in choice.candidates)


BUSY = "每一组都受扰太多，或默认设置测两遍的偏差太大，选不出来"


@pytest.mark.parametrize(
    ("profile", "rounds", "dirty", "counted", "reason"),
    [
        ("default", 12, (), 6, ""),
        ("default", 12, (2, 3), 6, ""),
        ("default", 12, (2, 4), 6, BUSY),  # two of the six rounds of either half are too many
        ("default", 12, (3, 5), 6, BUSY),
        ("smoke", 1, (), 1, "草稿，不作推荐"),
        ("quick", 12, (), 6, "草稿，不作推荐"),
        ("default", 11, (), 6, "有一半只有 5 轮，不作推荐"),
        ("default", 10, (), 5, "有一半只有 5 轮，不作推荐"),
        ("default", 2, (), 1, "有一半只有 1 轮，不作推荐"),
        ("default", 1, (), 1, "有一半只有 1 轮，不作推荐"),
    ],
)
def test_drafts_busy_machines_and_few_rounds_recommend_nothing(
    need: Need, profile: str, rounds: int, dirty: Sequence[int], counted: int, reason: str
) -> None:
    """What cannot be shown is not recommended; the only round of a smoke test is published all the same."""
    need.header, need.rounds, need.dirty = {"profile": profile}, rounds, dirty
    journal = need.journal({"one": _at(5)})
    choice = need.choose_by(journal)
    assert (choice.winner, choice.reason) == (BASELINE if reason else "one", reason)
    assert (choice.rounds, choice.vote) == (counted, None if reason else 1.0)
    row = _candidate(choice, "one")
    busy = reason == BUSY
    assert (row.score, row.refused) == ((None, "每一组都受扰太多，没有算进去") if busy else (0.5, ""))
    assert choice.left_out == (["玩具 batch=1"] if busy else [])
    shown = need.publish(journal, need.scenario())["one", "ratio"]
    assert (shown.value, shown.rounds) == (0.5, max(1, rounds // 2))


def test_only_the_groups_of_the_need_count_and_there_must_be_some(need: Need) -> None:
    groups: tuple[Group, ...] = ({"one": _at(5)}, {"one": _at(90)})
    found = [need.choose(*groups, groups=(index,)) for index in (0, 1, 3)]
    assert [choice.winner for choice in found] == ["one", BASELINE, BASELINE]
    assert "没有测到它的任何一组输入" in found[2].reason
    assert found[2].rounds == 0


LONG: Group = {case: _at(1010 if case == "one" else 1000) for case in CASES}
"""A hundred times longer, and a loss of 1 %."""


@pytest.mark.parametrize(
    ("groups", "score"),
    [
        ([{"one": _at(5), "two": _at(7.4)}, {"one": _at(10), "two": _at(7.4)}], 0.5),  # arithmetic: `two`
        ([{"one": _at(8)}, LONG], 0.8 * 1.01),  # groups count alike, however long they take
    ],
)
def test_several_groups_count_by_the_geometric_mean_of_their_ratios(
    need: Need, groups: list[Group], score: float
) -> None:
    choice = need.choose(*groups, candidates=(BASELINE, "two", "one"))
    assert choice.winner == "one"
    assert _candidate(choice, "one").score == pytest.approx(score**0.5, rel=1e-5)


def test_even_rounds_choose_and_odd_rounds_are_published(need: Need) -> None:
    """`one` takes half the time of the default in the one half, and three quarters in the other."""
    journal = need.journal({"one": _halves(_at(5, kept_mib=100), _at(7.5, kept_mib=300))})
    choice, rows = need.choose_by(journal), need.publish(journal, need.scenario())
    assert (choice.winner, choice.rounds, choice.reason) == ("one", 6, "")
    assert _candidate(choice, "one").score == 0.5
    ratio, kept = rows["one", "ratio"], rows["one", "kept_mib"]
    assert (ratio.value, ratio.low, ratio.high) == (0.75,) * 3
    assert (ratio.rounds, ratio.verdict) == (6, "faster")
    assert (kept.value, kept.low, kept.high) == (300, 300, 300)
    whole = need.publish(journal)["one", "ratio"]  # without a need, all rounds are published
    assert (whole.value, whole.low, whole.high, whole.rounds) == (0.625, 0.5, 0.75, ROUNDS)


KEPT = {"minimise": "kept_mib"}
WORSE = "选出的那一套在另一半轮次里反而更差（玩具 batch={}）"
BROKEN = "选出的那一套在另一半轮次里不满足“峰值不比默认高”（玩具 batch=1）"
OWN = Limit(metric="peak_mib", than="one", factor=1.05, text="峰值至多比 one 高 5%")


@pytest.mark.parametrize(
    ("groups", "changes", "winner", "reason"),
    [
        ([{"one": _halves(_at(20), _at(5))}], {}, BASELINE, ""),  # only the other half shows it
        ([{"one": _halves(_at(10, 100), _at(10, 150))}], KEPT, "one", ""),
        # the page must not praise a setting above a table that calls it slower than the default
        ([{"one": _halves(_at(5), _at(20))}], {}, BASELINE, WORSE.format(1)),
        ([{"one": _halves(_at(10, 100), _at(10, 300))}], KEPT, BASELINE, WORSE.format(1)),
        (
            [{"one": _at(5)}, {"one": _at(12)}],
            {},
            BASELINE,
            WORSE.format(2),
        ),  # a gain does not pay for a loss
        ([{"one": _halves(_at(5), _at(10))}], {}, "one", ""),  # merely no better
        ([{"one": _halves(_at(5, peak_mib=400), _at(5))}], {"limits": (PEAK,)}, BASELINE, ""),
        ([{"one": _halves(_at(5), _at(5, peak_mib=400))}], {"limits": (PEAK,)}, BASELINE, BROKEN),
        # cores that are not its own: what breaks a limit itself is no measure for the winner
        (
            [{BASELINE: _at(10, 200, 900), "one": _at(20, 200, 100), "two": _at(30, 200, 100)}],
            {"limits": (OWN,)},
            "one",
            "",
        ),
    ],
)
def test_what_the_one_half_chooses_the_other_half_must_not_speak_against(
    need: Need, groups: list[Group], changes: dict[str, Any], winner: str, reason: str
) -> None:
    choice = need.choose(*groups, **changes)
    assert (choice.winner, choice.reason) == (winner, reason)


def _wild(number: int) -> Measured:
    return _at(7 if number % 4 < 2 else 13)


@pytest.mark.parametrize("half", [0, 1])
def test_wild_control_on_either_half_recommends_nothing(need: Need, half: int) -> None:
    """A winner could neither be chosen nor shown to be one."""
    wild: Group = {CONTROL: lambda n: _wild(n) if n % 2 == half else _at(10), "one": _at(9)}
    choice = need.choose(wild)
    assert (choice.winner, choice.vote) == (BASELINE, None)
    assert "偏差太大" in choice.reason


@pytest.mark.parametrize(("peak_mib", "winner"), [(220, "one"), (900, BASELINE)])
def test_noisy_group_is_left_out_and_named_but_its_memory_keeps_its_limit(
    need: Need, peak_mib: int, winner: str
) -> None:
    """In the noisy one `one` looks slow, which nobody can tell."""
    noisy: Group = {CONTROL: _wild, "one": _at(30, peak_mib=peak_mib)}
    choice = need.choose({"one": _at(8)}, noisy, {"one": _at(5)}, limits=(PEAK,))
    assert (choice.winner, choice.reason, choice.left_out) == (winner, "", ["玩具 batch=2"])
    assert _candidate(choice, "one").score == pytest.approx((0.8 * 0.5) ** 0.5, rel=1e-5)
    assert ("batch=2" in _candidate(choice, "one").refused) == (winner == BASELINE)


def _by_turns(*milliseconds: float) -> Callable[[int], Measured]:
    """The rounds that choose in turn; the others are the same throughout."""
    return lambda number: _at(9) if number % 2 else _at(milliseconds[number // 2 % len(milliseconds)])


UNSTEADY: Group = {
    "one": _by_turns(8, 8, 8, 11, 11, 11),
    "two": _by_turns(11, 11, 10.6, 7.6, 7.6, 7.5),
    "three": _by_turns(12, 12, 12, 6, 12, 12),
}


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_choice_that_changes_with_the_rounds_falls_back_to_the_simplest_of_the_usual_ones(
    need: Need, order: tuple[str, str]
) -> None:
    """`two` is the best of all rounds, `one` now and then, `three` hardly ever; the same seed draws the same vote."""
    candidates = (BASELINE, "three", *order)
    choice = need.choose(UNSTEADY, candidates=candidates)
    assert (choice.stable, choice.winner) == (False, order[0])
    assert choice.vote is not None
    assert PLAUSIBLE <= choice.vote < STABLE
    assert need.choose(UNSTEADY, candidates=candidates) == choice
    need.header = {"seed": 8}
    assert need.choose(UNSTEADY, candidates=candidates).vote != choice.vote


def test_rounds_are_drawn_anew_without_reading_processes_anew(
    need: Need, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process reports a thousand latencies, and rounds are drawn hundreds of times."""
    read = []
    metric = replace(METRICS["latency_ms"], read=lambda f: read.append(1) or f.latency_ns())
    monkeypatch.setitem(METRICS, metric.id, metric)
    assert need.choose(UNSTEADY, limits=(SLOW,)).vote is not None
    assert len(read) < 20 * ROUNDS * len(CASES)


def test_outputs_that_the_first_round_compared_are_shown(need: Need, make: Make) -> None:
    """It is one of those that choose, but whether outputs are equal is not a matter of luck."""
    compared = {"outputs_compared": 1, "outputs_identical": False, "outputs_difference": 2e-6}
    journal = need.journal({"one": lambda number: compared if number == 0 else {"outputs_compared": 0}})
    found = summarise(make.experiment(scenarios=(need.scenario(),)), journal).outputs
    (row,) = (row for row in found if row.case == "one")
    assert (row.identical, row.difference) == (False, 2e-6)


def test_each_need_has_its_winner(need: Need, make: Make) -> None:
    journal = need.journal({"one": _at(5, kept_mib=400), "two": _at(20, kept_mib=100)})
    scenarios = (need.scenario(id="latency"), need.scenario(id="memory", minimise="kept_mib"))
    found = summarise(make.experiment(scenarios=scenarios), journal).choices
    assert [(choice.scenario, choice.winner) for choice in found] == [("latency", "one"), ("memory", "two")]
    assert summarise(make.experiment(), journal).choices == []
