"""What is wrong with an experiment, told before anything is measured: one sentence a fault.

Each names the file, the field, what stands there and what may stand there.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from bench.experiments import ID_SAID, where
from bench.measure.evidence import ENUMERATORS, FACTS
from bench.models import MODELS
from bench.results.metrics import METRICS
from bench.results.trust import SELFTEST
from bench.spec import BASELINE, CONTROL, ID, Case, Chart, Experiment, LargestBatch, Proof
from bench.subjects import SUBJECTS
from bench.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from bench.spec import Feed, Group, Machine

CORES = (1, 2, 6, 64)
"""Machines that are thought of, beside the one at hand: what is wrong on a big one is found on a small one, too."""


def everywhere(experiment: Experiment, machine: Machine) -> list[str]:
    """The faults on this machine and on others like it with fewer or more cores."""
    cores = dict.fromkeys((machine.cores, *CORES))
    seen: dict[str, list[int]] = {}
    for count in cores:
        for fault in faults(experiment, replace(machine, cores=count)):
            seen.setdefault(fault, []).append(count)
    told = {
        fault: "" if len(on) == len(cores) else f"（在 {on[0]} 核的机器上）" for fault, on in seen.items()
    }
    return [f"{where(experiment.id)}：{fault}{on}" for fault, on in told.items()]


def faults(experiment: Experiment, machine: Machine) -> Iterator[str]:
    """What is wrong on one machine."""
    if experiment.id == SELFTEST:
        yield f"id 不能是“{SELFTEST}”：这是测量程序自检的名字"
    try:
        cases = experiment.cases(machine)
        lacking = [case.lacking(machine) for case in cases]
    except Exception as error:  # noqa: BLE001 - whatever it raises, the others are measured
        yield f"cases 出错：{type(error).__name__}: {error}"
        return
    try:
        yield from (f"lacking 返回了 {one!r}，应返回 str" for one in lacking if not isinstance(one, str))
        yield from _of_cases(cases)
        yield from _of_experiment(experiment, {case.id: case for case in cases})
    except (AttributeError, TypeError) as error:  # a field of another type altogether, such as a bare group
        yield f"有一处的类型不对：{error}"


def _of_cases(cases: Sequence[Case]) -> Iterator[str]:
    earlier: dict[str, Case] = {}
    keys = {key for case in cases for key in case.keys}
    for case in cases:
        if not re.fullmatch(ID, case.id):
            yield f"cases 里的 id“{case.id}”写法不对，只能用{ID_SAID}"
        found = (*_of_case(case), *_of_proofs(case, earlier, keys))
        yield from (f"设置 {case.id} 的 {fault}" for fault in found)
        earlier.setdefault(case.id, case)
    repeated = [name for name, count in Counter(case.id for case in cases).items() if count > 1]
    yield from (f"cases 里有两个设置同名：“{name}”" for name in repeated)
    if next(iter(earlier), "") != BASELINE:
        yield f"cases 的第一个应是基准，id 写“{BASELINE}”，其余的都与它比"
    base, again = earlier.get(BASELINE), earlier.get(CONTROL)
    if not again:
        yield f"cases 里缺“{CONTROL}”：同样的设置再测一次，才知道噪声有多大"
    elif base and again != replace(base, id=CONTROL, title=again.title):
        yield f"“{CONTROL}”除 id 和 title 外，都应与“{BASELINE}”相同"


def _of_case(case: Case) -> Iterator[str]:
    for name, value in case.settings.items():
        if not isinstance(value, bool | int | str):
            yield f"settings：{name} 的值是 {value!r}，只能写 bool、int 或 str"
        elif "." in name and not isinstance(value, str):
            yield f"settings：{name} 的值是 {value!r}，名字里有点的只能写 str，如“1”"
        elif name in ENUMERATORS and value not in ENUMERATORS[name]:
            yield _unknown(f"settings：{name}", value, ENUMERATORS[name])
    for field, texts in (("run_settings", case.run_settings), ("place", case.place.env)):
        wrong = ((name, value) for name, value in texts.items() if not isinstance(value, str))
        yield from (f"{field}：{name} 的值是 {value!r}，只能写 str" for name, value in wrong)
    yield from _one_of("subject", [case.subject.name] if case.subject else [], SUBJECTS)
    yield from _one_of("variant", [case.variant] if case.variant else [], VARIANTS)
    yield from _one_of("expected", [case.expected], ("", "crash", "hang"))


def _of_proofs(case: Case, earlier: Collection[str], keys: Collection[str]) -> Iterator[str]:
    """A proof may be shared by cases, and speak for what only some of them set."""
    for proof in case.proofs:
        yield from _one_of("proofs 的 fact", [proof.fact], FACTS)
        yield from _one_of("proofs 的 relation", [proof.relation], _words(Proof, "relation"))
        yield from _one_of("proofs 的 keys", proof.keys, keys)
        than = [proof.than] if proof.than else []
        yield from _one_of("proofs 的 than", than, earlier, "（排在它前面的设置）")


def _of_experiment(experiment: Experiment, cases: Mapping[str, Case]) -> Iterator[str]:
    groups = range(len(experiment.groups))
    if not groups:
        yield "groups 是空的：至少要在一个模型上测"
    for index, group in enumerate(experiment.groups):
        yield from (f"groups[{index}] 的 {fault}" for fault in _of_group(group, cases))
    yield from _one_of("columns", experiment.columns, METRICS)
    yield from _one_of("charts 的 kind", [chart.kind for chart in experiment.charts], _words(Chart, "kind"))
    for report in experiment.reports:
        yield from _one_of("reports 的 subject", [report.subject], SUBJECTS)
        yield from _one_of("reports 的 cases", report.cases, cases)
    if experiment.keep_trace:
        yield from _one_of("keep_trace 的设置", experiment.keep_trace[:1], cases)
        yield from _one_of("keep_trace 的组", experiment.keep_trace[1:], groups)
    for scenario in experiment.scenarios:
        of = f"scenarios 里 {scenario.id} 的"
        yield from _one_of(f"{of} candidates", scenario.candidates, cases)
        yield from _one_of(f"{of} groups", scenario.groups, groups)
        yield from _one_of(f"{of} minimise", [scenario.minimise], METRICS)
        yield from _one_of(f"{of} limits 的 metric", [limit.metric for limit in scenario.limits], METRICS)
        yield from _one_of(f"{of} limits 的 than", [limit.than for limit in scenario.limits], cases)


def _of_group(group: Group, cases: Mapping[str, Case]) -> Iterator[str]:
    yield from _one_of("model", [group.model], MODELS)
    yield from _one_of("cases", group.cases, cases)
    yield from _one_of("subject", [group.subject.name], SUBJECTS)
    yield from _one_of("variant", [group.variant], VARIANTS)
    if not group.seconds > 0:
        yield f"seconds 是 {group.seconds}，应大于 0"
    for field, wanted in (("input", group.input), ("small", group.small)):
        feeds = (wanted.item_shape,) if isinstance(wanted, LargestBatch) else wanted.shapes
        if not feeds or not all(_fits(feed, group.model) for feed in feeds):
            inputs = "、".join(MODELS[group.model].inputs)
            yield f"{field} 的 shapes 与模型的输入对不上：{group.model} 的输入是 {inputs}"


def _fits(feed: Feed, model: str) -> bool:
    """Whether a feed has a shape for each input; of a model that is not there, nothing is said."""
    try:
        return model not in MODELS or MODELS[model].shapes(feed).keys() == MODELS[model].inputs.keys()
    except ValueError:
        return False


def _one_of(field: str, values: Iterable[object], allowed: Collection[Any], what: str = "") -> Iterator[str]:
    yield from (_unknown(field, value, allowed, what) for value in values if value not in allowed)


def _unknown(field: str, value: object, allowed: Collection[Any], what: str = "") -> str:
    """The nearest of what may stand there comes first."""
    known = [str(one) for one in allowed if str(one)]
    told = "、".join(dict.fromkeys([*get_close_matches(str(value), known), *known])) or "一个也没有"
    return f"{field} 里的“{value}”不认识，可用的有{what}：{told}"


def _words(record: type, field: str) -> tuple[str, ...]:
    return get_args(get_type_hints(record)[field])
