"""Which build is taken up again, which is begun, and when nothing is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from toy_site import GIB, NEW, OLD, Site

from bench.measure import campaign
from bench.measure.campaign import CannotMeasure
from bench.results import store
from bench.spec import BASELINE, CONTROL, Input, LargestBatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from samples import Make

    from bench.spec import Experiment

MIB = 1 << 20


def test_first_build_begins_a_journal_for_each_experiment_with_all_inputs_prepared_once(
    site: Site, make: Make
) -> None:
    site.experiments["more"] = make.experiment("more", groups=[make.group(5), make.group(2)])
    begun = site.open("toys", "more")
    assert begun.resumed_samples == 0
    assert site.prepared == [("batch=2", "batch=5")]
    for task, name in zip(begun.tasks, ("toys", "more"), strict=True):
        header = store.read(task.writer.journal.path).header
        assert (header.experiment, header.build, header.seed) == (name, begun.build, begun.seed)
        assert header.key == site.here.key(site.experiments[name], site.make.profile())
        assert (header.groups[0].model_title, header.groups[0].flops) == ("玩具", 100)
        assert [case.id for case in header.cases] == [BASELINE, CONTROL, "one", "two"]
        assert header.machine["cpu"] == "某处理器"
    again = site.open(fresh=True)
    assert (again.build != begun.build, again.seed != begun.seed) == (True, True)
    assert begun.build[:15] <= again.build[:15]


@pytest.mark.parametrize(
    ("header", "meanwhile", "taken"),
    [
        pytest.param({}, lambda _: None, OLD, id="interrupted"),
        pytest.param({"hours_ago": 23.9}, lambda _: None, OLD, id="within a day"),
        pytest.param({"hours_ago": 24.1}, lambda _: None, None, id="later"),
        pytest.param({"profile": "thorough"}, lambda _: None, None, id="another profile"),
        pytest.param({}, lambda site: site.finished(profile="quick", build=NEW), OLD, id="a draft since"),
        pytest.param({}, lambda site: site.finished(build=NEW), None, id="finished since"),
        pytest.param({}, lambda site: site.unfinished(build=NEW), NEW, id="newest of two"),
        pytest.param({}, lambda site: site.move(machine=site.make.machine(cores=4)), None, id="another machine"),
        pytest.param({}, lambda site: site.move(software={"onnxruntime": "1.32"}), None, id="other software"),
        pytest.param({}, lambda site: setattr(site, "content_key", "fedcba"), None, id="another model"),
        pytest.param({}, lambda site: site.change(cases=(BASELINE, CONTROL, "one", "three")), None, id="other settings"),
        pytest.param({}, lambda site: site.change(title="新标题", question="新问题?"), OLD, id="reworded"),
        pytest.param({}, lambda site: site.damage(NEW), OLD, id="a damaged one since"),
    ],
)  # fmt: skip
def test_which_build_is_taken_up(
    site: Site, header: dict[str, Any], meanwhile: Callable[[Site], object], taken: str | None
) -> None:
    """What is on disk stays as it is, and a damaged file is named."""
    site.unfinished(seed=99, **header)
    meanwhile(site)
    before = site.bytes_of_results()
    opened = site.open()
    assert opened.resumed_samples == len(opened.tasks[0].writer.journal.samples) == (2 if taken else 0)
    assert (opened.build == taken) if taken else (opened.build not in (OLD, NEW))
    assert taken != OLD or opened.seed == 99
    damaged = [path for path in before if b"damaged" in before[path]]
    assert [text.count(f"{NEW}.jsonl") for text in site.told if "损坏" in text] == [1] * len(damaged)
    fresh = site.open(fresh=True)
    assert (fresh.build not in (OLD, NEW, opened.build), fresh.resumed_samples) == (True, 0)
    assert before.items() <= site.bytes_of_results().items()


@pytest.mark.parametrize(
    "meanwhile",
    [lambda *_: None, Site.finished, Site.unfinished],
    ids=["it lacks one", "one was finished alone", "settings of one have changed"],
)
def test_what_an_interrupted_build_lacks_joins_it_and_what_stands_there_is_left(
    site: Site, meanwhile: Callable[[Site, str], object]
) -> None:
    site.unfinished("toys")
    meanwhile(site, "more")
    if meanwhile is Site.unfinished:
        site.change("more", cases=(BASELINE, CONTROL, "three"))
    before = site.bytes_of_results()
    resumed = site.open("toys", "more")
    assert [len(task.writer.journal.samples) for task in resumed.tasks] == [2, 0]
    assert before.items() <= site.bytes_of_results().items()
    for task in resumed.tasks:
        store.read(task.writer.journal.path)


def _hungry(make: Make) -> Experiment:
    largest = LargestBatch(item_shape=(3,), limit=32, bytes_per_item=100 * MIB)
    return make.experiment(groups=[make.group(input=largest, small=largest)])


@pytest.mark.parametrize("free_now", [1 * GIB, 64 * GIB])
def test_resumed_build_keeps_its_chosen_inputs_and_knows_what_they_need(
    site: Site, make: Make, free_now: int
) -> None:
    """Shapes of several feeds come back as they were written: by the names of inputs."""
    many = Input(label="2 shapes", shapes=((2, 3), (4, 3)))
    site.experiments["toys"] = make.experiment(groups=[*_hungry(make).groups, make.group(input=many)])
    site.free_bytes = 2000 * MIB
    begun = site.open()
    begun.tasks[0].writer.append(make.sample(BASELINE))
    site.free_bytes = free_now
    resumed = site.open()
    assert resumed.build == begun.build
    large, small = resumed.tasks[0].planned.groups
    assert large.input == Input(label="batch=8", shapes=({"x": (8, 3)},))
    assert small.input == Input(label="2 shapes", shapes=({"x": (2, 3)}, {"x": (4, 3)}))
    assert site.prepared[-1] == site.prepared[0] == ("batch=8", "2 shapes")
    assert (large.memory_bytes, small.memory_bytes) == (800 * MIB, 0)
    assert (large.index, large.cases) == (0, (BASELINE, CONTROL, "one", "two"))


def test_memory_needed_is_that_of_the_hungriest_group_and_what_fits_nowhere_is_refused(
    site: Site, make: Make
) -> None:
    site.experiments["more"] = _hungry(make)
    planned = campaign.plan(("toys", "more"), make.profile(), site.here)
    assert [campaign.memory_needed(one) for one in (planned, planned[:1])] == [3200 * MIB, 0]
    site.free_bytes = 100 * MIB
    with pytest.raises(CannotMeasure, match=r"toys.*100 MiB"):
        campaign.plan(("more",), make.profile(), site.here)


def test_budget_without_room_for_the_checks_and_one_round_is_refused(site: Site, make: Make) -> None:
    """The one that is named as the way out is enough."""
    once, often = (campaign.plan(("toys", "more"), make.profile(rounds=n), site.here) for n in (1, 9))
    least = campaign.total_seconds(once)  # checks of the settings, and the one round
    assert campaign.total_seconds(often) > 2 * least
    for planned in (once, often):
        with pytest.raises(CannotMeasure, match=r"太小.*--budget \d+s 或更多，或者少测几个实验"):
            campaign.check_budget(planned, least - 0.1)
        campaign.check_budget(planned, least + 0.1)
    with pytest.raises(CannotMeasure) as refused:
        campaign.check_budget(once[:1], 1)
    (seconds,) = re.findall(r"--budget (\d+)s", str(refused.value))
    campaign.check_budget(once[:1], float(seconds))
    assert "少测" not in str(refused.value)
