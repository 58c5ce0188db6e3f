"""What the winner of a scenario does on each of its groups, in a sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from bench.pages import measured
from bench.pages.numbers import memory
from bench.results.metrics import METRICS
from bench.spec import BASELINE, ORIGINAL, input_title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.pages.measured import MeasuredGroup
    from bench.pages.words import Words
    from bench.results.published import GroupSummary
    from bench.spec import Scenario


def groups(words: Words, scenario: Scenario) -> list[MeasuredGroup]:
    """The groups that the need is about."""
    return [one for one in measured.groups(words) if one.group.index in scenario.groups]


def sentences(words: Words, scenario: Scenario, case: str) -> Iterator[Markup]:
    """One sentence a group: time against the default and the article's settings, then memory."""
    for one in groups(words, scenario):
        group = one.group
        parts = [
            _time(words, group, case, other, metric)
            for other, metric in ((BASELINE, "ratio"), (ORIGINAL, "ratio_original"))
            if case != other and words.row(group, other, "latency_ms")
        ]
        spent = _cpu(words, group, case) if scenario.minimise == "cpu_s" else ()
        told = [*spent, *_cores(words, group, case), *_memories(words, group, case)]
        conditions = f"，{one.conditions}" if one.conditions else ""
        where = f"{group.model_title}（{input_title(group.input)}{conditions}）"
        if parts or told:
            yield Markup("{}：{}。").format(where, Markup("；").join([*parts, *told]))


def _time(words: Words, group: GroupSummary, case: str, other: str, metric: str) -> Markup | str:
    name = {BASELINE: "默认", ORIGINAL: " 2022 年的那套"}[other]
    ran, other_ran = (words.value(group, one, "latency_ms") is not None for one in (case, other))
    if not ran:
        return words.speed(group, case)
    if words.value(group, case, metric) is None:
        return f"与{name}无从比较" if other_ran else f"{name.strip()}没有测成，无从比较"
    return Markup("与{}比{}").format(name, words.speed(group, case, metric))


def _cpu(words: Words, group: GroupSummary, case: str) -> Iterator[Markup]:
    own, base = (words.value(group, one, "cpu_s") for one in (case, BASELINE))
    if case != BASELINE and own is not None and base:
        yield Markup("CPU 时间是默认的 {:.0%}{}").format(own / base, words.mark(group, "cpu_s"))


def _cores(words: Words, group: GroupSummary, case: str) -> list[str]:
    """Cores in use, where they are not all one's own: who takes more than his share is fast at others' cost."""
    own, base = (words.value(group, one, "cores_used") for one in (case, BASELINE))
    if own is None or (not group.place.cores and group.load.processes == 1):
        return []
    compared = f"（默认 {base:.1f} 个）" if base is not None and case != BASELINE else ""
    return [f"平均用到 {own:.1f} 个核{compared}"]


def _memories(words: Words, group: GroupSummary, case: str) -> Iterator[str]:
    for metric in ("peak_mib", "kept_mib"):
        values = {
            name: words.value(group, one, metric)
            for name, one in (("默认", BASELINE), ("2022 年的那套", ORIGINAL))
            if one != case
        }
        own = words.value(group, case, metric)
        if own is None:
            ran = words.value(group, case, "latency_ms") is not None
            yield f"{METRICS[metric].named}{'读不到' if ran else '没有测成'}"
            continue
        compared = "，".join(f"{name} {memory(value)}" for name, value in values.items() if value is not None)
        yield f"{METRICS[metric].named} {memory(own)}{f'（{compared}）' if compared else ''}"
