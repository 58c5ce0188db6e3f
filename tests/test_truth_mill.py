"""The truth mill: few false statements on eight builds, and the mill finds them where they are put in."""

from __future__ import annotations

import json
import random
from functools import cache
from itertools import product
from statistics import median, pstdev, quantiles
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader
from speed import mill_build, mill_truth, truth_mill
from speed.mill_build import REAL, slow_spells, slower
from speed.mill_judge import LIMITS, Tally
from speed.stopping import narrowest

from bench.measure import proof
from bench.measure.profiles import DEFAULT, THOROUGH
from bench.pages import sentence_layout, sentences
from bench.pages.words import Words
from bench.results import choice, rows, stats, store, trust

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bench.measure.profiles import Profile
    from bench.results.store import Journal

pytestmark = pytest.mark.slow
SEEDS, MOST_BUILDS, MOST_OF_FEW = (1, 2, 4, 9, 10, 11, 12, 21), 40, 0.05
"""Small worlds that differ in everything. A fault must show in so many builds; of a few builds, no rate can be told as
finely as its limit."""
SMALL = ("arena", "recommended")
"""Experiments with every kind of statement: a fault shows in them, in a tenth of the time that all take."""
SHARING = (
    *SMALL,
    "memory_pattern",
    "execution_mode",
    "graph_optimization",
    "profiling",
    "intra_op_num_threads",
)
"""Experiments that ask for much of the same."""


@cache
def _tally() -> Tally:
    """In each world a third of the experiments."""
    whole = Tally()
    for place, seed in enumerate(SEEDS):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mill_truth, "OF_A_BUILD", mill_truth.OF_A_BUILD[place % 3 :: 3])
            whole.add(truth_mill.build(seed))
    return whole


@pytest.mark.parametrize("kind", LIMITS)
def test_false_statements_are_rare_or_never_made(kind: str) -> None:
    tally = _tally()
    assert tally.seen[kind] > 0
    most = MOST_OF_FEW if LIMITS[kind][1] else 0
    found = [one for one in tally.examples if one.startswith(f"{kind}:")]
    assert tally.wrong[kind] <= most * tally.seen[kind], found


WRONG = {1: "direction", 2: "same"}
"""Seed of a build -> what is wrong with it; one of these may never be wrong, the other now and then."""


def _counted(seed: int) -> Tally:
    tally = Tally()
    for number, kind in product(range(100), LIMITS):
        tally.note(kind, "a statement", wrong=number == 0 and kind == WRONG.get(seed))
    return tally


@pytest.mark.parametrize("first", [1, 2])
def test_the_script_prints_and_writes_its_counts_and_ends_with_what_they_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, first: int
) -> None:
    arguments = ["--builds", "2", "--seed", str(first), "--write", str(tmp_path / "mill.json")]
    monkeypatch.setattr("sys.argv", ["truth_mill.py", *arguments])
    monkeypatch.setattr(truth_mill, "build", _counted)
    with pytest.raises(SystemExit) as ended:
        truth_mill.main()
    assert ended.value.code == (first == 1)
    shown, written = capsys.readouterr().out, json.loads((tmp_path / "mill.json").read_text(encoding="utf-8"))
    wrong = (WRONG[first], WRONG.get(first + 1))
    rows = [[title, "200", str(int(kind in wrong))] for kind, (title, _) in LIMITS.items()]
    assert [row[:3] for row in written["rows"]] == rows
    assert all(" | ".join(row) in shown for row in rows)


def test_these_worlds_hold_everything_that_is_seeded() -> None:
    worlds = [mill_truth.World(seed) for seed in SEEDS]
    effects = [effect for world in worlds for effect in world.effects.values()]
    assert {world.cores for world in worlds} == {2, 64}
    assert {world.slow for world in worlds} == {1.0, 5.0}
    assert {world.spells for world in worlds} == {True, False}
    assert {world.profile.name for world in worlds} == {"default", "thorough"}
    assert {world.budget < 1 for world in worlds} == {True, False}
    assert {"passed", "failed"} < {world.selftest for world in worlds}
    assert {effect.outcome for effect in effects} == {None, "effect", "nothing", "unseen"}
    assert {effect.fails for effect in effects} == {"", "once", "always"}
    assert set(mill_truth.TIMES) <= {effect.time for effect in effects}


def _rounds(journals: Iterable[Journal]) -> set[int]:
    """Of groups that are timed."""
    groups = ((one, group) for one in journals for group in one.header.groups if group.load.timed)
    return {len(journal.final_rounds(group.index)) for journal, group in groups}


