"""Pages, experiments and snippets belong together, and every block of code that readers copy runs."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import pytest

import bench
from bench.experiments import EXPERIMENTS
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.pages import options, snippets, source
from bench.site import check
from bench.spec import BASELINE, CONTROL, Input, Machine
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from bench.spec import Experiment

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FENCE = re.compile(r"^(`{3,})python\b([^\n]*)\n(.*?)^\1`*\s*$", re.MULTILINE | re.DOTALL)


def _fences(*, executed: bool) -> list[tuple[str, str]]:
    """(page, code) of the Python blocks in the pages."""
    return [
        (page.relative_to(DOCS).as_posix(), match[3])
        for page in PAGES
        for match in FENCE.finditer(page.read_text(encoding="utf-8"))
        if ("exec" in match[2]) is executed
    ]


def _calls() -> list[ast.Call]:
    """Every call of the page API."""
    trees = [ast.parse(code) for _, code in _fences(executed=True)]
    return [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("bench.")
    ]


def test_claims_and_scenarios_stand_on_a_page_and_snippets_are_of_cases_that_there_are() -> None:
    calls = {ast.unparse(call) for call in _calls()}
    for experiment in EXPERIMENTS.values():
        assert {f"bench.claim({experiment.id!r}, {claim.id!r})" for claim in experiment.claims} <= calls
        for scenario in experiment.scenarios:
            assert {
                f"bench.scenario({scenario.id!r}{part})" for part in ("", ", 'code'", ", 'line'")
            } <= calls
    snippets = [call.args for call in _calls() if ast.unparse(call.func) == "bench.snippet"]
    assert snippets
    for name, case in (map(ast.literal_eval, one) for one in snippets):
        assert case in {one.id for one in EXPERIMENTS[name].cases(MACHINE)}


@pytest.mark.parametrize("call", _calls(), ids=ast.unparse)
def test_calls_name_what_exists(call: ast.Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without results, a call gets as far as asking for them, or for what was read from the libraries."""

    def missing(*_: object) -> NoReturn:
        raise source.MissingResult

    for name in ("load", "selftests", "rules", "status"):
        monkeypatch.setattr(source, name, missing)
    monkeypatch.setattr(options, "installed", missing)
    with suppress(source.MissingResult):
        eval(ast.unparse(call), {"bench": bench})  # noqa: S307 - our own pages


def test_executed_blocks_only_call_the_page_api() -> None:
    called = {name for _, code in _fences(executed=True) for name in re.findall(r"bench\.(\w+)", code)}
    assert called <= set(bench.__all__)
    assert len(bench.__all__) <= 12


def test_no_block_stands_before_the_excerpt_ends() -> None:
    for post in (DOCS / "blog" / "posts").glob("*.md"):
        head, separator, _ = post.read_text(encoding="utf-8").partition("<!-- more -->")
        assert separator
        assert not FENCE.search(head)


def test_fence_options_are_known_and_misspelt_ones_found(tmp_path: Path) -> None:
    assert list(check.fences(DOCS)) == []
    (tmp_path / "page.md").write_text('```python exec="on" htlm="true"\nprint(1)\n```\n', encoding="utf-8")
    assert "htlm" in "".join(check.fences(tmp_path))


RULE_NUMBER = re.compile(r"\d[\d.]* ?(?:轮|秒|%|MiB|毫秒)|± ?\d")


def test_numbers_of_the_rules_are_not_typed_into_prose_but_shown() -> None:
    """They stand in the code; the page shows them by a call. The level of an interval is what it is."""
    method, certificate = (
        (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8") for name in ("method", "certificate")
    )
    for page in (method, certificate):
        found = RULE_NUMBER.findall(page.partition("## 方法的变更")[0])
        assert [one for one in found if one != "95%"] == []
    assert 'bench.build("rules")' in method


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `model.onnx` in it, as the snippets expect."""
    line = Input(label="1x3x48x96", shapes=((1, 3, 48, 96),))
    prepared = prepare(MODELS["ocr_rec"], (line,), tmp_path_factory.mktemp("models"))
    prepared.input_paths[line.label]["x"].rename(prepared.model_path.with_name("feed.npy"))
    return prepared.model_path.parent


def _run(code: str, folder: Path, given: str = "") -> str:
    command, env = [sys.executable, "-c", code], {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        command, input=given, cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


INFERENCE = """
import numpy
feed = {"x": numpy.load("feed.npy")}
(outputs,) = session.run(None, feed, globals().get("run_options"))
assert numpy.isfinite(outputs).all()
"""
MACHINE = Machine(cores=4)
"""The machine whose snippets are run."""
RUNNER = """
import contextlib, io, json, os, sys, traceback
failed = {}
for name, code in json.load(sys.stdin).items():
    if "sched_getaffinity" in code and not hasattr(os, "sched_getaffinity"):
        continue
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, name, "exec"), {"__name__": "__main__"})
    except BaseException:
        failed[name] = traceback.format_exc()
