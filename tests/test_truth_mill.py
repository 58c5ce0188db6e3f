"""The truth mill: few false statements on a dozen builds, and the mill finds them where they are put in."""

from __future__ import annotations

import random
from statistics import median, pstdev, quantiles
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader
from speed import mill_build, mill_truth, truth_mill
from speed.mill_judge import LIMITS, Tally
from speed.mill_noise import REAL, Host

from bench.measure import proof
from bench.pages import sentences
from bench.pages.words import Words
from bench.results import choice, rows, stats, trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment

    from bench.results.stats import Estimate

pytestmark = pytest.mark.slow
SEEDS = range(1, 13)
MOST_BUILDS = 40
"""In which a fault must show."""
MOST_OF_FEW = 0.05
"""Of a dozen builds, no rate can be told as finely as its limit."""


@pytest.fixture(scope="module")
def tally() -> Tally:
    whole = Tally()
    for seed in SEEDS:
        whole.add(truth_mill.build(seed, html=seed % 5 == 0))
    return whole


@pytest.mark.parametrize("kind", LIMITS)
def test_false_statements_are_rare_or_never_made(tally: Tally, kind: str) -> None:
    assert tally.seen[kind] > 0
    most = MOST_OF_FEW if LIMITS[kind][1] else 0
    found = [one for one in tally.examples if one.startswith(f"{kind}:")]
    assert tally.wrong[kind] <= most * tally.seen[kind], found


def test_the_script_prints_its_counts_and_ends_with_what_they_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["truth_mill.py", "--builds", "2"])
    with pytest.raises(SystemExit) as ended:
        truth_mill.main()
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(title in shown for title, _ in LIMITS.values())


def test_more_faults_than_a_limit_allows_are_named() -> None:
    counted = Tally()
    for number in range(100):
        counted.note("claim", "a claim", wrong=number == 0)
        counted.note("same", "a row", wrong=number == 0)
    assert counted.broken() == ["claim"]


def test_a_dozen_worlds_hold_everything_that_is_seeded() -> None:
    worlds = [mill_truth.draw(seed) for seed in SEEDS]
    effects = [effect for world in worlds for effect in world.effects.values()]
    assert {world.cores for world in worlds} == {2, 64}
    assert {world.slow for world in worlds} == {1.0, 5.0}
    assert {world.spells for world in worlds} == {True, False}
    assert {"passed", "failed"} < {world.selftest for world in worlds}
    assert {effect.outcome for effect in effects} == {None, "effect", "nothing", "unseen"}
    assert {effect.fails for effect in effects} == {"", "once", "always"}
    assert set(mill_truth.TIMES) <= {effect.time for effect in effects}


def test_journals_are_such_as_the_store_believes() -> None:
    world = mill_truth.draw(2)
    for journal in (*mill_build.journals(world).values(), *mill_build.self_tests(world).values()):
        assert len(mill_build.through_its_file(journal).samples) == len(journal.samples)


@pytest.mark.parametrize("kind", REAL["latency"])
def test_ratios_of_two_samples_spread_as_those_of_identical_settings_did(kind: str) -> None:
    rng, one = random.Random(1), REAL["latency"][kind]
    drawn = [rng.choice(one) - rng.choice(one) for _ in range(20_000)]
    pairs = REAL["pairs"][kind]
    centre = median(pairs) if kind == "two_processes" else 0.0
    assert pstdev(drawn) == pytest.approx(pstdev(pairs, centre), rel=0.35)


def test_a_host_with_spells_is_as_uneven_as_was_seen() -> None:
    host = Host.with_spells(random.Random(3), 400_000)
    lengths = [end - start for start, end, _ in host.spells]
    seen = [host.slower(second, 1.0) for second in range(0, 20_000, 7)]
    assert 10 <= min(lengths) <= max(lengths) <= 60
    assert quantiles(seen, n=10)[-1] / median(seen) == pytest.approx(1.3, abs=0.1)


def _verdict_of_before(ratio: Estimate, floor: float, **_: object) -> stats.Verdict | None:
    """No difference was whatever could not be told apart with a narrow interval."""
    if ratio.low is None or ratio.high is None:
        return None
    if not ratio.low <= 1 <= ratio.high and abs(ratio.value - 1) > floor:
        return "slower" if ratio.value > 1 else "faster"
    return "same" if ratio.high - ratio.low <= 0.10 else "unclear"


def _always(answer: Any) -> Callable[..., Any]:
    return lambda *_, **__: answer


def _reworded(name: str, right: str, wrong: str) -> Callable[[], Environment]:
    """The templates with a fault in one of them."""
    source = (sentences.FOLDER / name).read_text(encoding="utf-8")
    assert source.count(right) == 1
    environment = sentences.environment()
    spoilt = DictLoader({name: source.replace(right, wrong)})
    environment.loader = ChoiceLoader([spoilt, FileSystemLoader(sentences.FOLDER)])
    return lambda: environment


FAULTS: dict[str, tuple[Any, str, Any, str]] = {
    "no difference means not told apart": (stats, "verdict", _verdict_of_before, "same"),
    "every interval decides": (stats, "noise_floor", _always(0.0), "equal"),
    "verdicts without a proof": (rows, "_took_effect", _always(True), "unproven"),
    "absence proves": (proof, "judge", _always(("effect", "")), "proof"),
    "choices are not confirmed": (choice, "_doubt", _always(""), "recommended"),
    "a failed self-test does not count": (trust, "_grave", _always(()), "quotable"),
    "sentences make no difference of everything": (Words, "speed_of", _always("没有差别（不到 5%）"), "mismatch"),
    "every figure is as claimed": (sentences, "_ours", _reworded("arena.j2", "set claimed, within = 0.13, 0.05", "set claimed, within = 0.13, 99"), "claim"),
}  # fmt: skip


FIRST = {
    "no difference means not told apart": 46,  # a floor so large mostly makes the group unfit for verdicts
    "every interval decides": 6,
    "choices are not confirmed": 3,
    "every figure is as claimed": 2,
}
"""Seed to begin with where the first one shows nothing: it saves builds."""


@pytest.mark.parametrize("fault", FAULTS)
def test_the_mill_finds_a_fault_that_was_put_in(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """A build says more that is wrong with the fault than without."""
    place, name, broken, kind = FAULTS[fault]
    first = FIRST.get(fault, 1)
    for seed in range(first, first + MOST_BUILDS):
        with monkeypatch.context() as put_in:
            put_in.setattr(place, name, broken)
            wrong = truth_mill.build(seed, html=False).wrong[kind]
        if wrong and wrong > truth_mill.build(seed, html=False).wrong[kind]:
            return
    pytest.fail(f"nothing wrong in {MOST_BUILDS} builds")
