"""Which build is taken up again or begun, which result is used again, and what makes it invalid; what is refused."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lab import MIB, hungry
from samples import FOUR_CASES, Make

from bench.measure import campaign, cost, earlier, header, task
from bench.measure.campaign import Campaign, CannotMeasure, Here
from bench.measure.plan import sample_seconds
from bench.measure.profiles import PROFILES, Profile
from bench.results import looks, store
from bench.spec import BASELINE, CONTROL, Case, Experiment, Importance, Input, Load, Place, Report, Subject
from bench.system.folders import ROOT, Folders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure.task import Task

make = Make()
OLD, *SINCE = (f"2026010{day}-000000-aaaa" for day in range(1, 8))
NEW = SINCE[0]
DEFAULT = PROFILES["default"]


class Site:
    """Experiments, models and results of a toy project."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folders = Folders.below(folder)
        self.here = Here(machine=make.machine(), software={"onnxruntime": "1.31.1"})
        self.free_bytes, self.content_key = 1 << 36, "abcdef012345"
        self.experiments = {name: make.experiment(name) for name in ("toys", "more")}
        self.told, self.prepared = list[str](), list[tuple[str, ...]]()
        monkeypatch.setattr(campaign, "EXPERIMENTS", self.experiments)
        monkeypatch.setattr(campaign, "free_memory", lambda: self.free_bytes)
        monkeypatch.setattr(campaign, "content_key", lambda _: self.content_key)
        monkeypatch.setattr(campaign, "prepare", self._prepare)
        for module in (campaign, header, task):
            monkeypatch.setattr(module, "MODELS", {"toy": make.model()})

    def _prepare(self, _: object, inputs: Any, __: object) -> Any:
        self.prepared.append(tuple(entry.label for entry in inputs))
        return make.prepared(self.prepared[-1])

    def open(self, *names: str, fresh: bool = False) -> Campaign:
        planned = campaign.plan(names or ("toys",), make.profile(), self.here)
        return campaign.open_campaign(planned, self.here, self.folders, fresh=fresh, tell=self.told.append)

    def key(self, experiment: Experiment | None = None, profile: Profile = DEFAULT) -> str:
        return self.here.key(experiment or self.experiments["toys"], profile)

    def valid(self) -> str | None:
        """The build whose result is used again."""
        toys = self.experiments["toys"]
        journal = earlier.find_valid(toys, self.here, self.folders.results, self.told.append)
        return journal.header.build if journal else None

    def seconds(self) -> list[float]:
        """Lengths of the samples of each group, as they are known."""
        planned = campaign.plan(("toys",), make.profile(), self.here)
        (one,) = earlier.with_seconds(planned, self.here, self.folders.results)
        return [sample_seconds(one, group) for group in one.groups]

    def header(self, name: str = "toys", *, hours_ago: float = 1, **changes: Any) -> Any:
        started = datetime.now(UTC) - timedelta(hours=hours_ago)
        usual = {
            "experiment": name,
            "key": self.key(self.experiments[name], PROFILES[changes.get("profile", "default")]),
            "started_at": started.isoformat(timespec="seconds"),
            "build": OLD,
            "rule": looks.RULE,
            "rounds": 3,
        }
        return make.header(**usual | changes)

    def unfinished(self, name: str = "toys", *lengths: float | None, **header: Any) -> store.Writer:
        """Samples of a first round that took so long, or failed; two of a second each if nothing is said."""
        writer = store.Writer.create(self.folders.results, self.header(name, **header))
        self._round(writer, 0, lengths or (1, 1))
        return writer

    def _round(self, writer: store.Writer, number: int, lengths: Sequence[float | None]) -> None:
        started = 0.0
        for position, wall in enumerate(lengths):
            measured = None if wall else make.failure("timeout")
            sample = make.sample(FOUR_CASES[position], measured, position=position, round=number)
            writer.append(sample.model_copy(update={"started_s": started, "wall_s": wall or 60.0}))
            started += wall or 60.0

    def finished(self, name: str = "toys", *lengths: float | None, **header: Any) -> None:
        writer = self.unfinished(name, *(lengths or (1, 1, 1, 1)), **header)
        writer.append(make.end())
        for number in (1, 2):
            self._round(writer, number, lengths or (1, 1, 1, 1))
            writer.append(make.end(number))
        ended = {"finished_at": writer.journal.header.started_at}
        writer.append(make.footer(3).model_copy(update=ended))
        assert store.read(writer.journal.path).complete

    def move(self, **here: Any) -> None:
        """To another machine or other software."""
        self.here = replace(self.here, **here)

    def change(self, name: str = "toys", **experiment: Any) -> None:
        self.experiments[name] = make.experiment(name, **experiment)

    def damage(self, build: str) -> None:
        store.journal_path(self.folders.results, "toys", build).write_bytes(b"damaged\n")

    def bytes_of_results(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folders.results.rglob("*.jsonl")}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_first_build_begins_a_journal_for_each_experiment(site: Site) -> None:
    site.change("more", groups=[make.group(5), make.group(2)])
    begun = site.open("toys", "more")
    assert begun.resumed_samples == 0
    assert site.prepared == [("batch=2", "batch=5")]
    for one, name in zip(begun.tasks, ("toys", "more"), strict=True):
        found = store.read(one.writer.journal.path).header
        assert (found.experiment, found.build, found.seed) == (name, begun.build, begun.seed)
        assert found.key == site.key(site.experiments[name])
        assert (found.groups[0].model_title, found.groups[0].flops) == ("玩具", 100)
        assert [case.id for case in found.cases] == [*FOUR_CASES]
        assert found.machine["cpu"] == "某处理器"
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
        pytest.param({}, lambda site: site.move(machine=make.machine(cores=4)), None, id="another machine"),
        pytest.param({}, lambda site: site.damage(NEW), OLD, id="a damaged one since"),
        pytest.param({"hours_ago": -30}, lambda _: None, OLD, id="the clock was set back since"),
        pytest.param({"rule": "another"}, lambda _: None, None, id="stopped by another rule"),
        pytest.param({"rounds": 6, "looks": [3, 6]}, lambda _: None, None, id="looked at other rounds"),
    ],
)  # fmt: skip
def test_which_build_is_taken_up(site: Site, header: Any, meanwhile: Any, taken: str | None) -> None:
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
    assert sum("规则与现在不同" in text for text in site.told) == bool(header.keys() & {"rule", "looks"})
    fresh = site.open(fresh=True)
    assert (fresh.build not in (OLD, NEW, opened.build), fresh.resumed_samples) == (True, 0)
    assert before.items() <= site.bytes_of_results().items()


