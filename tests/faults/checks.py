"""What must hold after a fault. Each is asked of the stage and fails with what it found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from faults.injectors import OLD_SITE
from faults.stage import is_running

from bench.results import store
from bench.results.published import Export

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.stage import Stage


def ends_with(status: int) -> Callable[[Stage], None]:
    """The build ended with this status and without a traceback."""

    def check(stage: Stage) -> None:
        assert stage.done.status == status, stage.done.output
        assert "Traceback" not in stage.done.output

    return check


def says(text: str) -> Callable[[Stage], None]:
    def check(stage: Stage) -> None:
        assert text in stage.done.output

    return check


def tells_once(text: str) -> Callable[[Stage], None]:
    """One line says so, and it is the last one: nothing more is to be said after a reason to end."""

    def check(stage: Stage) -> None:
        assert stage.done.output.count(text) == 1, stage.done.output
        assert text in stage.done.output.splitlines()[-1], stage.done.output

    return check


def build_is_whole(stage: Stage) -> None:
    """One journal, complete, with every sample of the round."""
    journal = stage.journal()
    assert journal.complete
    (end,) = journal.final_rounds(0)
    assert len(journal.samples_of(end)) == len(journal.header.cases)


def newest_build_is_whole(stage: Stage) -> None:
    """Beside the one that was there before."""
    assert [store.read(path).complete for path in stage.journals()] == [True, True]


def no_cell_failed(stage: Stage) -> None:
    assert not [sample for sample in stage.journal().samples if sample.failure]


def one_cell_failed(kind: str, reason: str) -> Callable[[Stage], None]:
    """One sample is a failure of that kind, the others have figures."""

    def check(stage: Stage) -> None:
        samples = stage.journal().samples
        (failure,) = [sample.failure for sample in samples if sample.failure]
        assert (failure.kind, reason in failure.reason) == (kind, True)
        assert sum(sample.figures is not None for sample in samples) == len(samples) - 1

    return check


def children_end_within_a_second(stage: Stage) -> None:
    assert stage.orphans
    assert stage.ended_within_s < 1.0
    nothing_runs_on(stage)


def nothing_runs_on(stage: Stage) -> None:
    assert not [pid for pid in stage.orphans if is_running(pid)]


def next_run_goes_on(stage: Stage) -> None:
    """The same command finishes the same build; every line that was whole is still there."""
    done = stage.measure()
    assert done.status == 0, done.output
    build_is_whole(stage)
    no_cell_failed(stage)
    (path,) = stage.journals()
    assert path.read_bytes().startswith(stage.before)


def next_run_keeps(samples: int) -> Callable[[Stage], None]:
    """So many samples were there already."""

    def check(stage: Stage) -> None:
        footer = stage.journal().footer
        assert footer
        assert footer.resumed == samples

    return check


def next_build_starts_anew(stage: Stage) -> None:
    """Beside the damaged journal, which stays as it is, there is a whole one."""
    newest, damaged = stage.journals()
    assert store.read(newest).complete
    with pytest.raises(store.DamagedJournal):
        store.read(damaged)


def next_export_is_whole(stage: Stage) -> None:
    """Now that there is room, every file is written and can be read."""
    done = stage.bench("export")
    assert done.status == 0, done.output
    for path in (stage.folders.export / "data").glob("*.json"):
        json.loads(path.read_bytes())
    assert Export.model_validate_json((stage.folders.export / "data" / "toy.json").read_bytes()).rows


def no_scratch_is_left(stage: Stage) -> None:
    work = stage.folders.work
    assert not (list(work.iterdir()) if work.exists() else [])
    assert not list(stage.folder.rglob("*.new"))
    beside = [path.name for path in stage.target.parent.glob(f".{stage.target.name}*")]
    assert not beside


def old_site_stands(stage: Stage) -> None:
    assert [path.name for path in stage.target.iterdir()] == ["index.html"]
    assert (stage.target / "index.html").read_text(encoding="utf-8") == OLD_SITE


def next_site_stands(stage: Stage) -> None:
    done = stage.build_site()
    assert done.status == 0, done.output
    site_stands(stage)


def site_stands(stage: Stage) -> None:
    assert 'data-experiment="toy"' in (stage.target / "index.html").read_text(encoding="utf-8")


def every_cell_failed(kind: str, reason: str) -> Callable[[Stage], None]:
    def check(stage: Stage) -> None:
        samples = stage.journal().samples
        assert samples
        for sample in samples:
            assert sample.failure
            assert (sample.failure.kind, reason in sample.failure.reason) == (kind, True), sample.failure

    return check


def batch_is_at_most(items: int) -> Callable[[Stage], None]:
    """It was chosen by the memory that there is, and the page is told why."""

    def check(stage: Stage) -> None:
        (group,) = stage.journal().header.groups
        assert 1 <= group.shapes[0][0] <= items
        assert "六成放得下的最大 batch" in group.note
        assert group.input in stage.done.output

    return check


def machine_is(**facts: int) -> Callable[[Stage], None]:
    def check(stage: Stage) -> None:
        assert facts.items() <= stage.journal().header.machine.items()

    return check


def pressure_is_unknown(stage: Stage) -> None:
    (end,) = stage.journal().final_rounds(0)
    assert end.noise.pressure is None
    assert end.noise.available_bytes


def noise_is_unknown(stage: Stage) -> None:
    (end,) = stage.journal().final_rounds(0)
    assert {end.noise.others, end.noise.steal, end.noise.pressure} == {None}


def columns_are_missing_and_said_to_be(titles: str) -> Callable[[Stage], None]:
    def check(stage: Stage) -> None:
        for sample in stage.journal().samples:
            assert sample.figures
            assert (sample.figures.peak_bytes, sample.figures.threads_created) == (None, None)
        page = (stage.target / "index.html").read_text(encoding="utf-8")
        assert 'data-metric="peak_mib"' not in page
        assert f"本机读不到：{titles}" in page

    return check


def plain_text_only(stage: Stage) -> None:
    assert "\x1b" not in stage.done.output
    assert "验证设置生效" in stage.done.output
