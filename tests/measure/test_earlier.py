"""What is used again of earlier builds: which result is valid, and how long samples took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toy_site import NEW, OLD

from bench.measure import campaign, earlier
from bench.measure.campaign import Here
from bench.measure.plan import sample_seconds
from bench.measure.profiles import PROFILES
from bench.results import store
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from samples import Make
    from toy_site import Site

NEWER, NEWEST, LAST, MORE = (f"2026010{day}-000000-cccc" for day in range(3, 7))


def _found(site: Site, here: Here | None = None) -> str | None:
    toys = site.experiments["toys"]
    journal = earlier.find_valid(toys, here or site.here, site.folders.results, site.told.append)
    return journal.header.build if journal else None


@pytest.mark.parametrize(("draft", "whole"), [("smoke", "default"), ("quick", "thorough")])
def test_valid_result_is_the_newest_complete_one_of_this_key_that_is_no_draft(
    site: Site, monkeypatch: pytest.MonkeyPatch, make: Make, draft: str, whole: str
) -> None:
    """A change of one profile leaves those of others valid."""
    assert _found(site) is None
    site.finished(profile=draft, hours_ago=1000)
    assert _found(site) == OLD
    site.finished(profile=whole, build=NEW)
    site.finished(profile=draft, build=NEWER)
    site.finished(profile=whole, build=NEWEST, key="f" * 16)
    site.unfinished(profile=whole, build=LAST)
    assert _found(site) == NEW
    site.finished(profile="default", build=MORE)
    assert _found(site) == MORE
    for name in {whole, "default"}:
        monkeypatch.setitem(PROFILES, name, make.profile(name=name, min_calls=77))
    assert _found(site) == NEWER


SWITCHED = [
    ("governor", "powersave", "处理器的调频策略当时是 performance，现在是 powersave"),
    ("transparent_huge_pages", "always", "透明大页当时是 madvise，现在是 always"),
    ("transparent_huge_pages", "", "透明大页当时是 madvise，现在是 读不到"),
]


@pytest.mark.parametrize(("name", "now", "words"), SWITCHED)
def test_nothing_is_used_once_the_machine_is_set_differently(
    site: Site, make: Make, name: str, now: str, words: str
) -> None:
    """Neither a result, but for an older one of the present setting, nor a build cut short."""
    usual = {**site.here.facts().machine, "isa": []}
    site.finished(machine=usual)
    assert (_found(site), site.told) == (OLD, [])
    switched = Here(machine=make.machine(**{name: now}), software=site.here.software)
    assert _found(site, switched) is None
    assert site.told == [f"不沿用 toys/{OLD}.jsonl：{words}"]
    site.finished(machine={**usual, name: now}, build=NEW)
    assert _found(site) == OLD
    site.told.clear()
    begun = site.open("more")
    begun.tasks[0].writer.append(make.sample(BASELINE))
    assert site.open("more").build == begun.build
    assert site.open("more", here=switched).build != begun.build
    assert any(words in text for text in site.told)


def test_journal_of_another_key_is_known_by_its_first_line(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.finished(key="f" * 16)
    site.finished(build=NEW)
    read: list[str] = []
    real = store.read
    monkeypatch.setattr(store, "read", lambda path: read.append(path.stem) or real(path))
    assert _found(site) == NEW
    assert read == [NEW]


def _seconds(site: Site, make: Make, here: Here | None = None, profile: str = "default") -> list[float]:
    planned = campaign.plan(("toys",), make.profile(name=profile), here or site.here)
    (one,) = earlier.with_seconds(planned, here or site.here, site.folders.results)
    return [sample_seconds(one, group) for group in one.groups]


def _took(site: Site, *seconds: float | None, build: str = OLD, profile: str = "default") -> None:
    """A finished build whose samples took so long, or failed; the code may have changed since, and the key with it."""
    header, make = site.header(build=build, key="f" * 16, profile=profile), site.make
    writer, started = store.Writer.create(site.folders.results, header), 0.0
    for position, wall in enumerate(seconds):
        measured = make.failure("timeout") if wall is None else None
        sample = make.sample((BASELINE, CONTROL, "one", "two")[position], measured, position=position)
        writer.append(sample.model_copy(update={"started_s": started, "wall_s": wall or 60.0}))
        started += wall or 60.0
    writer.append(make.end())
    writer.append(make.footer().model_copy(update={"finished_at": header.started_at}))
    assert store.read(writer.journal.path).complete


def test_plan_knows_how_long_samples_took_in_the_newest_build(site: Site, make: Make) -> None:
    """Those that failed tell nothing; and the estimate rests on the others."""
    assert _seconds(site, make) == [0.4]  # as typed
    _took(site, None, 2, 3, 3)
    assert _seconds(site, make) == [3]
    _took(site, 4, 4, 4, 4, build=NEW)
    assert _seconds(site, make) == [4]
    planned = campaign.plan(("toys",), make.profile(), site.here)
    seen = earlier.with_seconds(planned, site.here, site.folders.results)
    assert campaign.total_seconds(seen) == pytest.approx(10 * campaign.total_seconds(planned))


def test_lengths_of_another_profile_machine_input_load_or_place_are_not_taken(site: Site, make: Make) -> None:
    _took(site, 5, 5, 5, 5, profile="quick")
    assert _seconds(site, make) == [0.4]
    _took(site, 2, 3, 3, 9, build=NEW)
    other = Here(machine=make.machine(cpu="另一种处理器"), software=site.here.software)
    assert _seconds(site, make, other) == [0.4]
    site.experiments["toys"] = make.experiment(groups=[make.group(5), make.group(2)])
    assert _seconds(site, make) == [0.4, 3]
    for change in ({"callers": 2}, {"processes": 2}, {"cores": 0.5}):
        site.experiments["toys"] = make.experiment(groups=[make.group(**change)])
        assert _seconds(site, make) == [0.4]
