"""What readers set: option pages with defaults as installed and links that lead somewhere, and the code of a case.

That the code runs, `test_docs.py` sees.
"""

from __future__ import annotations

import json
import re
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest

from bench.experiments import EXPERIMENTS
from bench.facts.options import OPTIONS, TOPICS, TRAPS, read_installed
from bench.pages import options, snippets, source
from bench.site import hooks
from bench.spec import BASELINE, Case, Machine
from bench.subjects import reader_code, use_code
from bench.variants import FOR_READERS

ROW = re.compile(r'<tr id="([^"]+)" data-option="[^"]+">.*?</th><td[^>]*>(.*?)</td>', re.DOTALL)
LEVEL = "graph_optimization_level"
CASES = {
    f"{name} {case.id}": case for name, one in EXPERIMENTS.items() for case in one.cases(Machine(cores=4))
}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(read_installed()))
    monkeypatch.setattr(options, "installed", lambda: found)
    return found


def test_defaults_are_the_installed_ones_and_what_a_newer_library_offers_is_named(
    installed: dict[str, Any],
) -> None:
    for which, prefix in (("session", "opt-"), ("run", "opt-run-")):
        rows = dict(ROW.findall(options.table(which)))
        shown = {anchor: unescape(re.sub("<[^>]+>", "", cell)) for anchor, cell in rows.items()}
        expected = {prefix + name: value for name, value in installed[which]["attributes"].items()}
        assert shown == expected | {prefix + name: "—" for name in installed[which]["methods"]}
    installed["session"]["attributes"]["brand_new"] = "True"
    del installed["session"]["attributes"]["logid"]
    html = options.table("session")
    assert "装着的版本还有：<code>brand_new</code>" in html
    shown = {anchor: unescape(re.sub("<[^>]+>", "", cell)) for anchor, cell in ROW.findall(html)}
    assert (shown["opt-logid"], shown["opt-optimized_model_filepath"]) == ("这个版本没有", '""')
    assert shown["opt-execution_mode"] == "ExecutionMode.ORT_SEQUENTIAL"  # as in code


def test_every_topic_has_a_captioned_table_rows_an_anchor_and_a_link_and_quoted_defaults_are_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(options, "_tried", lambda: {"fork": "不符：AssertionError"})
    html = "".join(map(str, [*map(options.table, OPTIONS), options.traps()]))
    tried = str(options.traps())
    assert [tried.count(said) for said in ("不符：AssertionError", "没有试，引自出处")] == [1, 1]
    assert tried.count("还没试") == tried.count("<details>") - 1 == len(TRAPS) - 2
    anchors = re.findall(r' id="([^"]+)"', html)
    assert len(anchors) == len(set(anchors))
    assert html.count("<tr id=") == sum(map(len, OPTIONS.values())) + len(TRAPS)
    keys = options.table("keys")
    assert keys.count("<figcaption>") == keys.count("<table") == len(TOPICS)
    assert [title for title in TOPICS.values() if title not in keys] == []
    shown = dict(ROW.findall(html))
    assert shown["opt-session.intra_op.allow_spinning"] == "<code>&#34;1&#34;</code>"
    assert shown["opt-session.dynamic_block_base"] == "不设（关）"
    assert shown["opt-MALLOC_TRIM_THRESHOLD_"] == "<code>&#34;131072&#34;</code>（会自动变大）"
    # To the text that shows most experiments, or to a page of its own.
    assert 'data-link="blog/onnxruntime-cpu.html#enable_cpu_mem_arena">实测</a>' in html
    resolved = hooks.on_post_page(html, page=SimpleNamespace(url="reference/options.html"), config=None)
    assert '<a href="../blog/onnxruntime-cpu.html#enable_cpu_mem_arena">实测</a>' in resolved
    assert source.sections()["container"].startswith("blog/onnxruntime-cpu.html#")
    monkeypatch.setattr(source, "sections", dict)
    assert 'data-link="evidence/arena.html">实测' in options.table("session")


def test_library_is_named_with_its_version_and_with_what_it_sets_otherwise(installed: dict[str, Any]) -> None:
    """Its own settings are read from its own code."""
    found, same = installed["rapidocr"], {"log_severity_level": "4", "enable_cpu_mem_arena": "False"}
    assert set(found["settings"]) >= {*same, LEVEL}
    assert found["parameters"]
    assert found["version"] in options.original()
    same[LEVEL] = "GraphOptimizationLevel.ORT_ENABLE_ALL"
    basic = {LEVEL: "GraphOptimizationLevel.ORT_ENABLE_BASIC"}
    for other in ({}, {"enable_cpu_mem_arena": "True"}, basic):
        installed["rapidocr"] = {"version": "3.10.0", "settings": same | other}
        text = options.original().replace("<wbr>", "")
        assert ("RapidOCR 3.10.0 现在这样设" in text) is (not other)
        assert re.findall(r"(\w+) = ([\w.]+)", text.partition("设得不同")[2]) == [*other.items()]


