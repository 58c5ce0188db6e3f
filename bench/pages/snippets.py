"""A case as code that a reader can copy and run."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.results.schema import CaseRecord
    from bench.spec import Case, Experiment, Scalar

ENUMS = {"graph_optimization_level": "GraphOptimizationLevel", "execution_mode": "ExecutionMode"}
SAVED = "model.optimized.onnx"


def on_machine(experiment: Experiment, case: Case | CaseRecord, cores: int) -> str:
    """Code for a case of a machine with so many cores; it says so where another machine needs another count."""
    here, elsewhere = (
        next((one.settings for one in experiment.cases(count) if one.id == case.id), None)
        for count in (cores, 2 * cores)
    )
    fixed = here is None or elsewhere is None or here == elsewhere
    return ("" if fixed else f"# 线程数按 {cores} 核的机器写成，换成你的进程分到的核数\n") + of_case(case)


def of_case(case: Case | CaseRecord) -> str:
    """Complete code for a case; `model.onnx` and `feed` are the reader's."""
    lines = [f"# 适用于 onnxruntime {case.since} 及以上"]
    lines += [
        f"# 启动进程前先设环境变量：export {name}={_in_shell(value)}" for name, value in case.env.items()
    ]
    lines += ["import onnxruntime as ort", ""]
    if case.saved_by:
        lines += _saving(case.saved_by)
    if case.shared_arena:
        lines += [
            'info = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)',
            f"ort.create_and_register_allocator(info, ort.OrtArenaCfg({_dictionary(case.shared_arena)}))",
            "",
        ]
    lines.append("options = ort.SessionOptions()")
    lines += [_setting(name, value) for name, value in case.settings.items()]
    lines += _call("session = ort.InferenceSession(", SAVED if case.saved_by else "model.onnx")
    if case.run_settings:
        lines += ["", "run_options = ort.RunOptions()"]
        lines += [
            f"run_options.add_run_config_entry({_quoted(key)}, {_quoted(value)})"
            for key, value in case.run_settings.items()
        ]
        lines += ["# 每次推理都传入：outputs = session.run(None, feed, run_options)"]
    return "\n".join(lines) + "\n"


def _saving(settings: Mapping[str, Scalar]) -> list[str]:
    """Lines that save the optimised model, once and for all."""
    return [
        "# 离线做一次：保存优化好的模型。要在部署的机器上做，换了 onnxruntime 版本要重做",
        "options = ort.SessionOptions()",
        *(_setting(name, value) for name, value in settings.items()),
        f'options.optimized_model_filepath = "{SAVED}"',
        *_call("ort.InferenceSession(", "model.onnx"),
        "",
        "# 上线时：直接加载它",
    ]


def _call(start: str, model: str) -> list[str]:
    """An argument a line: it fits into the width of a phone, and nobody copies half of it."""
    return [
        start,
        f'    "{model}",',
        "    sess_options=options,",
        '    providers=["CPUExecutionProvider"],',
        ")",
    ]


def _setting(name: str, value: Scalar) -> str:
    if "." in name:
        return f"options.add_session_config_entry({_quoted(name)}, {_quoted(value)})"
    if name in ENUMS:
        return f"options.{name} = ort.{ENUMS[name]}.{value}"
    return f"options.{name} = {value!r}"


def _dictionary(entries: Mapping[str, int]) -> str:
    return "{" + ", ".join(f"{_quoted(name)}: {value}" for name, value in entries.items()) + "}"


def _in_shell(value: str) -> str:
    """One word on one line."""
    return shlex.quote(" ".join(value.split()))


def _quoted(value: Scalar) -> str:
    """A literal in double quotes, whatever is in it."""
    return json.dumps(str(value), ensure_ascii=False)