json.dump(failed, sys.stdout)
"""
"""Each block in a namespace of its own; tells what failed. os.sched_getaffinity exists on Linux alone."""


def _failures(blocks: dict[str, str], model: Path) -> dict[str, str]:
    assert blocks
    found: dict[str, str] = json.loads(_run(RUNNER, model, json.dumps(blocks)))
    return found


def _check(key: str, value: object) -> str:
    read = f"get_session_config_entry({key!r})" if "." in key else key
    return f"assert options.{read}{'.name' * (key in snippets.ENUMS)} == {value!r}\n"


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda experiment: experiment.id)
def test_snippets_make_sessions_with_their_settings_that_infer(experiment: Experiment, model: Path) -> None:
    """A process an experiment: an arena that a snippet registers serves the sessions after it, too."""
    blocks = {
        f"{experiment.id} {case.id}": snippets.on_machine(experiment, case, MACHINE)
        + "".join(_check(key, value) for key, value in case.settings.items())
        + INFERENCE
        for case in experiment.cases(MACHINE)
    }
    assert _failures(blocks, model) == {}


def test_code_on_pages_runs_and_a_block_that_fails_is_told(model: Path) -> None:
    blocks = {f"{page} {n}": code for n, (page, code) in enumerate(_fences(executed=False))}
    assert blocks
    told = _failures({**blocks, "fine": "x = 1", "bad": "assert x == 1"}, model)
    assert list(told) == ["bad"]
    assert "NameError" in told["bad"]


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda e: e.id)
@pytest.mark.parametrize("cores", [1, 2, 6, 64])
def test_experiments_are_well_formed(experiment: object, cores: int) -> None:
    cases = experiment.cases(Machine(cores=cores))  # type: ignore[attr-defined]
    ids = [case.id for case in cases]
    assert ids[:2] == [BASELINE, CONTROL]
    assert len(set(ids)) == len(ids)
    assert cases[0].settings == cases[1].settings
    for place, case in enumerate(cases):
        compared = {proof.than for proof in case.proofs if proof.than}
        assert compared <= set(ids[:place]), "a proof compares with what was observed before"
        assert case.proofs or case.id in (BASELINE, CONTROL)
    for group in experiment.groups:  # type: ignore[attr-defined]
        assert group.model in MODELS
        assert set(group.cases) <= set(ids)


SAYS = {"spec"}
SHIPPED = {"subjects", "variants"}
"""What runs in the measured process, or makes files for it: others know names and titles."""
LAYERS = {
    "system": set[str](),
    "spec": set(),
    "experiments": SAYS,
    "facts": {"system"},
    "models": {"system"} | SAYS,
    "subjects": set(),
    "variants": set(),
    "results": {"system"} | SAYS,
    "measure": {"experiments", "models", "results", "system"} | SAYS | SHIPPED,
    "pages": {"experiments", "facts", "results", "system"} | SAYS | SHIPPED,
    "site": {"experiments", "facts", "measure", "pages", "results", "system"} | SAYS,
    "cli": {"experiments", "measure", "models", "pages", "results", "site", "system"} | SAYS | SHIPPED,
    "__main__": {"cli", "system"},
    "__init__": {"pages"},
}
"""What each part of `bench` may import of the others."""
PARTS = sorted(
    path.stem
    for path in (ROOT / "bench").iterdir()
    if path.suffix == ".py" or (path / "__init__.py").exists()
)


@pytest.mark.parametrize("part", PARTS)
def test_imports_point_one_way(part: str) -> None:
    assert sorted(LAYERS) == PARTS
    root = ROOT / "bench" / part
    files = sorted(root.glob("*.py")) if root.is_dir() else [root.with_suffix(".py")]
    assert files
    for path in files:
        assert _imported(path) <= LAYERS[part] | {part}, path.name


def _imported(path: Path) -> set[str]:
    """Parts of `bench` that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "bench":
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = (alias.name.split(".") for alias in node.names)
            found |= {parts[1] for parts in names if parts[0] == "bench" and len(parts) > 1}
    return found


def test_pages_load_nothing_that_measures() -> None:
    code = (
        "import sys, bench, bench.site.hooks, bench.site.notebook; loaded = [m for m in sys.modules if m.startswith('bench.measure') "
        "or m in ('onnxruntime', 'onnx', 'vl_convert')]; assert not loaded, loaded"
    )
    _run(code, ROOT)
