"""What several experiments measure together: what is shared, who leaves when, what an interruption leaves behind."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from lab import PER_ROUND, Lab
from samples import Make

from bench.measure import runner
from bench.measure.blocks import blocks
from bench.measure.plan import identity
from bench.results import store
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case, Load, Place, Subject

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from bench.spec import Experiment

make = Make()
LOOKS = make.profile(looks=(6, 10))


def _noisy(*names: str) -> dict[str, list[Any]]:
    """Cases of which nothing can be said, however long they are measured."""
    return {name: [{"latency_ns": ns} for ns in (8_000_000, 12_000_000) * 20] for name in names}


def _rounds(lab: Lab, name: str, group: int = 0) -> Counter[str]:
    """In how many rounds of one attempt each case was measured."""
    journal = lab.on_disk(name)
    assert journal.complete
    return Counter(
        case for end in journal.final_rounds(group) for case in {s.case for s in journal.samples_of(end)}
    )


def test_default_its_second_name_and_equal_cases_are_measured_once_and_stand_in_all_journals(
    lab: Lab,
) -> None:
    """Whatever a case is called, and whatever is said of it."""
    same = Case(id="zwei", title="anders", settings={"case": "two"})
    experiments = make.experiment("a"), make.experiment("b", (BASELINE, CONTROL, same, "three"))
    lab.runner(*map(lab.task, experiments)).run()
    assert Counter(start.case for start in lab.worker.timed) == dict.fromkeys(
        (BASELINE, CONTROL, "one", "two", "three"), 3
    )
    assert [start.case for start in lab.worker.started if not start.timed].count(BASELINE) == 1
    a, b = (lab.on_disk(one.id) for one in experiments)
    assert (a.complete, b.complete, a.footer.resumed if a.footer else None) == (True, True, 0)
    for own, others in ((BASELINE, BASELINE), (CONTROL, CONTROL), ("two", "zwei")):
        first, second = (
            [(s.round, s.started_s, s.wall_s) for s in journal.samples if s.case == case]
            for journal, case in ((a, own), (b, others))
        )
        assert first == second
        assert len(first) == 3
    for journal in (a, b):
        assert [[s.position for s in journal.samples_of(end)] for end in journal.rounds] == [[0, 1, 2, 3]] * 3


def test_what_decides_a_process_is_never_shared(lab: Lab) -> None:
    """What is said of it, and shares of cores that come to the same here, make no other process."""
    usual = Case(id="x", title="x", settings={"case": "x"})
    cases: tuple[dict[str, Any], ...] = (
        {}, {"settings": {"case": "y"}}, {"run_settings": {"a": "b"}}, {"place": Place(env={"A": "b"})}, {"variant": "optimised"},
        {"load": Load(callers=2)}, {"load": Load(processes=2)}, {"load": Load(timed=False)}, {"place": Place(cores=0.5)},
        {"expected": "crash"}, {"subject": Subject(name="known_cost")}, {"lacking": lambda _: "没有"},
    )  # fmt: skip
    groups = (
        make.group(2),
        make.group(3),
        make.group(2, input=replace(make.group(2).input, shapes=((4, 3),))),
    )
    of = [lab.task(make.experiment(f"g{n}", groups=[group])).planned for n, group in enumerate(groups)]
    found = {identity(of[0], of[0].groups[0], replace(usual, **changes)) for changes in cases}
    found |= {identity(one, one.groups[0], usual) for one in of[1:]}
    assert len(found) == len(cases) + 2
    alike = replace(usual, id="y", title="y", place=Place(cores=1))
    assert identity(of[0], of[0].groups[0], alike) in found
    default = [Case(id=BASELINE, title="", settings={"case": name}) for name in "pq"]
    others = [lab.task(make.experiment(one.settings["case"], (one, "one"))) for one in default]  # type: ignore[arg-type]
    assert len(blocks(others)) == 2
    assert len({one.reference(one.planned.groups[0]) for one in others}) == 2


def test_default_that_was_observed_as_a_case_elsewhere_still_leaves_its_outputs(lab: Lab) -> None:
    first = lab.task(make.experiment("first", (BASELINE, Case(id="p", title="", settings={"case": "p"}))))
    second = lab.task(make.experiment("second", (Case(id=BASELINE, title="", settings={"case": "p"}), "one")))
    lab.runner(first, second).run()
    assert second.reference(second.planned.groups[0]).exists()


def test_more_than_eight_cases_have_two_baselines_in_every_round_of_each_journal(lab: Lab) -> None:
    experiments = make.experiment("a", (BASELINE, *"abcde")), make.experiment("b", (BASELINE, *"fghi"))
    lab.runner(*map(lab.task, experiments)).run()
    for one in experiments:
        journal = lab.on_disk(one.id)
        assert [[s.case for s in journal.samples_of(end)].count(BASELINE) for end in journal.rounds] == [
            2
        ] * 3


def test_settled_case_leaves_and_the_default_stays_for_the_others(lab: Lab) -> None:
    """Also for those of another experiment; where all are settled, the default ends with them."""
    lab.worker.scripts = _noisy("open") | {"fast": [{"latency_ns": 5_000_000}]}
    told = {"a": ("fast", "same"), "b": ("fast", "open"), "c": ("open",)}
    groups = {"a": [make.group(2), make.group(3)], "c": [make.group(4)]}
    experiments = [
        make.experiment(name, lab.proved(*own), groups=groups.get(name)) for name, own in told.items()
    ]
    lab.runner(*(lab.task(one, LOOKS) for one in experiments)).run()
    six, ten = 6, 10
    assert (
        _rounds(lab, "a") == _rounds(lab, "a", 1) == {BASELINE: six, CONTROL: six, "fast": six, "same": six}
    )
    assert _rounds(lab, "b") == {BASELINE: ten, CONTROL: ten, "fast": six, "open": ten}
    assert _rounds(lab, "c") == {BASELINE: ten, CONTROL: ten, "open": ten}
    settled = [(end.round, end.settled) for end in lab.on_disk("b").rounds if end.settled]
    assert settled == [(5, ["fast"])]
    rounds = {one.id: journal.footer.rounds for one in experiments if (journal := lab.on_disk(one.id)).footer}
    assert rounds == {"a": 6, "b": 10, "c": 10}


@pytest.mark.parametrize("backwards", [False, True])
def test_look_is_bought_where_it_tells_most_in_a_second(lab: Lab, *, backwards: bool) -> None:
    """Two cases in four samples before one in three, in whichever order they come."""
    lab.worker.scripts = _noisy("a1", "a2", "b1")
    experiments = [
        make.experiment("a", lab.proved("a1", "a2"), groups=[make.group(2)]),
        make.experiment("b", lab.proved("b1"), groups=[make.group(3)]),
    ]
    tasks = [lab.task(one, LOOKS) for one in experiments[:: -1 if backwards else 1]]
    checks, first = 5, 6 * (4 + 3)
    start, budget = lab.clock(), checks + first + 4 * 4 + 11
    lab.runner(*tasks, budget_s=budget).run()
    assert [max(_rounds(lab, name).values()) for name in "ab"] == [10, 6]
    assert lab.clock() - start == checks + first + 4 * 4
    assert [note for note in lab.told.notes if "预算" in note] == ["时间预算用完：b 还有分不出的，没有再测"]


def _killed_before_append(lab: Lab, number: int, experiments: list[Experiment], monkeypatch: Any) -> bool:
    """A build that dies before the line of that number, over all its journals; False: there is no such line."""
    real, lines = store.Writer.append, count()

    def append(writer: store.Writer, record: Any) -> None:
        if next(lines) == number:
            raise KeyboardInterrupt
        real(writer, record)

    with monkeypatch.context() as patch:
        patch.setattr(store.Writer, "append", append)
        try:
            lab.runner(*map(lab.task, experiments)).run()
        except KeyboardInterrupt:
            return True
    return False


@pytest.mark.parametrize("together", [True, False])
def test_block_that_dies_at_any_line_is_resumed_with_no_round_twice(
    lab: Lab, monkeypatch: Any, *, together: bool
) -> None:
    """One journal may hold a sample, or the end of a round, that the other does not: it goes on alone, or both do."""
    experiments = [
        make.experiment("a", (BASELINE, CONTROL, "one")),
        make.experiment("b", (BASELINE, CONTROL, "two")),
    ]
    paths = [
        store.journal_path(lab.folder, one.id, lab.task(one).writer.journal.header.build)
        for one in experiments
    ]
    for number in count():
        for path in paths:
            path.unlink(missing_ok=True)
        if not _killed_before_append(lab, number, experiments, monkeypatch):
            break
        before = [store.read(path) for path in paths]
        lab.worker.started.clear()
        left = [one for one, old in zip(experiments, before, strict=True) if not old.complete]
        for some in [left] if together else [[one] for one in left]:
            lab.runner(*map(lab.task, some)).run()
        for path, old in zip(paths, before, strict=True):
            now = store.read(path)
            assert now.complete
            assert now.samples[: len(old.samples)] == old.samples
            assert [end.round for end in now.rounds] == [0, 1, 2]
        lacking = [3 - len(old.rounds) for old in before]
        shared = [
            min(lacking) * PER_ROUND,
            (max(lacking) - min(lacking)) * 3,
        ]  # one lags by a round: it goes on alone
        assert len(lab.worker.timed) == (sum(shared) if together else sum(lacking) * 3)
    assert number == 4 + 3 * (3 + 1) * 2 + 2


def test_headlines_come_first_and_the_others_catch_up(lab: Lab) -> None:
    """Both journals are whole; what came first is not measured again, and there is something to show after it."""
    experiments = [make.experiment("rest", (BASELINE, "one")), make.experiment("head", (BASELINE, "two"))]
    built = lab.runner(*map(lab.task, experiments))
    built.headlines, shown = frozenset({"head"}), list[int]()
    built.at_look = lambda: shown.append(len(lab.worker.timed))
    built.run()
    assert shown == [2, 2 + 2 + 2 * 3]
    assert [_rounds(lab, name) for name in ("rest", "head")] == [
        {BASELINE: 3, "one": 3},
        {BASELINE: 3, "two": 3},
    ]


def _note_of(lab: Lab, words: str) -> list[str]:
    return [note for note in lab.told.notes if words in note]


def test_case_that_fails_on_the_way_to_the_second_look_keeps_its_rounds(lab: Lab) -> None:
    lab.worker.scripts = _noisy("bad", "open")
    lab.worker.scripts["bad"][6:] = [make.failure("timeout", "太慢")]
    experiment = make.experiment("a", lab.proved("bad", "open"))
    lab.runner(lab.task(experiment, LOOKS)).run()
    assert _rounds(lab, "a") == {BASELINE: 10, CONTROL: 10, "bad": 7, "open": 10}
    rows = {row.case: row for row in summarise(experiment, lab.on_disk("a")).rows if row.metric == "ratio"}
    assert [(rows[case].rounds, rows[case].failed_rounds) for case in ("bad", "open")] == [(6, 1), (10, 0)]
    assert _note_of(lab, "失败") == ["a / toy / batch=2 / bad 失败：太慢"]


@pytest.mark.parametrize(("good", "rounds"), [(0, 6), (6, 10)])
def test_block_whose_default_fails_ends_at_the_look_it_was_on_its_way_to(
    lab: Lab, good: int, rounds: int
) -> None:
    """Its other cases keep absolute figures; there is nothing to compare with, so no further look is bought."""
    lab.worker.scripts = _noisy("open", "fine") | {BASELINE: [*[{}] * good, make.failure("timeout", "太慢")]}
    failing = make.experiment("a", lab.proved("open")), make.experiment("b", lab.proved("open", "more"))
    fine = (Case(id=BASELINE, title="", settings={"case": "well"}), *lab.proved("fine")[1:])
    other = make.experiment("other", fine)
    profile = make.profile(looks=(6, 10, 14))
    lab.runner(*(lab.task(one, profile) for one in (*failing, other))).run()
    assert _rounds(lab, "a") == {BASELINE: good + 1, CONTROL: rounds, "open": rounds}
    assert max(_rounds(lab, "b").values()) == rounds
    assert _rounds(lab, "other")["fine"] == 14
    rows = {
        row.case: row for row in summarise(failing[0], lab.on_disk("a")).rows if row.metric == "latency_ms"
    }
    assert (rows["open"].rounds, rows[BASELINE].rounds) == (rounds, good)
    assert len(_note_of(lab, "失败")) == 1


class _SetBack:
    """The wall clock as it stands after somebody has set it."""

    @staticmethod
    def now(zone: tzinfo) -> datetime:
        return runner_datetime(1990, 1, 1, tzinfo=zone)

    @staticmethod
    def fromisoformat(text: str) -> datetime:
        return runner_datetime.fromisoformat(text)


runner_datetime = runner.datetime


def test_clock_that_is_set_back_while_measuring_spoils_no_journal(lab: Lab, monkeypatch: Any) -> None:
    monkeypatch.setattr(runner, "datetime", _SetBack)
    lab.runner().run()
    journal = lab.on_disk()
    assert journal.footer
    assert journal.footer.finished_at == journal.header.started_at


def test_two_cases_that_are_the_same_here_are_both_measured(lab: Lab) -> None:
    twins = [Case(id=name, title=name, settings={"case": "twin"}) for name in ("first", "second")]
    lab.runner(lab.task(make.experiment(cases=(BASELINE, *twins)))).run()
    assert _rounds(lab, "toys") == {BASELINE: 3, "first": 3, "second": 3}
