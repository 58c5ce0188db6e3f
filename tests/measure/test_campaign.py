"""Which build is taken up again, which is begun, and when nothing is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from toy_site import GIB, NEW, OLD

from bench.measure import campaign
from bench.measure.campaign import CannotMeasure, Here
from bench.results import store
from bench.spec import BASELINE, CONTROL, Input, LargestBatch

if TYPE_CHECKING:
    from conftest import Make
    from toy_site import Site

    from bench.measure.campaign import Campaign
    from bench.spec import Experiment

MIB = 1 << 20


def _build_ids(campaign_: Campaign) -> set[str]:
    return {task.writer.journal.header.build for task in campaign_.tasks}


def test_first_build_begins_a_journal_for_each_experiment(site: Site) -> None:
    begun = site.open("toys", "more")
    assert begun.resumed_samples == 0
    for task, name in zip(begun.tasks, ("toys", "more"), strict=True):
        header = store.read(task.writer.journal.path).header
        assert (header.experiment, header.build, header.seed) == (name, begun.build, begun.seed)
        assert header.key == site.here.key(site.experiments[name], site.make.profile())
        assert (header.groups[0].model_title, header.groups[0].flops) == ("玩具", 100)
        assert [case.id for case in header.cases] == [BASELINE, CONTROL, "one", "two"]
        assert header.machine["cpu"] == "某处理器"


def test_two_builds_have_different_seeds_and_ids_that_sort_by_time(site: Site) -> None:
    first, second = site.open(fresh=True), site.open(fresh=True)
    assert first.build != second.build
    assert first.build[:15] <= second.build[:15]
    assert first.seed != second.seed


def test_models_of_all_experiments_are_prepared_once_with_all_their_inputs(site: Site, make: Make) -> None:
    site.experiments["more"] = make.experiment("more", groups=[make.group(5), make.group(2)])
    site.open("toys", "more")
    assert site.prepared == [("batch=2", "batch=5")]


def test_interrupted_build_is_taken_up_again(site: Site) -> None:
    writer = site.unfinished(seed=99)
    resumed = site.open()
    assert (resumed.build, resumed.seed, resumed.resumed_samples) == (OLD, 99, 2)
    (task,) = resumed.tasks
    assert task.writer.journal.path == writer.journal.path
    assert len(task.writer.journal.samples) == 2


def test_fresh_starts_over_and_leaves_the_old_files(site: Site) -> None:
    site.unfinished()
    before = site.bytes_of_results()
    begun = site.open(fresh=True)
    assert begun.build != OLD
    assert begun.resumed_samples == 0
    assert before.items() <= site.bytes_of_results().items()


def test_build_of_another_profile_is_not_taken_up(site: Site, make: Make) -> None:
    site.unfinished(profile="thorough")
    assert site.open().resumed_samples == 0


def test_build_of_another_profile_does_not_hide_the_interrupted_one(site: Site) -> None:
    site.unfinished()
    site.finished(profile="quick", build=NEW)
    assert site.open().build == OLD


@pytest.mark.parametrize(("hours", "resumed"), [(23.9, 2), (24.1, 0)])
def test_build_is_taken_up_within_a_day(site: Site, hours: float, resumed: int) -> None:
    site.unfinished(hours_ago=hours)
    assert site.open().resumed_samples == resumed


def test_build_of_another_machine_software_or_model_is_not_taken_up(site: Site, make: Make) -> None:
    site.unfinished()
    assert site.open(here=Here(machine=make.machine(cores=4), software=site.here.software)).build != OLD
    assert site.open(here=Here(machine=site.here.machine, software={"onnxruntime": "1.32"})).build != OLD
    site.content_key = "fedcba"
    assert site.open().build != OLD


def test_build_with_other_settings_is_not_taken_up(site: Site, make: Make) -> None:
    site.unfinished()
    site.experiments["toys"] = make.experiment(cases=(BASELINE, CONTROL, "one", "three"))
    assert site.open().build != OLD


def test_reworded_experiment_is_taken_up(site: Site, make: Make) -> None:
    site.unfinished()
    site.experiments["toys"] = make.experiment(title="新标题", question="新问题?")
    assert site.open().build == OLD


def test_finished_build_is_not_taken_up_nor_one_from_before_it(site: Site) -> None:
    site.unfinished()
    site.finished(build=NEW)
    begun = site.open()
    assert begun.build not in (OLD, NEW)
    assert begun.resumed_samples == 0


def test_newest_of_two_interrupted_builds_is_taken_up(site: Site) -> None:
    site.unfinished()
    site.unfinished(build=NEW)
    assert site.open().build == NEW


def test_damaged_journal_is_named_and_passed_over(site: Site) -> None:
    site.unfinished()
    path = store.journal_path(site.folders.results, "toys", NEW)
    path.write_bytes(b"damaged\n")
    assert site.open().build == OLD
    assert any(path.name in text for text in site.told)
    assert path.read_bytes() == b"damaged\n"


def test_experiment_that_an_interrupted_build_lacks_joins_it(site: Site) -> None:
    site.unfinished("toys")
    resumed = site.open("toys", "more")
    assert resumed.resumed_samples == 2
    assert [len(task.writer.journal.samples) for task in resumed.tasks] == [2, 0]


def test_finished_journal_of_a_resumed_build_is_left_as_it_is(site: Site) -> None:
    """`run toys more` interrupted, `run more` finished, then `run toys more` again."""
    site.unfinished("toys")
    done = site.finished("more")
    intact = done.journal.path.read_bytes()
    resumed = site.open("toys", "more")
    assert done.journal.path.read_bytes() == intact
    assert [len(task.writer.journal.samples) for task in resumed.tasks] == [2, 0]
    for task in resumed.tasks:
        store.read(task.writer.journal.path)


def test_journal_of_other_settings_in_a_resumed_build_is_left_as_it_is(site: Site, make: Make) -> None:
    """`run toys more` interrupted, a setting of `more` changed, then `run toys more` again."""
    site.unfinished("toys")
    foreign = site.unfinished("more")
    intact = foreign.journal.path.read_bytes()
    site.experiments["more"] = make.experiment("more", cases=(BASELINE, CONTROL, "three"))
    resumed = site.open("toys", "more")
    assert foreign.journal.path.read_bytes() == intact
    for task in resumed.tasks:
        store.read(task.writer.journal.path)


def _hungry(make: Make) -> Experiment:
    largest = LargestBatch(item_shape=(3,), limit=32, bytes_per_item=100 * MIB)
    return make.experiment(groups=[make.group(input=largest, small=largest)])


@pytest.mark.parametrize("free_now", [1 * GIB, 64 * GIB])
def test_resumed_build_keeps_its_chosen_batch_and_knows_what_it_needs(
    site: Site, make: Make, free_now: int
) -> None:
    site.experiments["toys"] = _hungry(make)
    site.free_bytes = 2000 * MIB
    begun = site.open()
    begun.tasks[0].writer.append(make.sample(BASELINE))
    site.free_bytes = free_now
    resumed = site.open()
    assert resumed.build == begun.build
    (group,) = resumed.tasks[0].planned.groups
    assert group.input == Input(label="batch=8", shapes=((8, 3),))
    assert site.prepared[-1] == ("batch=8",)
    assert group.memory_bytes == 800 * MIB


def test_memory_needed_is_that_of_the_hungriest_group(site: Site, make: Make) -> None:
    site.experiments["more"] = _hungry(make)
    planned = campaign.plan(("toys", "more"), make.profile(), site.here)
    assert campaign.memory_needed(planned) == 3200 * MIB
    assert campaign.memory_needed(planned[:1]) == 0


def test_experiment_that_fits_nowhere_is_refused_with_the_reason(site: Site, make: Make) -> None:
    site.experiments["toys"] = make.experiment(groups=_hungry(make).groups)
    site.free_bytes = 100 * MIB
    with pytest.raises(CannotMeasure, match=r"toys.*100 MiB"):
        campaign.plan(("toys",), make.profile(), site.here)


def test_budget_without_room_for_the_checks_and_one_round_is_refused(site: Site, make: Make) -> None:
    once = campaign.plan(("toys", "more"), make.profile(rounds=1), site.here)
    often = campaign.plan(("toys", "more"), make.profile(rounds=9), site.here)
    least = campaign.total_seconds(once)  # checks of the settings, and the one round
    for planned in (once, often):
        with pytest.raises(CannotMeasure, match=r"太小.*--budget \d+s 或更多，或者少测几个实验"):
            campaign.check_budget(planned, least - 0.1)
        campaign.check_budget(planned, least + 0.1)


def test_budget_that_is_named_as_the_way_out_is_enough(site: Site, make: Make) -> None:
    planned = campaign.plan(("toys",), make.profile(), site.here)
    with pytest.raises(CannotMeasure) as refused:
        campaign.check_budget(planned, 1)
    (seconds,) = re.findall(r"--budget (\d+)s", str(refused.value))
    campaign.check_budget(planned, float(seconds))
    assert "少测" not in str(refused.value)


def test_longer_profile_is_expected_to_take_longer(site: Site, make: Make) -> None:
    short, long = (
        campaign.total_seconds(campaign.plan(("toys",), make.profile(rounds=rounds), site.here))
        for rounds in (3, 9)
    )
    assert long > 2 * short
