"""Code of a case: version, both steps of saving, enums, run options, environment."""

from __future__ import annotations

import ast
import re

import pytest

from bench.experiments import EXPERIMENTS
from bench.pages import snippets
from bench.spec import BASELINE, Case, Machine

CASES = {
    f"{name} {case.id}": case for name, one in EXPERIMENTS.items() for case in one.cases(Machine(cores=4))
}


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_count_of_a_machine_names_that_machine(cores: int) -> None:
    experiment = EXPERIMENTS["recommended"]
    cases = {case.id: case for case in experiment.cases(Machine(cores=cores))}
    marked = snippets.on_machine(experiment, cases["threads_pattern_off"], Machine(cores=cores))
    assert marked.startswith(f"# 线程数按 {cores} 核的机器写成，换成你的进程分到的核数\n")
    assert f"intra_op_num_threads = {cores}\n" in marked
    assert snippets.on_machine(experiment, cases["pattern_off"], Machine(cores=cores)).startswith("# 适用于")
    gone = Case(id="gone", title="没了", settings={"intra_op_num_threads": 3})  # in an old result only
    assert snippets.on_machine(experiment, gone, Machine(cores=cores)) == snippets.of_case(gone)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_code_parses_and_says_everything_that_is_set_and_nothing_else(case: Case) -> None:
    code = snippets.of_case(case)
    ast.parse(code)
    assert re.fullmatch(r"# 适用于 onnxruntime 1\.\d+ 及以上", code.splitlines()[0])
    assert re.search(r"[^\n]\n\Z", code)
    for name, value in case.settings.items():
        if "." in name:
            assert f'options.add_session_config_entry("{name}", "{value}")' in code
        elif name in snippets.ENUMS:
            assert f"options.{name} = ort.{snippets.ENUMS[name]}.{value}" in code
        else:
            assert f"options.{name} = {value!r}" in code
    for key, value in case.run_settings.items():
        assert f'run_options.add_run_config_entry("{key}", "{value}")' in code
    for name, value in case.place.env.items():
        assert f"# 启动进程前先设环境变量：export {name}={value}\n" in code
    assert ("session.run(None, feed, run_options)" in code) is bool(case.run_settings)
    assert ("export " in code) is bool(case.place.env)
    assert ("OrtArenaCfg(" in code) is bool(case.subject)
    assert ("离线做一次" in code) is bool(case.variant)
    assert ("ThreadPoolExecutor(" in code) is bool(case.load)


def test_default_has_no_setting_at_all() -> None:
    code = snippets.of_case(Case(id=BASELINE, title="默认"))
    assert not re.findall(r"options\.\w", code)
    assert code.endswith(
        'session = ort.InferenceSession(\n    "model.onnx",\n    sess_options=options,\n'
        '    providers=["CPUExecutionProvider"],\n)\n'
    )


@pytest.mark.parametrize(
    ("name", "first", "then"),
    [
        ("arena arena_off_hugetlb", "export GLIBC_TUNABLES=glibc.malloc.hugetlb=1", "import onnxruntime"),
        ("arena exact_extend", 'ort.OrtArenaCfg({"arena_extend_strategy": 1})', "ort.InferenceSession("),
        ("arena pattern_off_shrink", "ort.InferenceSession(", "run_options = ort.RunOptions()"),
    ],
)
def test_what_must_come_first_comes_first(name: str, first: str, then: str) -> None:
    code = snippets.of_case(CASES[name])
    assert code.index(first) < code.index(then)


def test_saving_comes_first_under_its_own_options_and_the_saved_file_is_loaded() -> None:
    saving, loading = snippets.of_case(CASES["graph_optimization offline"]).split("# 上线时：直接加载它\n")
    for half, said in (
        (saving, 'ORT_ENABLE_ALL|options.optimized_model_filepath = "model.optimized.onnx"|"model.onnx"'),
        (
            loading,
            'options = ort.SessionOptions()|ORT_DISABLE_ALL|"model.optimized.onnx",\n    sess_options=options',
        ),
    ):
        assert [one for one in said.split("|") if one not in half] == []
    assert "optimized_model_filepath" not in loading
    assert '"model.onnx"' not in loading
