"""Which candidate meets a need: chosen on the even rounds, confirmed and shown on the odd ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.results.choice import PLAUSIBLE, STABLE, choose
from bench.results.store import Journal
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conftest import Make, Measured

    from bench.results import schema
    from bench.results.published import CandidateRow, Choice, Row
    from bench.spec import Scenario

    Group = dict[str, Measured | Callable[[int], Measured]]
    """Case -> what is measured of it, maybe by the number of the round."""

MIB = 1 << 20
ROUNDS = 12
CASES = (BASELINE, CONTROL, "original", "one", "two", "three")


def _at(ms: float, kept_mib: int = 200, peak_mib: int = 220) -> Measured:
    return {"latency_ns": round(ms * 1e6), "kept_bytes": kept_mib * MIB, "peak_bytes": peak_mib * MIB}


def _halves(even: Measured, odd: Measured) -> Callable[[int], Measured]:
    return lambda number: odd if number % 2 else even


class Need:
    """A scenario, and a journal of groups in which every case but those that a test names takes 10 ms."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.outcomes: dict[str, schema.Outcome] = {}
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
        (choice,) = choose(
            self.make.experiment(scenarios=(self.scenario(len(groups), **scenario),)), self.journal(*groups)
        )
        return choice

    def scenario(self, count: int = 1, /, **changes: Any) -> Scenario:
        usual = {"candidates": (BASELINE, "one", "two"), "groups": tuple(range(count))}
        return self.make.scenario(**usual | changes)


@pytest.fixture
def need(make: Make) -> Need:
    return Need(make)


def _candidate(choice: Choice, case: str) -> CandidateRow:
    (row,) = (row for row in choice.candidates if row.case == case)
    return row