@pytest.mark.parametrize(
    "stands", [None, Site.finished, Site.unfinished], ids=["it lacks one", "finished alone", "with other settings"]
)  # fmt: skip
def test_what_an_interrupted_build_lacks_joins_it_beside_what_stands_there(site: Site, stands: Any) -> None:
    site.unfinished("toys")
    if stands:
        stands(site, "more")
    if stands is Site.unfinished:
        site.change("more", cases=(BASELINE, CONTROL, "three"))
    before = site.bytes_of_results()
    resumed = site.open("toys", "more")
    assert [len(store.read(one.writer.journal.path).samples) for one in resumed.tasks] == [2, 0]
    assert before.items() <= site.bytes_of_results().items()


def test_resumed_build_keeps_its_chosen_inputs_and_knows_what_they_need(site: Site) -> None:
    """Shapes of several feeds come back as they were written: by the names of inputs."""
    many = Input(label="2 shapes", shapes=((2, 3), (4, 3)))
    site.change(groups=[hungry(make).groups[1], make.group(input=many)])
    site.free_bytes = 400 * MIB
    begun = site.open()
    begun.tasks[0].writer.append(make.sample(BASELINE))
    for site.free_bytes in (200 * MIB, 1 << 36):
        resumed = site.open()
        assert resumed.build == begun.build
        large, small = resumed.tasks[0].planned.groups
        assert large.input == Input(label="batch=2", shapes=({"x": (2, 3)},))
        assert small.input == Input(label="2 shapes", shapes=({"x": (2, 3)}, {"x": (4, 3)}))
        assert site.prepared[-1] == site.prepared[0] == ("batch=2", "2 shapes")
        assert (large.memory_bytes, small.memory_bytes) == (200 * MIB, 0)
        assert (large.index, large.cases) == (0, (BASELINE, CONTROL, "one", "two"))


