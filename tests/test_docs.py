"""Pages, experiments, the vocabulary and snippets belong together, and code that readers copy runs."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import bench
from bench.experiments import EXPERIMENTS
from bench.experiments._common import needs_glibc, needs_onnxruntime
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.pages import snippets, symptoms
from bench.spec import BASELINE, CONTROL, Case, Input, Load, Machine, Place, Subject, input_title
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
FENCE = re.compile(r"^( *)(`{3,})python\b([^\n]*)\n(.*?)^ *\2`*\s*$", re.MULTILINE | re.DOTALL)
MACHINE = Machine(cores=4)
"""The machine whose snippets are run."""


def _fences(*, executed: bool) -> list[tuple[str, str]]:
    """(page, code) of the Python blocks in the pages."""
    return [
        (name, textwrap.dedent(match[4]))
        for name, text in _pages().items()
        for match in FENCE.finditer(text)
        if ("exec" in match[3]) is executed
    ]


def _pages() -> dict[str, str]:
    """Those that somebody wrote, and the symptoms."""
    written = {
        path.relative_to(DOCS).as_posix(): path.read_text("utf-8") for path in sorted(DOCS.rglob("*.md"))
    }
    return written | {"symptoms.md": symptoms.markdown()}


def test_every_claim_and_scenario_stands_on_a_page() -> None:
    trees = (ast.walk(ast.parse(code)) for _, code in _fences(executed=True))
    calls = {ast.unparse(node) for tree in trees for node in tree if isinstance(node, ast.Call)}
    for one in EXPERIMENTS.values():
        wanted = {f"bench.claim({one.id!r}, {claim.id!r})" for claim in one.claims}
        for part in (", 'code'", ", 'line'"):
            wanted |= {f"bench.scenario({scenario.id!r}{part})" for scenario in one.scenarios}
        assert wanted <= calls


def test_executed_blocks_only_call_the_page_api_and_stand_behind_the_excerpt() -> None:
    called = {name for _, code in _fences(executed=True) for name in re.findall(r"bench\.(\w+)", code)}
    assert called <= set(bench.__all__)
    assert len(bench.__all__) <= 12
    for post in (DOCS / "blog" / "posts").glob("*.md"):
        head, separator, _ = post.read_text(encoding="utf-8").partition("<!-- more -->")
        assert (bool(separator), FENCE.search(head)) == (True, None)


def test_numbers_of_the_rules_are_not_typed_into_prose_but_shown() -> None:
    """They stand in the code; the page shows them by a call. The level of an interval is what it is."""
    for name in ("certificate", "method"):
        page = (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")
        found = re.findall(r"\d[\d.]* ?(?:轮|秒|%|MiB|毫秒)|± ?\d", page.partition("## 方法的变更")[0])
        assert set(found) <= {"95%"}, name
    assert 'bench.build("rules")' in page


def _run(code: str, folder: Path, given: str = "") -> str:
    command, env = [sys.executable, "-c", code], {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        command, input=given, cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FEEDS = """
import numpy
feed = {"x": numpy.load("feed.npy")}
feeds = [feed, feed]
"""
INFERENCE = """
outputs = session.run(None, feed, globals().get("run_options"))
assert numpy.isfinite(outputs[0]).all()
"""
FRAGMENT = """
import os
import numpy
import onnxruntime as ort
options, name = ort.SessionOptions(), "x"
feed = {"x": numpy.load("feed.npy")}
session, x, feeds = ort.InferenceSession("model.onnx"), feed["x"], [feed, feed]
outputs = session.run(None, feed)
"""
"""What a few changed lines stand between."""
NOT_RUN = re.compile(
    r"quantize_static|multiprocessing|RapidOCR|ort\.InferenceSession = |set_global_thread_pool_sizes\(4"
)
"""Fragments that need what this place has not, or that would change every session after them: they are compiled."""
RUNNER = """
import contextlib, io, json, os, sys, traceback
failed = {}
for code, name in json.load(sys.stdin).items():
    if "sched_getaffinity" in code and not hasattr(os, "sched_getaffinity"):
        continue
    if "save_as_external_data=True" in code and os.path.exists("model.external.onnx.data"):
        os.remove("model.external.onnx.data")  # readers do it once
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, name, "exec"), {"__name__": "__main__"})
    except BaseException:
        failed[name] = traceback.format_exc()