def test_clear_winner_is_chosen_without_a_reason(need: Need) -> None:
    choice = need.choose({"one": _at(8), "two": _at(5)})
    assert (choice.winner, choice.reason, choice.rounds) == ("two", "", ROUNDS // 2)
    assert [(row.case, row.score, row.refused) for row in choice.candidates] == [
        (BASELINE, 1.0, ""),
        ("one", 0.8, ""),
        ("two", 0.5, ""),
    ]


def test_default_wins_where_nothing_is_better(need: Need) -> None:
    assert (need.choose({"one": _at(12)}).winner, need.choose({"one": _at(12)}).reason) == (BASELINE, "")


@pytest.mark.parametrize(("two_ms", "winner"), [(7.9, "one"), (8.0, "one"), (8.1, "one"), (7.8, "two")])
def test_simplest_of_those_that_cannot_be_told_apart_wins(need: Need, two_ms: float, winner: str) -> None:
    """Two per cent is a tie."""
    assert need.choose({"one": _at(8), "two": _at(two_ms)}).winner == winner


def test_order_of_the_candidates_says_which_is_the_simplest(need: Need) -> None:
    group: Group = {"one": _at(8), "two": _at(7.9)}
    assert need.choose(group, candidates=("two", "one", BASELINE)).winner == "two"
    assert need.choose(group, candidates=("one", "two", BASELINE)).winner == "one"


def test_noise_of_the_day_does_not_widen_the_tie(need: Need) -> None:
    def rough(number: int) -> Measured:
        return _at(9.3 if number % 4 < 2 else 10.7)

    for control in (_at(10), rough):
        assert need.choose({"one": _at(9.7), CONTROL: control}).winner == "one"


def test_memory_within_five_per_cent_is_a_tie(need: Need) -> None:
    group: Group = {"one": _at(10, kept_mib=191), "two": _at(10, kept_mib=150)}
    tied: Group = {"one": _at(10, kept_mib=191), "two": _at(10, kept_mib=195)}
    assert need.choose(group, minimise="kept_mib").winner == "two"
    assert need.choose(tied, minimise="kept_mib").winner == BASELINE


PEAK = Limit(metric="peak_mib", than=BASELINE, factor=1.05, text="峰值不比默认高")
SLOW = Limit(metric="ratio", than="original", factor=1.05, text="至多比原文慢 5%")


@pytest.mark.parametrize(("peak_mib", "winner"), [(231, "one"), (232, BASELINE)])
def test_candidate_beyond_a_limit_is_refused_with_its_words_and_the_group(
    need: Need, peak_mib: int, winner: str
) -> None:
    """The second of two groups takes more than 5 % more memory; 231 is 1.05 times 220."""
    choice = need.choose({"one": _at(5)}, {"one": _at(5, peak_mib=peak_mib)}, limits=(PEAK,))
    assert choice.winner == winner
    row = _candidate(choice, "one")
    assert row.score == 0.5
    if winner == BASELINE:
        assert row.refused == "不满足“峰值不比默认高”（玩具 batch=2）"
        assert choice.reason == ""


def test_every_group_beyond_a_limit_is_named(need: Need) -> None:
    high: Group = {"one": _at(5, peak_mib=400)}
    choice = need.choose(high, {}, high, limits=(PEAK,))
    assert _candidate(choice, "one").refused.endswith("（玩具 batch=1、玩具 batch=3）")


@pytest.mark.parametrize("control", [(10, 10), (9.3, 10.7)], ids=["quiet", "rough"])
@pytest.mark.parametrize(("one_ms", "refused"), [(20.9, False), (21.1, True)])
def test_limit_on_time_is_a_fixed_number_held_against_its_case(
    need: Need, control: tuple[float, float], one_ms: float, *, refused: bool
) -> None:
    """5 % of the article's 20 ms are allowed, and nothing for the noise of the day; the default's 10 ms do not matter."""
    rough = lambda number: _at(control[number % 4 // 2])  # noqa: E731
    group: Group = {"original": _at(20), "one": _at(one_ms, kept_mib=50), CONTROL: rough}
    choice = need.choose(group, candidates=("original", "one"), minimise="kept_mib", limits=(SLOW,))
    assert bool(_candidate(choice, "one").refused) is refused
    assert _candidate(choice, "original").refused == ""
    assert choice.winner == ("original" if refused else "one")


def test_first_broken_limit_is_the_one_that_is_told(need: Need) -> None:
    choice = need.choose({"one": _at(30, peak_mib=400)}, limits=(SLOW, PEAK))
    assert _candidate(choice, "one").refused.startswith("不满足“至多比原文慢 5%”")


def test_case_that_a_limit_compares_with_may_not_have_failed(need: Need, make: Make) -> None:
    choice = need.choose({"original": make.failure(), "one": _at(5)}, limits=(SLOW,))
    assert _candidate(choice, "one").refused.startswith("不满足“至多比原文慢 5%”")


@pytest.mark.parametrize(("outcome", "told"), [("unseen", "没有观察到它生效"), ("nothing", "什么都没有改变")])
def test_candidate_that_was_not_seen_to_take_effect_is_refused(
    need: Need, outcome: schema.Outcome, told: str
) -> None:
    need.outcomes = {"one": outcome}
    choice = need.choose({"one": _at(5)})
    assert (choice.winner, choice.reason) == (BASELINE, "")
    assert told in _candidate(choice, "one").refused
    assert _candidate(choice, BASELINE).refused == ""


def test_candidate_without_any_proof_is_refused(need: Need, make: Make) -> None:
    journal = need.journal({"one": _at(5)})
    journal.untimed[:] = [record for record in journal.untimed if record.case != "one"]
    (choice,) = choose(make.experiment(scenarios=(need.scenario(),)), journal)
    assert "生效" in _candidate(choice, "one").refused


def test_effect_must_have_been_seen_wherever_it_was_looked_for(need: Need, make: Make) -> None:
    journal = need.journal({"one": _at(5)}, {})
    journal.add(make.untimed("one", group=1, outcome="unseen"))
    both, first = need.scenario(2), need.scenario(1, id="first")
    found = list(choose(make.experiment(scenarios=(both, first)), journal))
    assert ["生效" in _candidate(choice, "one").refused for choice in found] == [True, False]


@pytest.mark.parametrize("number", [0, 1, 6, ROUNDS - 1])
def test_candidate_that_failed_in_any_round_is_refused(need: Need, make: Make, number: int) -> None:
    """Whichever half it failed in: what may fail is not recommended, however fast it is in the other rounds."""
    failure = make.failure("crashed", "SIGSEGV")
    choice = need.choose({"one": lambda n: failure if n == number else _at(5)})
    assert (choice.winner, choice.reason) == (BASELINE, "")
    assert _candidate(choice, "one").refused == "有的轮次里没有测成"


def test_candidate_that_always_failed_is_refused_with_its_reason(need: Need, make: Make) -> None:
    row = _candidate(need.choose({"one": make.failure("crashed", "SIGSEGV")}), "one")
    assert (row.score, row.refused) == (None, "SIGSEGV")


def test_candidate_that_failed_in_one_group_is_refused_for_all(need: Need, make: Make) -> None:
    choice = need.choose({"one": _at(5)}, {"one": make.failure("timeout", "太慢")})
    assert (choice.winner, _candidate(choice, "one").refused) == (BASELINE, "太慢")


def test_candidate_whose_figure_is_not_to_be_had_is_refused(need: Need) -> None:
    choice = need.choose({"one": {"peak_bytes": None}}, minimise="peak_mib")
    assert (_candidate(choice, "one").score, _candidate(choice, "one").refused) == (None, "没有测到")


def test_default_stands_in_where_no_candidate_is_fit(need: Need) -> None:
    group: Group = {"one": _at(5, peak_mib=400), "two": _at(6, peak_mib=400)}
    choice = need.choose(group, candidates=("one", "two"), limits=(PEAK,))
    assert (choice.winner, choice.reason) == (BASELINE, "没有候选满足全部条件")
    assert all(row.refused for row in choice.candidates)


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_draft_recommends_nothing(need: Need, profile: str) -> None:
    need.header = {"profile": profile}
    choice = need.choose({"one": _at(5)})
    assert choice.winner == BASELINE
    assert "草稿" in choice.reason
    assert _candidate(choice, "one").score == 0.5


@pytest.mark.parametrize(
    ("dirty", "winner"),
    [((), "one"), ((2,), "one"), ((2, 3), "one"), ((2, 4), BASELINE), ((3, 5), BASELINE)],
)
def test_busy_machine_recommends_nothing(need: Need, dirty: Sequence[int], winner: str) -> None:
    """Two of the six rounds of either half are too many: what cannot be shown is not recommended."""
    need.dirty = dirty
    choice = need.choose({"one": _at(5)})
    assert choice.winner == winner
    assert ("受扰太多" in choice.reason) is (winner == BASELINE)
    assert choice.left_out == ([] if winner == "one" else ["玩具 batch=1"])


@pytest.mark.parametrize(
    ("rounds", "counted", "least"), [(12, 6, 6), (11, 6, 5), (10, 5, 5), (2, 1, 1), (1, 1, 1)]
)
def test_too_few_rounds_recommend_nothing(need: Need, rounds: int, counted: int, least: int) -> None:
    need.rounds = rounds
    choice = need.choose({"one": _at(5)})
    enough = least >= 6
    assert (choice.winner, choice.rounds) == ("one" if enough else BASELINE, counted)
    assert choice.reason == ("" if enough else f"有一半只有 {least} 轮，不作推荐")


def test_only_round_of_a_smoke_test_is_published_too(need: Need, make: Make) -> None:
    need.rounds = 1
    rows, choice = _published(need.journal({"one": _at(5)}), make, need)
    assert (rows["one", "ratio"].value, rows["one", "ratio"].rounds) == (0.5, 1)
    assert choice.rounds == 1


def test_need_whose_groups_do_not_fit_this_machine_recommends_nothing(need: Need) -> None:
    choice = need.choose({"one": _at(5)}, groups=(3,))
    assert (choice.winner, choice.rounds) == (BASELINE, 0)
    assert "没有测到它的任何一组输入" in choice.reason


def test_only_the_groups_of_the_need_count(need: Need) -> None:
    groups: tuple[Group, ...] = ({"one": _at(5)}, {"one": _at(90)})
    assert need.choose(*groups, groups=(0,)).winner == "one"
    assert need.choose(*groups, groups=(1,)).winner == BASELINE


def test_several_groups_count_by_the_geometric_mean_of_their_ratios(need: Need) -> None:
    """One halves the first group and leaves the second as it is; by the arithmetic mean, `two` would do better."""
    groups: list[Group] = [{"one": _at(5), "two": _at(7.4)}, {"one": _at(10), "two": _at(7.4)}]
    choice = need.choose(*groups, candidates=(BASELINE, "two", "one"))
    assert choice.winner == "one"
    assert _candidate(choice, "one").score == pytest.approx(0.5**0.5, rel=1e-5)


def test_groups_count_alike_however_long_they_take(need: Need) -> None:
    """The second is a hundred times longer, but its loss of 1 % is less than the gain of 20 %."""
    short: Group = {"one": _at(8)}
    long: Group = {case: _at(1010 if case == "one" else 1000) for case in CASES}
    choice = need.choose(short, long)
    assert choice.winner == "one"
    assert _candidate(choice, "one").score == pytest.approx((0.8 * 1.01) ** 0.5, rel=1e-5)


def test_gain_on_one_group_does_not_pay_for_a_loss_on_another(need: Need) -> None:
    choice = need.choose({"one": _at(5)}, {"one": _at(12)})
    assert choice.winner == BASELINE
    assert choice.reason.endswith("反而更差（玩具 batch=2）")


def _published(journal: Journal, make: Make, need: Need) -> tuple[dict[tuple[str, str], Row], Choice]:
    export = summarise(make.experiment(scenarios=(need.scenario(),)), journal)
    (choice,) = export.choices
    return {(row.case, row.metric): row for row in export.rows}, choice


def test_even_rounds_choose_and_odd_rounds_are_published(need: Need, make: Make) -> None:
    """`one` takes half the time of the default in the one half, and three quarters in the other."""
    one = _halves(_at(5, kept_mib=100), _at(7.5, kept_mib=300))
    rows, choice = _published(need.journal({"one": one}), make, need)
    assert (choice.winner, choice.rounds, choice.reason) == ("one", 6, "")
    assert _candidate(choice, "one").score == 0.5
    ratio, kept = rows["one", "ratio"], rows["one", "kept_mib"]
    assert (ratio.value, ratio.low, ratio.high) == (0.75,) * 3
    assert (ratio.rounds, ratio.verdict) == (6, "faster")
    assert (kept.value, kept.low, kept.high) == (300, 300, 300)
    assert rows["one", "latency_ms"].value == 7.5


def test_what_only_the_other_half_shows_chooses_nothing(need: Need) -> None:
    choice = need.choose({"one": _halves(_at(20), _at(5))})
    assert (choice.winner, choice.reason) == (BASELINE, "")


def test_memory_is_chosen_by_the_even_rounds_too(need: Need) -> None:
    choice = need.choose({"one": _halves(_at(10, kept_mib=100), _at(10, kept_mib=150))}, minimise="kept_mib")
    assert (choice.winner, _candidate(choice, "one").score) == ("one", 0.5)


def test_winner_that_the_other_half_calls_slower_is_none(need: Need) -> None:
    """Otherwise the page would praise a setting above a table that calls it slower than the default."""
    choice = need.choose({"one": _halves(_at(5), _at(20))})
    assert choice.winner == BASELINE
    assert choice.reason == "选出的那一套在另一半轮次里反而更差（玩具 batch=1）"


def test_winner_that_keeps_more_in_the_other_half_is_none(need: Need) -> None:
    choice = need.choose({"one": _halves(_at(10, kept_mib=100), _at(10, kept_mib=300))}, minimise="kept_mib")
    assert choice.winner == BASELINE
    assert "反而更差" in choice.reason


def test_winner_that_is_merely_no_better_in_the_other_half_stands(need: Need) -> None:
    assert need.choose({"one": _halves(_at(5), _at(10))}).winner == "one"


def test_limits_must_hold_on_both_halves(need: Need) -> None:
    high, low = _at(5, peak_mib=400), _at(5)
    assert need.choose({"one": low}, limits=(PEAK,)).winner == "one"
    refused = need.choose({"one": _halves(high, low)}, limits=(PEAK,))
    assert (refused.winner, refused.reason) == (BASELINE, "")
    doubted = need.choose({"one": _halves(low, high)}, limits=(PEAK,))
    assert doubted.winner == BASELINE
    assert doubted.reason == "选出的那一套在另一半轮次里不满足“峰值不比默认高”（玩具 batch=1）"


def _wild(number: int) -> Measured:
    return _at(7 if number % 4 < 2 else 13)


@pytest.mark.parametrize("half", [0, 1])
def test_wild_control_on_either_half_recommends_nothing(need: Need, half: int) -> None:
    """A winner could neither be chosen nor shown to be one."""

    def wild(number: int) -> Measured:
        return _at(10) if number % 2 != half else _wild(number)

    choice = need.choose({CONTROL: wild, "one": _at(9)})
    assert (choice.winner, choice.vote) == (BASELINE, None)
    assert "偏差太大" in choice.reason


def test_noisy_group_is_left_out_and_named_and_the_others_choose(need: Need) -> None:
    """In the noisy one `one` looks slow, which nobody can tell."""
    noisy: Group = {CONTROL: _wild, "one": _at(30)}
    choice = need.choose({"one": _at(8)}, noisy, {"one": _at(5)}, limits=(PEAK,))
    assert (choice.winner, choice.reason, choice.left_out) == ("one", "", ["玩具 batch=2"])
    assert _candidate(choice, "one").score == pytest.approx((0.8 * 0.5) ** 0.5, rel=1e-5)


def test_memory_of_a_noisy_group_keeps_its_limit(need: Need) -> None:
    noisy: Group = {CONTROL: _wild, "one": _at(5, peak_mib=900)}
    choice = need.choose({"one": _at(8)}, noisy, {"one": _at(5)}, limits=(PEAK,))
    assert choice.winner == BASELINE
    assert "batch=2" in _candidate(choice, "one").refused


def test_clear_choice_is_made_by_every_resample(need: Need) -> None:
    choice = need.choose({"one": _at(5)})
    assert (choice.vote, choice.stable) == (1.0, True)


def _by_turns(*milliseconds: float) -> Callable[[int], Measured]:
    """The rounds that choose in turn; the others are the same throughout."""
    return lambda number: _at(9) if number % 2 else _at(milliseconds[number // 2 % len(milliseconds)])


UNSTEADY: Group = {
    "one": _by_turns(8, 8, 8, 11, 11, 11),
    "two": _by_turns(11, 11, 11, 8, 8, 7.9),
    "three": _by_turns(12, 12, 12, 6, 12, 12),
}


def test_choice_that_changes_with_the_rounds_falls_back_to_the_simplest_of_the_usual_ones(need: Need) -> None:
    """`one` and `two` win now and then, `three` hardly ever; of equals the first that is named is the simplest."""
    for candidates, simplest in (
        ((BASELINE, "three", "one", "two"), {BASELINE, "one"}),
        ((BASELINE, "three", "two", "one"), {BASELINE, "two"}),
    ):
        choice = need.choose(UNSTEADY, candidates=candidates)
        assert not choice.stable
        assert choice.winner in simplest
        assert choice.vote is not None
        assert PLAUSIBLE <= choice.vote < STABLE


def test_vote_is_drawn_anew_in_the_same_way_for_the_same_seed(need: Need) -> None:
    assert need.choose(UNSTEADY) == need.choose(UNSTEADY)
    again = need.choose(UNSTEADY)
    need.header = {"seed": 8}
    assert need.choose(UNSTEADY).vote != again.vote


def test_without_a_need_all_rounds_are_published(need: Need, make: Make) -> None:
    journal = need.journal({"one": _halves(_at(5), _at(20))})
    export = summarise(make.experiment(), journal)
    (row,) = (row for row in export.rows if (row.case, row.metric) == ("one", "ratio"))
    assert (row.value, row.low, row.high, row.rounds) == (1.25, 0.5, 2.0, ROUNDS)
    assert export.choices == []


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
    found = choose(make.experiment(scenarios=scenarios), journal)
    assert [(choice.scenario, choice.winner) for choice in found] == [("latency", "one"), ("memory", "two")]


def test_default_that_breaks_a_limit_itself_is_no_measure_for_the_winner(need: Need) -> None:
    """As with cores that are not its own: it is fast at the cost of others, and everything that is fit is slower."""
    base: Group = {
        BASELINE: _at(10, peak_mib=900),
        "one": _at(20, peak_mib=100),
        "two": _at(30, peak_mib=100),
    }
    limit = Limit(metric="peak_mib", than="one", factor=1.05, text="峰值至多比 one 高 5%")
    choice = need.choose(base, limits=(limit,))
    assert (choice.winner, choice.reason) == ("one", "")