def test_what_fits_neither_the_memory_nor_the_budget_is_refused(site: Site) -> None:
    """The most important group must get to its first look. The budget that is named as the way out is enough."""
    site.change("more", groups=[make.group(5), make.group(4)])
    planned = campaign.plan(("toys", "more"), make.profile(), site.here)
    least = cost.least_seconds(planned[:1])
    with pytest.raises(
        CannotMeasure, match=r"只测最要紧的一组（toys / toy / batch=2）也约需.*--budget \d+s 或更多"
    ):
        campaign.check_budget(planned, least - 0.1)
    campaign.check_budget(planned, least + 0.1)
    with pytest.raises(CannotMeasure) as refused:
        campaign.check_budget(planned[:1], 1)
    (seconds,) = re.findall(r"--budget (\d+)s", str(refused.value))
    campaign.check_budget(planned[:1], float(seconds))
    assert "最要紧" not in str(refused.value)
    site.change("more", groups=hungry(make).groups[1:])
    planned = campaign.plan(("toys", "more"), make.profile(), site.here)
    assert [campaign.memory_needed(one) for one in (planned, planned[:1])] == [400 * MIB, 0]
    site.free_bytes = 100 * MIB
    with pytest.raises(CannotMeasure, match=r"more.*100 MiB"):
        campaign.plan(("more",), make.profile(), site.here)


