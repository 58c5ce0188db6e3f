"""A case as code that a reader can copy and run."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from bench import subjects
from bench.facts.options import OPTIONS
from bench.subjects import reader_code, use_code, whole_code
from bench.variants import FOR_READERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.spec import Case, Experiment, Group, Machine, Scalar, Subject

ENUMS = {"graph_optimization_level": "GraphOptimizationLevel", "execution_mode": "ExecutionMode"}
OLDEST = (1, 16)
"""Older versions of onnxruntime were not looked at."""


def on_machine(experiment: Experiment, case: Case, machine: Machine) -> str:
    """Code for a case of a machine; it says so where one with more cores needs another count."""
    here, elsewhere = (
        next((one.settings for one in experiment.cases(asked) if one.id == case.id), None)
        for asked in (machine, replace(machine, cores=2 * machine.cores))
    )
    fixed = here is None or elsewhere is None or here == elsewhere
    group = _group(experiment, case)
    subject, place = case.subject or group.subject, group.settled(case).place
    count, cores = case.settings.get("intra_op_num_threads"), f"线程数按 {machine.cores} 核的机器写成"
    measured = f"测试时进程分到 {count} 核" if place.cores and count else cores
    note = f"# {measured}，换成你的进程分到的核数\n"
    return ("" if fixed else note) + (_whole(case, subject) or of_case(case, subject, place.packages))


def _group(experiment: Experiment, case: Case) -> Group:
    """The first that has the case."""
    found = (group for group in experiment.groups if not group.cases or case.id in group.cases)
    return next(found, experiment.groups[0])


def _whole(case: Case, subject: Subject) -> str | None:
    """Where readers open no session themselves."""
    variant = FOR_READERS.get(case.variant or "")
    settings = [setting(name, value) for name, value in case.settings.items()]
    made = (variant.file, variant.code) if variant else None
    code = whole_code(subject.name, settings, subject.options, made)
    return code and f"{code}\n"


def of_case(case: Case, subject: Subject | None = None, packages: Sequence[str] = ()) -> str:
    """Complete code for a case; `model.onnx` and `feed` are the reader's. `subject`: what uses the session, where the
    case names none of its own; `packages`: requirements of an environment that it needs.
    """
    variant = FOR_READERS.get(case.variant or "")
    needed = " ".join(map(shlex.quote, packages))
    lines = [f"# {f'pip install {needed}' if needed else _fits(case)}"]
    lines += [
        f"# 启动进程前先设环境变量：export {name}={in_shell(value)}" for name, value in case.place.env.items()
    ]
    lines += ["import onnxruntime as ort", ""]
    lines += [variant.code, "", "# 上线时：直接加载它"] if variant else []
    first = reader_code(case.subject.name, case.subject.options) if case.subject else ""
    lines += [first, ""] if first else []
    lines.append("options = ort.SessionOptions()")
    lines += [setting(name, value) for name, value in case.settings.items()]
    # An argument a line: it fits into the width of a phone, and nobody copies half of it.
    lines += [
        "session = ort.InferenceSession(",
        f'    "{variant.file if variant else "model.onnx"}",',
        "    sess_options=options,",
        '    providers=["CPUExecutionProvider"],',
        ")",
    ]
    user = case.subject or subject
    used = use_code(user.name, user.options) if user else ""
    lines += ["", used] if used else []
    if case.run_settings:
        lines += ["", "run_options = ort.RunOptions()"]
        lines += [
            f"run_options.add_run_config_entry({quoted(key)}, {quoted(value)})"
            for key, value in case.run_settings.items()
        ]
        lines += ["# 每次推理都传入：outputs = session.run(None, feed, run_options)"]
    if case.load and case.load.callers > 1:
        lines += [
            "",
            "from concurrent.futures import ThreadPoolExecutor",
            "",
            f"pool = ThreadPoolExecutor({case.load.callers})",
            _called(used),
        ]
    return "\n".join(lines) + "\n"


def _called(used: str) -> str:
    """How a thread of a pool calls what `used` has made: a session of its own, one of a list, or the one for all."""
    if "def run(feed)" in used:
        return "# 每个线程用自己的会话：future = pool.submit(run, feed)"
    if "sessions = " in used:
        return "# 各用一个会话：future = pool.submit(sessions[0].run, None, feed)"
    return "# 几个线程用同一个会话：future = pool.submit(session.run, None, feed)"


def _fits(case: Case) -> str:
    return f"适用于 onnxruntime {'.'.join(map(str, since(case)))} 及以上"


def since(case: Case) -> tuple[int, ...]:
    """Lowest version that has everything named here, as the tables of options know it."""
    known = {option.name: option.since for options in OPTIONS.values() for option in options}
    named = (
        re.match(r"(\d+)\.(\d+)", known.get(name, ""))
        for name in (*case.settings, *case.run_settings, *case.place.env)
    )
    called = subjects.since(case.subject.options) if case.subject else OLDEST
    return max([OLDEST, called, *((int(found[1]), int(found[2])) for found in named if found)])


def setting(name: str, value: Scalar) -> str:
    """A statement on `options`."""
    if "." in name:
        return f"options.add_session_config_entry({quoted(name)}, {quoted(value)})"
    if name in ENUMS:
        return f"options.{name} = ort.{ENUMS[name]}.{value}"
    return f"options.{name} = {value!r}"


def in_shell(value: str) -> str:
    """One word on one line."""
    return shlex.quote(" ".join(value.split()))


def quoted(value: Scalar) -> str:
    """A literal in double quotes, whatever is in it; what cannot be seen, or turns text around, is escaped."""
    shown = json.dumps(str(value), ensure_ascii=False)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