json.dump(failed, sys.stdout)
"""
"""Each block in a namespace of its own; tells what failed. os.sched_getaffinity exists on Linux alone."""


def test_code_on_pages_runs_and_snippets_make_sessions_with_their_settings_that_infer(tmp_path: Path) -> None:
    """Beside `model.onnx`, as they expect. The arena that a snippet registers serves all sessions after it: last. A process with a
    global pool has no other sessions.
    """
    batch = Input(label="16x256", shapes=((16, 256),))
    prepared = prepare(MODELS["tiny"], (batch,), tmp_path)
    prepared.input_paths[batch.label][0]["x"].rename(prepared.model_path.with_name("feed.npy"))
    blocks = {}
    for page, code in _fences(executed=False):
        compile(code, page, "exec")
        if not (page.rpartition("/")[2] in ("symptoms.md", "many-sessions.md") and NOT_RUN.search(code)):
            blocks[code if "import onnxruntime" in code else FRAGMENT + code] = page
    assert blocks
    for experiment in sorted(EXPERIMENTS.values(), key=lambda one: one.id == "arena"):
        for case in experiment.cases(MACHINE):
            code = snippets.on_machine(experiment, case, MACHINE)
            if case.place.packages:  # another engine, not installed here
                compile(code, case.id, "exec")
                continue
            for key, value in case.settings.items() if "session = " in code else ():
                read = f"get_session_config_entry({key!r})" if "." in key else key
                code += f"assert options.{read}{'.name' * (key in snippets.ENUMS)} == {value!r}\n"
            before, let_go, after = code.partition("# 用完之后\n")
            blocks[FEEDS + before + INFERENCE * ("session = " in code) + let_go + after] = (
                f"{experiment.id} {case.id}"
            )
    pool = {code: name for code, name in blocks.items() if "use_per_session_threads = False" in code}
    blocks |= {"x = 1": "fine", "assert x == 1": "bad"}
    alone = {code: name for code, name in blocks.items() if code not in pool}
    failed = json.loads(_run(RUNNER, prepared.model_path.parent, json.dumps(alone)))
    assert list(failed) == ["bad"], failed
    assert "NameError" in failed["bad"]
    for code, name in pool.items():
        assert json.loads(_run(RUNNER, prepared.model_path.parent, json.dumps({code: name}))) == {}


def test_every_case_has_a_proof_that_it_takes_effect() -> None:
    for experiment in EXPERIMENTS.values():
        for cores in (1, 2, 6, 64):
            for case in experiment.cases(Machine(cores=cores)):
                assert case.proofs or case.id in (BASELINE, CONTROL), (experiment.id, case.id)


OF_LIBRARY = """
import gc
import numpy
from rapidocr import RapidOCR
ocr = RapidOCR(params={"Global.log_level": "critical"})
ocr(numpy.full((320, 320, 3), 255, numpy.uint8))
opened = [one for one in gc.get_objects() if isinstance(one, Session)]
print(sorted({one.get_session_options().intra_op_num_threads for one in opened}))
"""


def test_wrapper_for_libraries_that_take_no_options_reaches_the_sessions_of_one(tmp_path: Path) -> None:
    """As the page has it, before the library is imported; that one imports the class by its name."""
    told = [code for _, code in _fences(executed=False) if "ort.InferenceSession = Session " in code]
    assert len(told) == 2
    for code in told:
        assert _run(code + OF_LIBRARY, tmp_path) in ("[1]\n", "[2]\n")


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
    "pages": {"experiments", "facts", "models", "results", "system"} | SAYS | SHIPPED,
    "site": {"experiments", "facts", "measure", "pages", "results", "system"} | SAYS,
    "tune": {"experiments", "measure", "models", "results", "system"} | SAYS,
    "cli": {"experiments", "measure", "models", "pages", "results", "site", "system", "tune"}
    | SAYS
    | SHIPPED,
    "__main__": {"cli", "system"},
    "__init__": {"pages"},
}
"""What each part of `bench` may import of the others."""


def test_imports_point_one_way() -> None:
    met = set()
    for path in (ROOT / "bench").rglob("*.py"):
        part = path.relative_to(ROOT / "bench").with_suffix("").parts[0]
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        nodes = [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [f"{getattr(node, 'module', '')}.{alias.name}" for node in nodes for alias in node.names]
        parts = [name.strip(".").split(".") for name in names]
        assert {one[1] for one in parts if one[0] == "bench" and one[1:]} <= LAYERS[part] | {part}, path
        met.add(part)
    assert met == LAYERS.keys()


def test_pages_load_nothing_that_measures() -> None:
    heavy = "[one for one in sys.modules if one.startswith(('bench.measure', 'onnx', 'vl_convert'))]"
    _run(f"import sys, bench, bench.site.hooks, bench.site.notebook; assert not {heavy}, {heavy}", ROOT)


LABELS = {
    "30 shapes": "30 种尺寸",
    "3 calls": "3 次推理",
    "1x128 gap=10 quota=0.5": "1x128，每次之后停 10 毫秒，配额 0.5 核",
    "1x128 quota=1": "1x128，配额 1 核",
    "batch=2": "batch=2",
    "1x3x48x320": "1x3x48x320",
    "shapes": "shapes",
}
NEW_GLIBC, OLD_GLIBC = ("2.35", "2.41", "3.0"), ("2.34", "1.99", "2.4")
NEW_ORT = ("1.23.0", "1.23.0.dev20250101", "1.31.1", "1.100.0", "2.0")
OLD_ORT = ("1.22.1", "1.9.0", "0.99", "1.22.0rc1", "")


def test_titles_of_inputs_and_what_a_machine_lacks() -> None:
    assert {label: input_title(label) for label in LABELS} == LABELS
    for one in (*(f"glibc {version}" for version in (*NEW_GLIBC, *OLD_GLIBC)), "musl 3.0", ""):
        reason = "" if one.removeprefix("glibc ") in NEW_GLIBC else "需要 glibc 2.35 以上"
        assert needs_glibc(2, 35)(Machine(cores=2, libc=one)) == reason, one
    for one in (*NEW_ORT, *OLD_ORT):
        reason = "" if one in NEW_ORT else "需要 onnxruntime 1.23 以上"
        assert needs_onnxruntime(1, 23)(Machine(cores=2, software={"onnxruntime": one})) == reason, one


def test_machine_of_unknown_facts_has_one_core_and_tells_nothing() -> None:
    for cores in (None, 0, -1, "4", 2.5):
        assert Machine.of({"cores": cores, "libc": None}, {}) == Machine(cores=1)
    told = {"cores": 3, "libc": "glibc 2.36", "transparent_huge_pages": "always"}
    assert Machine.of({**told, "cpu": "x"}, {"numpy": "2"}) == Machine(**told, software={"numpy": "2"})


def test_keys_are_all_that_a_case_sets_or_changes() -> None:
    settings = {"settings": {"a": 1}, "run_settings": {"b": "1"}, "subject": Subject(options={"c": 1})}
    changes = {"variant": "optimised", "load": Load(callers=2), "place": Place(env={"D": "1"})}
    case = Case(id="one", title="", **settings, **changes)
    assert case.keys == {"a", "b", "c", "D", "subject", "variant", "load"}
    assert Case(id="one", title="").keys == set()