def test_groups_without_time_are_left_out_by_what_the_trial_shows_and_a_resumed_build_keeps_its_own(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stand in the first line with the reason; an experiment that has none left has no journal."""
    site.change(groups=[make.group(2), make.group(3)], importance=Importance.HEADLINE)
    site.change("more", groups=[make.group(4)])
    planned = campaign.plan(("toys", "more"), make.profile(), site.here)
    budget_s = (cost.least_seconds(planned) + 1) / (1 - cost.RESERVE)

    def slow(tasks: Sequence[Task]) -> None:
        for one in tasks:
            begun = one.writer.journal.samples or not one.planned.groups
            assert begun or not one.writer.journal.path.is_file()
            one.planned = replace(one.planned, measured={group.index: 0.5 for group in one.planned.groups})

    open_in_time = partial(
        campaign.open_campaign, planned, site.here, site.folders, fresh=False, tell=site.told.append
    )
    monkeypatch.setattr(campaign, "try_out", lambda _: None)
    everything = open_in_time(budget_s=budget_s)
    assert [len(one.planned.groups) for one in everything.tasks] == [2, 1]
    shutil.rmtree(site.folders.results)
    monkeypatch.setattr(campaign, "try_out", slow)
    begun = open_in_time(budget_s=budget_s)
    assert [len(one.planned.groups) for one in begun.tasks] == [2, 0]
    assert "时间预算不够，有 1 组不测：more / toy / batch=4" in site.told
    shutil.rmtree(site.folders.results)
    begun = open_in_time(budget_s=budget_s / 2)
    headers = [store.read(one.writer.journal.path).header for one in begun.tasks]
    assert [([group.index for group in one.groups], one.dropped) for one in headers] == [
        ([0], ["toy / batch=3：时间预算不够"]),
        ([], ["toy / batch=4：时间预算不够"]),
    ]
    begun.tasks[0].writer.append(make.sample(BASELINE))
    for later in (budget_s / 2, 10 * budget_s):
        resumed = open_in_time(budget_s=later)
        assert resumed.build == begun.build
        assert [[group.index for group in one.planned.groups] for one in resumed.tasks] == [[0], []]


def test_change_of_one_experiment_leaves_the_results_of_those_that_share_with_it_valid(site: Site) -> None:
    """Default and equal cases were measured for both; a title, or what files share, decides nothing."""
    for name in site.experiments:
        site.finished(name)

    def valid() -> list[str]:
        return [
            name
            for name, one in site.experiments.items()
            if earlier.find_valid(one, site.here, site.folders.results, site.told.append)
        ]

    site.change("more", title="别的题目", question="别的?", importance=Importance.HEADLINE)
    assert valid() == ["toys", "more"]
    changed = Case(id="two", title="设置 two", settings={"case": "two", "x": 1})
    site.change("more", cases=(*FOUR_CASES[:3], changed))
    assert valid() == ["toys"]


def test_valid_result_is_the_newest_whole_one_of_this_key_and_no_draft(site: Site, monkeypatch: Any) -> None:
    """A change of one profile leaves those of others valid; those of another key are known by their first lines."""
    assert site.valid() is None
    site.finished(profile="quick", hours_ago=1000)
    assert site.valid() == OLD
    for build, profile in zip(SINCE, ("thorough", "smoke", "quick", "thorough"), strict=False):
        site.finished(profile=profile, build=build, **({"key": "f" * 16} if build == SINCE[3] else {}))
    site.unfinished(profile="thorough", build=SINCE[4])
    real, read = store.read, list[str]()
    monkeypatch.setattr(store, "read", lambda path: read.append(path.stem) or real(path))
    assert (site.valid(), read) == (NEW, [SINCE[4], NEW])
    site.finished(profile="default", build=SINCE[5])
    assert site.valid() == SINCE[5]
    for name in ("thorough", "default"):
        monkeypatch.setitem(PROFILES, name, make.profile(name=name, min_calls=77))
    assert site.valid() == SINCE[2]


def test_nothing_is_used_once_the_machine_is_set_differently(site: Site) -> None:
    """Neither a result, but for an older one of the present setting, nor a build cut short."""
    words = "处理器的调频策略当时是 performance，现在是 powersave，透明大页当时是 madvise，现在是 读不到"
    usual = {**site.here.facts().machine, "isa": []}
    now = {"governor": "powersave", "transparent_huge_pages": ""}
    site.finished(machine=usual)
    assert (site.valid(), site.told) == (OLD, [])
    begun = site.open("more")
    begun.tasks[0].writer.append(make.sample(BASELINE))
    assert site.open("more").build == begun.build
    site.told.clear()
    site.move(machine=make.machine(**now))
    assert site.valid() is None
    assert site.told == [f"不沿用 toys/{OLD}.jsonl：{words}"]
    assert site.open("more").build != begun.build
    assert site.told[1:2] == [f"不沿用 more/{begun.build}.jsonl：{words}"]
    site.move(machine=make.machine())
    site.finished(machine=usual | now, build=NEW)
    assert site.valid() == OLD


def test_plan_knows_how_long_samples_took_in_the_newest_build(site: Site) -> None:
    """The code may have changed since, and the key with it. Samples that failed tell nothing."""
    assert site.seconds() == [0.4]  # as typed
    site.finished("toys", 5, 5, 5, 5, profile="quick", key="f" * 16)
    assert site.seconds() == [0.4]
    site.finished("toys", None, 2, 3, 4, build=NEW, key="f" * 16)
    assert site.seconds() == [3]
    site.finished("toys", 4, 4, 4, 4, build=SINCE[1], key="f" * 16)
    assert site.seconds() == [4]
    planned = campaign.plan(("toys",), make.profile(), site.here)
    seen = earlier.with_seconds(planned, site.here, site.folders.results)
    assert cost.expected_seconds(seen) == pytest.approx(10 * cost.expected_seconds(planned))
    site.change(groups=[make.group(5), make.group(2)])
    assert site.seconds() == [0.4, 4]
    for change in ({"callers": 2}, {"processes": 2}, {"cores": 0.5}):
        site.change(groups=[make.group(**change)])
        assert site.seconds() == [0.4]
    site.change()
    site.move(machine=make.machine(cpu="另一种处理器"))
    assert site.seconds() == [0.4]


def _toys(*, case: dict[str, Any] | None = None, **changes: Any) -> Experiment:
    fields = {"id": BASELINE, "title": "默认", "settings": {"x": 1}} | (case or {})
    return make.experiment(cases=(Case(**fields),), **changes)


def test_words_and_what_decides_no_number_do_not_change_the_key(site: Site) -> None:
    """Neither do a reboot nor a point release of the system."""
    words = {"title": "另一个", "question": "另一个?", "columns": ("kept_mib", "ratio")}
    worded = _toys(case={"title": "默认设置"}, groups=(make.group(seconds=9, slower={"one": 2.0}),), **words)
    before = site.key(_toys())
    assert site.key(worded, replace(DEFAULT, title="别的", looks=(99,), budget_s=1)) == before
    site.move(machine=make.machine(kernel="6.9", governor="powersave", system="某系统 1.2"))
    assert site.key(_toys()) == before


def test_everything_that_decides_a_number_changes_the_key(site: Site) -> None:
    cases: tuple[Any, ...] = (
        {"settings": {"x": 2}}, {"settings": {"x": "1"}}, {"settings": {}}, {"id": "other"},
        {"run_settings": {"memory.enable_memory_arena_shrinkage": "cpu:0"}},
        {"subject": Subject(name="known_cost")}, {"subject": Subject(options={"arena_extend_strategy": 1})},
        {"variant": "optimised"}, {"load": Load(callers=2)}, {"expected": "crash"},
        {"place": Place(env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})}, {"place": Place(cores=0.5)},
        {"place": Place(packages=("engine==1",))}, {"place": Place(packages=("engine==1",), python=">=3.8,<3.11")},
        {"lacking": lambda machine: machine.libc},
    )  # fmt: skip
    groups: tuple[Any, ...] = (
        {"input": Input(label="batch=2", shapes=((3, 3),))}, {"input": Input(label="batch=2", shapes=({"x": (2, 3)},))},
        {"cases": (BASELINE,)}, {"processes": 2}, {"cores": 0.5}, {"variant": "ort_format"},
    )  # fmt: skip
    experiments: tuple[Any, ...] = (
        {}, {"groups": (make.group(), make.group(3))}, *({"groups": (make.group(**one),)} for one in groups),
        {"reports": (Report(subject="session", cases=(BASELINE,)),)}, {"observe_each_group": True},
        {"scenarios": (make.scenario(),)}, {"keep_trace": (BASELINE, 0)}, {"columns": ("idle_cpu_s",)},
        *({"case": case} for case in cases),
    )  # fmt: skip
    timing: tuple[Any, ...] = ({"min_seconds": 0.5}, {"min_calls": 5}, {"small": True}, {"bracket": False})
    keys = {str(one): site.key(_toys(**one)) for one in experiments}
    keys |= {str(one): site.key(_toys(), replace(DEFAULT, **one)) for one in timing}
    machines = ({"machine": make.machine(cpu="另一种处理器")}, {"machine": make.machine(cores=4)})
    for change in (*machines, {"software": {"onnxruntime": "1.32.0"}}):
        here = replace(site.here, **change)
        keys[str(change)] = here.key(_toys(), DEFAULT)
    site.content_key = "fedcba"
    keys["model"] = site.key(_toys())
    assert len(keys) == 36
    assert [one for one, key in keys.items() if [*keys.values()].count(key) > 1] == []


def test_what_is_measured_apart_stands_until_cases_groups_or_models_change(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It brings its own software, and is not measured again with every change here."""
    apart = {"own_budget_s": 60}
    before, here = site.key(_toys(**apart)), replace(site.here, software={"onnxruntime": "1.32.0"})
    assert here.key(_toys(**apart), DEFAULT) == before != here.key(_toys(), DEFAULT)
    others = [_toys(case={"settings": {"x": 2}}, **apart), _toys(groups=(make.group(3),), **apart)]
    assert before not in map(site.key, others)
    real = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: real(path) + b"#" * (path.name == "worker.py"))
    assert site.key(_toys(**apart)) == before
    site.content_key = "fedcba"
    assert site.key(_toys(**apart)) != before