@pytest.mark.parametrize(
    ("seed", "profile", "ends"), [(9, DEFAULT, True), (3, DEFAULT, False), (43, THOROUGH, False)]
)
def test_builds_end_at_looks_cases_leave_before_and_what_is_equal_is_measured_once(
    seed: int,
    profile: Profile,
    ends: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One whose budget ends, and one of each profile whose does not; the store has read all of their files."""
    monkeypatch.setattr(mill_truth, "OF_A_BUILD", SHARING)
    world = mill_truth.World(seed)
    journals = mill_build.measured(world)
    assert (world.budget < 1, world.profile) == (ends, profile)
    looks, rounds = {*profile.looks, *profile.split_looks}, _rounds(journals.values())
    assert rounds <= looks
    assert len(rounds) > 1
    assert (max(looks) in rounds) != ends
    assert any(end.settled for one in journals.values() for end in one.rounds)
    taken = [sample.figures for one in journals.values() for sample in one.samples if sample.figures]
    once = {figures.model_dump_json() for figures in taken}
    assert len(once) < 0.8 * len(taken)


def test_journals_of_self_tests_are_such_as_the_store_believes() -> None:
    for one in mill_build.self_tests(mill_truth.World(2)).values():
        in_order = [line for end in one.rounds for line in (*one.samples_of(end), end)]
        lines = [one.header, *one.untimed, *in_order, one.footer]
        text = "".join(f"{line.model_dump_json()}\n" for line in lines if line is not None)
        assert len(store.parse(one.path, text.encode()).samples) == len(one.samples)


def test_noise_is_as_it_was_between_identical_settings_and_spells_as_they_were_seen() -> None:
    for kind, one in REAL["latency"].items():
        rng, pairs = random.Random(1), REAL["pairs"][kind]
        drawn = [rng.choice(one) - rng.choice(one) for _ in range(20_000)]
        centre = median(pairs) if kind == "two_processes" else 0.0
        assert pstdev(drawn) == pytest.approx(pstdev(pairs, centre), rel=0.35), kind
    spells = slow_spells(random.Random(3), 20_000)
    seen = [slower(spells, second, 1.0) for second in range(0, 20_000, 7)]
    assert all(10 <= end - start <= 60 for start, end, _ in spells)
    assert quantiles(seen, n=10)[-1] / median(seen) == pytest.approx(1.3, abs=0.1)


def _verdict_of_before(ratio: Any, floor: float, **_: object) -> str | None:
    """No difference was whatever could not be told apart with a narrow interval."""
    if ratio.low is None or ratio.high is None:
        return None
    if not ratio.low <= 1 <= ratio.high and abs(ratio.value - 1) > floor:
        return "slower" if ratio.value > 1 else "faster"
    return "same" if ratio.high - ratio.low <= 0.10 else "unclear"


def _always(answer: Any) -> Any:
    return lambda *_, **__: answer


def _reworded(name: str, right: str, wrong: str) -> Any:
    """The templates with a fault in one of them."""
    source = (sentence_layout.FOLDER / name).read_text(encoding="utf-8")
    assert source.count(right) == 1
    environment = sentence_layout.environment()
    spoilt = DictLoader({name: source.replace(right, wrong)})
    environment.loader = ChoiceLoader([spoilt, FileSystemLoader(sentence_layout.FOLDER)])
    return lambda: environment


FAULTS: dict[str, tuple[Any, str, Any, str, int]] = {
    "no difference means not told apart": (stats, "verdict", _verdict_of_before, "same", 20),
    "every look costs nothing": (stats, "interval_ranks", narrowest, "missed", 5),
    "every interval decides": (stats, "noise_floor", _always(0.0), "equal", 64),
    "verdicts without a proof": (rows, "_took_effect", _always(True), "unproven", 1),
    "absence proves": (proof, "judge", _always(("effect", "")), "proof", 1),
    "choices are not confirmed": (choice, "_doubt", _always(""), "recommended", 2),
    "a failed self-test does not count": (trust, "_grave", _always(()), "quotable", 2),
    "sentences make no difference of everything": (Words, "speed_of", _always("没有差别（不到 5%）"), "mismatch", 1),
    "every figure is as claimed": (sentences, "ours", _reworded("arena.j2", "set claimed, within = 0.13, 0.05", "set claimed, within = 0.13, 99"), "claim", 1),
}  # fmt: skip
"""Where a fault is put in, the kind in which it shows, and from which seed on to look: that saves builds."""


EFFECTS = {"same": (0.92, 1.08)}
"""Kind -> what every setting does to time, where a fault of this kind would seldom show among all that can be."""


@pytest.mark.parametrize("fault", FAULTS)
def test_the_mill_finds_a_fault_that_was_put_in(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """A small build says more that is wrong with the fault than without."""
    place, name, broken, kind, first = FAULTS[fault]
    monkeypatch.setattr(mill_truth, "OF_A_BUILD", SMALL)
    monkeypatch.setattr(mill_truth, "TIMES", EFFECTS.get(kind, mill_truth.TIMES))
    for seed in range(first, first + MOST_BUILDS):
        with monkeypatch.context() as put_in:
            put_in.setattr(place, name, broken)
            wrong = truth_mill.build(seed).wrong[kind]
        if wrong and wrong > truth_mill.build(seed).wrong[kind]:
            return
    pytest.fail(f"nothing wrong in {MOST_BUILDS} builds")