def test_count_of_a_machine_names_that_machine_and_the_default_has_no_setting_at_all() -> None:
    experiment, machine = EXPERIMENTS["recommended"], Machine(cores=64)
    cases = {case.id: case for case in experiment.cases(machine)}
    marked = snippets.on_machine(experiment, cases["threads_pattern_off"], machine)
    assert marked.startswith("# 线程数按 64 核的机器写成，换成你的进程分到的核数\n")
    assert "intra_op_num_threads = 64\n" in marked
    assert snippets.on_machine(experiment, cases["pattern_off"], machine).startswith("# 适用于")
    container = EXPERIMENTS["container"]
    (share,) = (case for case in container.cases(machine) if case.id == "share")
    assert snippets.on_machine(container, share, machine).startswith(
        "# 测试时进程分到 32 核，换成你的进程分到的核数\n"
    )
    threads = EXPERIMENTS["intra_op_num_threads"]
    (half,) = (case for case in threads.cases(machine) if case.id == "half")
    assert snippets.on_machine(threads, half, machine).startswith("# 线程数按 64 核"), "it had all of them"
    gone = Case(id="gone", title="没了", settings={"intra_op_num_threads": 3})  # in an old result only
    assert snippets.on_machine(experiment, gone, machine) == snippets.of_case(gone)
    default = snippets.of_case(Case(id=BASELINE, title="默认"))
    assert not re.findall(r"options\.\w", default)
    assert default.endswith(
        'session = ort.InferenceSession(\n    "model.onnx",\n    sess_options=options,\n'
        '    providers=["CPUExecutionProvider"],\n)\n'
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_code_says_everything_that_is_set_and_nothing_else(case: Case) -> None:
    code = snippets.of_case(case)
    assert re.match(r"# 适用于 onnxruntime 1\.\d+ 及以上\n", code)
    assert re.search(r"[^\n]\n\Z", code)
    for name, value in case.settings.items():
        if "." in name:
            assert f'options.add_session_config_entry("{name}", "{value}")\n' in code
        else:
            shown = f"ort.{snippets.ENUMS[name]}.{value}" if name in snippets.ENUMS else repr(value)
            assert f"options.{name} = {shown}\n" in code
    used = use_code(case.subject.name, case.subject.options) if case.subject else ""
    assert used in code
    code = code.replace(used, "") if used else code
    said = re.findall(r'run_options\.add_run_config_entry\("(.*)", "(.*)"\)', code)
    assert dict(said) == {key: str(value) for key, value in case.run_settings.items()}
    assert dict(re.findall(r"# 启动进程前先设环境变量：export (.*?)=(.*)\n", code)) == case.place.env
    assert ("session.run(None, feed, run_options)" in code) is bool(case.run_settings)
    own = reader_code(case.subject.name, case.subject.options) if case.subject else ""
    assert own in code
    made = FOR_READERS.get(case.variant or "")
    assert [one for one in FOR_READERS.values() if one.code in code] == ([made] if made else [])
    assert ("ThreadPoolExecutor(" in code) is bool(case.load and case.load.callers > 1)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("arena arena_off_hugetlb", "export GLIBC_TUNABLES=glibc.malloc.hugetlb=1|import onnxruntime"),
        ("arena exact_extend", 'ort.OrtArenaCfg({"arena_extend_strategy": 1})|ort.InferenceSession('),
        ("arena pattern_off_shrink", "ort.InferenceSession(|run_options = ort.RunOptions()"),
        ("graph_optimization offline", 'ORT_ENABLE_ALL|options.optimized_model_filepath = "model.optimized.onnx"|"model.onnx"|# 上线时：直接加载它\n|options = ort.SessionOptions()|ORT_DISABLE_ALL|ort.InferenceSession(\n    "model.optimized.onnx",\n    sess_options=options'),
    ],
)  # fmt: skip
def test_what_must_come_first_comes_first(name: str, parts: str) -> None:
    rest = snippets.of_case(CASES[name])
    for part in parts.split("|"):
        _, found, rest = rest.partition(part)
        assert found, part
    assert "filepath" not in rest