def test_source_of_what_takes_part_changes_the_key(site: Site, monkeypatch: Any) -> None:
    """Profiles enter by what they say, subjects and variants where they are used; others stand on the session."""
    bench, real = ROOT / "bench", Path.read_bytes
    measuring = {*bench.glob("measure/*.py"), bench / "spec.py", bench / "subjects/session.py"}
    measuring -= {bench / "measure/profiles.py"}
    assert len(measuring) > 20
    shared, optimised = (
        {"case": {"subject": Subject(name="shared_arena")}},
        {"case": {"variant": "optimised"}},
    )
    reported = {"reports": (Report(subject="log_lines", cases=(BASELINE,)),)}
    used: tuple[Any, ...] = (
        ({}, ()), (shared, ("subjects/shared_arena.py",)), (reported, ("subjects/log_lines.py",)),
        (optimised, ("variants/_job.py", "variants/optimised.py")),
    )  # fmt: skip
    for changes, files in used:
        monkeypatch.setattr(Path, "read_bytes", real)
        experiment = _toys(**changes)
        before, found = site.key(experiment), set()
        for edited in bench.rglob("*.py"):
            monkeypatch.setattr(Path, "read_bytes", lambda path, e=edited: real(path) + b"#" * (path == e))
            found |= {edited} if site.key(experiment) != before else set()
        assert found == measuring | {bench / file for file in files}
