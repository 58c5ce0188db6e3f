"""A site that is still being measured: where its draft stands, what it may cost, and what it shows in place of figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from bs4 import BeautifulSoup
from made_up_draft import HEADLINES

import bench
from bench.experiments import EXPERIMENTS
from bench.pages import evidence, source
from bench.results.published import Export
from bench.results.summary import summarise
from bench.site import check
from bench.site.draft import SHARE, Drafts, NotMade, place_for
from bench.site.publish import by_now
from bench.spec import BASELINE, CONTROL
from bench.system.folders import BUILD_VARIABLE, DRAFT_VARIABLE, Folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from samples import FakeClock, Make

TOOK = 30.0
"""Seconds of making a draft."""


class Stage:
    """A run that makes drafts, without making them."""

    def __init__(self, root: Path, clock: FakeClock) -> None:
        self.clock, self.made, self.fails = clock, list[float](), False
        self.runner = Mock()
        self.runner.remaining_s.return_value = 3600.0
        self.drafts = Drafts("b", Folders.below(root), self.runner, make=self.make, clock=clock)

    def make(self, build: str, place: Path) -> None:
        self.made.append(self.clock())
        self.clock.advance(TOOK)
        if self.fails:
            raise NotMade("mkdocs 以状态 1 结束")
        place.mkdir(parents=True, exist_ok=True)
        found = {"build": build, "at": "2026-01-02T03:04:05+00:00", "experiments": ["arena"]}
        (place / source.DRAFT).write_text(json.dumps(found))

    def told(self) -> list[str]:
        return [call.args[0] for call in self.runner.reporter.note.call_args_list]


@pytest.fixture
def stage(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.chdir(tmp_path)
    return Stage(tmp_path / "build", clock)


def test_draft_never_takes_the_place_of_a_complete_site(tmp_path: Path) -> None:
    """Nor of anything else; of another draft it does."""
    folders, site = Folders.below(tmp_path / "build"), tmp_path / "site"
    assert place_for(folders, site) == site
    site.mkdir()
    assert place_for(folders, site) == site
    (site / "index.html").touch()
    assert place_for(folders, site) == tmp_path / "build" / "draft-site" == folders.draft_site
    (site / source.DRAFT).touch()
    assert place_for(folders, site) == site


def test_drafts_after_the_first_cost_a_twentieth_of_the_measuring(stage: Stage) -> None:
    """An hour of looks, one every ten seconds: never more than that at any moment, and not much less in the end."""
    began = stage.clock()
    while stage.clock() - began < 3600:
        stage.clock.advance(10)
        stage.drafts.update()
        measured = stage.clock() - began - TOOK * len(stage.made)
        assert TOOK * (len(stage.made) - 1) <= SHARE * measured
    assert stage.made[0] == began + 10, "the first one at once"
    assert len(stage.made) - 1 == SHARE * measured // TOOK


def test_no_draft_is_made_that_would_soon_be_replaced(stage: Stage) -> None:
    stage.drafts.update()
    stage.clock.advance(3600)
    stage.runner.remaining_s.return_value = TOOK - 1
    stage.drafts.update()
    assert len(stage.made) == 1


def test_draft_that_fails_is_told_and_the_last_good_one_stays(stage: Stage) -> None:
    stage.drafts.update()
    assert str(stage.drafts.last) == "site"
    stage.fails = True
    stage.clock.advance(3600)
    stage.drafts.update()
    first, second = stage.told()
    assert "site/index.html" in first
    assert "内存 arena，其余" in first
    assert "mkdocs 以状态 1 结束" in second
    assert stage.drafts.told() == first


@pytest.mark.parametrize(("rounds", "judged"), [(1, False), (5, False), (6, True)])
def test_unfinished_results_conclude_nothing_before_six_rounds(
    make: Make, *, rounds: int, judged: bool
) -> None:
    """As they will not either when they are finished."""
    experiment = EXPERIMENTS["intra_op_num_threads"]
    twice = {"latency_ns": 20_000_000}
    one = [(BASELINE, {}), (CONTROL, {}), ("1", twice)]
    journal = make.journal([one] * rounds, experiment=experiment.id)
    journal.footer = None
    found = by_now(journal)
    assert found
    export = summarise(experiment, found)
    assert not export.build.complete
    assert export.draft is not judged
    assert any(row.verdict for row in export.rows) is judged
    assert all(group.verdicts is judged for group in export.groups)
    journal.rounds.clear()
    assert by_now(journal) is None


CALLS: dict[str, Callable[[], str]] = {
    "advice": lambda: bench.advice("container"),
    "table": lambda: bench.table("container"),
    "figure": lambda: bench.figure("container", "default"),
    "conclusion": lambda: bench.conclusion("container"),
    "claim": lambda: bench.claim("profiling", "recommended_on"),
    "report": lambda: bench.report("log_severity", "log_lines"),
    "snippet": lambda: bench.snippet("container", "no_spin"),
    "scenario": lambda: bench.scenario("container", "line"),
    "code of a scenario": lambda: bench.scenario("container", "code"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_not_measured_says_so_in_a_draft_alone(
    call: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path))
    monkeypatch.setenv(DRAFT_VARIABLE, "b")
    export = Folders.here().export
    export.mkdir()
    (export / source.DRAFT).write_text('{"build": "b"}')
    assert "还没测：" in call()
    (export / source.DRAFT).unlink()
    assert "还没有测这个实验" in evidence.page(EXPERIMENTS["container"]), (
        "it has a page of its own in any case"
    )
    with pytest.raises(source.MissingResult, match="先运行 nox -s docs"):
        call()


@pytest.mark.slow
def test_draft_of_the_real_site_shows_what_there_is(drafted: Path) -> None:
    """Every page says what it is; a section says what it lacks; what was measured draws no conclusion."""
    pages = {path.relative_to(drafted).as_posix(): path for path in drafted.rglob("*.html")}
    for name, path in pages.items():
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        assert soup.select_one(".bench-draft"), name
    assert json.loads((drafted / source.DRAFT).read_text())["experiments"] == sorted(HEADLINES)
    text = {name: check.Page(pages[name].read_text(encoding="utf-8")).text for name in pages}
    article = pages["blog/onnxruntime-cpu.html"]
    shown = check.Page(article.read_text(encoding="utf-8")).experiments
    assert shown == {*HEADLINES} - {"recommended"}, "whose table is on the evidence page"
    assert check.Page(pages["evidence/recommended.html"].read_text("utf-8")).experiments == {"recommended"}
    assert "还没测" in text["blog/onnxruntime-cpu.html"]
    for name in EXPERIMENTS.keys() - {*HEADLINES}:
        assert "还没测" in text[f"evidence/{name}.html"]
        assert not (drafted / "data" / f"{name}.json").exists()
    for page in ("index.html", "reference/data.html", "blog/container-threads.html"):
        assert "还没测" in text[page], page
    assert "还没运行" in text["notebooks/thread-ablation.html"]
    for name in HEADLINES:
        export = Export.model_validate_json((drafted / "data" / f"{name}.json").read_text(encoding="utf-8"))
        timed = {(group.model, group.input) for group in export.groups if group.load.timed}
        assert {group.rounds for group in export.groups} == {1}
        assert not any(row.verdict for row in export.rows if (row.model, row.input) in timed)
