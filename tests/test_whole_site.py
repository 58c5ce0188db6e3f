"""The real pages, built from made-up samples of every experiment: nothing is measured, everything is shown."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from site_reader import read_tables

from bench import notebook, site
from bench.experiments import EXPERIMENTS
from bench.folders import BUILD_VARIABLE, ROOT, Folders
from bench.measure import campaign, observer
from bench.measure.campaign import Here
from bench.measure.child import Outcome
from bench.measure.plan import PROFILES
from bench.measure.runner import Runner
from bench.pages import snippets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conftest import Make

POST = Path("blog/onnxruntime-cpu/index.html")
LINES = {"table": ["Line #"], "error": ["[E:onnxruntime:, x] no"], "warning": [], "misspelt_key": []}


TRACE = """[
{"cat" : "Session","tid" :1,"dur" :90,"ts" :10,"name" :"model_run","args" : {}},
{"cat" : "Node","tid" :1,"dur" :40,"ts" :20,"name" :"conv_kernel_time","args" : {"op_name" : "Conv"}},
]
"""


class MadeUp:
    """A worker that answers at once; a setting decides its latency, chance shakes it a little."""

    def __init__(self, make: Make) -> None:
        self.make, self.random = make, random.Random(5)

    def __call__(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:  # noqa: ARG002
        for path in (job["write_reference"], job["settings"].get("optimized_model_filepath")):
            if path:
                Path(path).write_bytes(b"")
        if job["observe"]:
            Path(job["trace_prefix"]).write_text(TRACE, encoding="utf-8")
        slower = 1 + len(json.dumps([job["settings"], job["run_settings"]])) / 200
        latency = int(10_000_000 * slower * self.random.uniform(0.99, 1.01))
        kept = int((200 << 20) * slower)
        figures = self.make.figures(
            len(job["shapes"]), latency_ns=latency, kept_bytes=kept, peak_bytes=kept + (9 << 20)
        )
        return Outcome(figures.worker_ns / 1e9, "", figures=figures)


class Silent:
    def step(self, text: str, remaining_s: float) -> None: ...

    def note(self, text: str) -> None: ...


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Iterator[Path]:
    """The site as `bench site` leaves it."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(BUILD_VARIABLE, str(folder))
        patch.setattr(observer, "run_script", lambda *_: (0, json.dumps(LINES).encode(), ""))
        folders, here = Folders.here(), Here.read()
        planned = campaign.plan(tuple(EXPERIMENTS), PROFILES["default"], here)
        work = campaign.open_campaign(planned, here, folders, fresh=True, tell=lambda _: None)
        for task in work.tasks:
            task.worker = MadeUp(make)
        Runner(tasks=work.tasks, seed=1, budget_s=1e9, reporter=Silent(), read_noise=lambda _: None).run()
        site.build(ROOT / "mkdocs.yml", folder / "site", folders)
        yield folder / "site"


def _export(whole: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((whole / "data" / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_cells_of_every_experiment_equal_its_json(whole: Path, name: str) -> None:
    cells = read_tables((whole / POST).read_text(encoding="utf-8"))
    shown = {key[1:]: tuple(cell) for key, cell in cells.items() if key[0] == name and cell.value is not None}
    columns = {column.metric for column in EXPERIMENTS[name].columns}
    expected = {
        (r["model"], r["input"], r["case"], r["metric"]): (r["value"], r["low"], r["high"])
        for r in _export(whole, name)["rows"]
        if r["value"] is not None and r["metric"] in columns
    }
    assert shown
    assert shown == expected


def test_trace_can_be_downloaded(whole: Path) -> None:
    html = (whole / POST).read_text(encoding="utf-8")
    assert "data/profiling.trace.json" in html
    assert (whole / "data" / "profiling.trace.json").read_text(encoding="utf-8") == TRACE


def test_page_carries_every_claim_and_scenario(whole: Path) -> None:
    html = (whole / POST).read_text(encoding="utf-8")
    claims = {claim.id for experiment in EXPERIMENTS.values() for claim in experiment.claims}
    scenarios = {one.id for experiment in EXPERIMENTS.values() for one in experiment.scenarios}
    assert set(re.findall(r'data-claim="([^"]+)"', html)) == claims
    assert set(re.findall(r'data-scenario="([^"]+)"', html)) == scenarios


def test_code_of_a_scenario_is_the_winners_snippet(whole: Path) -> None:
    files = snippets.files()
    for experiment in ("recommended", "container"):
        for choice in _export(whole, experiment)["choices"]:
            assert f"{experiment}-{choice['winner']}.py" in files


def test_no_page_shows_what_a_program_prints_for_nothing(whole: Path) -> None:
    for page in whole.rglob("*.html"):
        text = site.Page(page).text
        assert not re.search(r"[（：，；]\s*(None|nan|inf)\b", text), page.name


def test_notebook_was_run_and_recommends_a_count(whole: Path) -> None:
    html = (whole / "notebooks" / "thread-ablation" / "index.html").read_text(encoding="utf-8")
    assert notebook.recommended_count(html)
    assert "线程表" in html
