"""What a page may call. Every function returns a string; most of them HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.pages import advice, figures, snippets, source, stamps, tables, words
from bench.pages.words import Words

if TYPE_CHECKING:
    from bench.results.schema import CaseRecord, Export
    from bench.spec import Experiment


def show(experiment_id: str) -> str:
    """Tables, curves, proofs and downloads of an experiment."""
    experiment, export = _get(experiment_id)
    say = Words(export)
    parts = [stamps.provenance(export), stamps.warnings(export, stale=source.is_stale(experiment_id))]
    charts = source.chart_specs(experiment_id)
    for group in export.groups:
        parts.append(tables.group_table(experiment, say, group))
        chart_id = f"memory_over_runs-{group.model}-{group.input}"
        if chart_id in charts:
            title = f"{experiment.charts[0].title}：{group.model_title}（{group.input}）"
            parts.append(
                figures.chart(
                    f"{experiment_id}-{chart_id}", charts[chart_id], title, figures.memory_twin(say, group)
                )
            )
    if "thread_scaling" in charts:
        parts.append(
            figures.chart(
                f"{experiment_id}-scaling",
                charts["thread_scaling"],
                experiment.charts[0].title,
                figures.scaling_twin(say),
            )
        )
    parts += [tables.proofs_table(say), figures.downloads(experiment)]
    return _block("".join(parts))


def conclusion(experiment_id: str) -> str:
    """The computed answer, a sentence a list item."""
    experiment, export = _get(experiment_id)
    items = "".join(f"<li>{sentence}</li>" for sentence in experiment.conclude(Words(export)))
    return _block(
        f'{stamps.warnings(export, stale=source.is_stale(experiment_id))}<ul class="bench-conclusion">{items}</ul>'
    )


def line_tables(experiment_id: str) -> str:
    """memory_profiler's tables of an experiment."""
    return _block(figures.line_profiles(_get(experiment_id)[1]))


def value(experiment_id: str, model: str, input: str, case: str, metric: str) -> str:
    """One figure as text, to the digits that its interval allows. KeyError when there is no such cell."""
    row = next(
        (
            r
            for r in _get(experiment_id)[1].rows
            if (r.model, r.input, r.case, r.metric) == (model, input, case, metric)
        ),
        None,
    )
    if row is None:
        raise KeyError(f"{experiment_id}: {model} {input} {case} {metric}")
    return f"{words.number(row)} {row.unit}".strip()


def verdict(experiment_id: str, model: str, input: str, case: str) -> str:
    """How long a case takes compared with the default, in words."""
    say = Words(_get(experiment_id)[1])
    return say.speed(say.group(model, input), case)


def memory_advice() -> str:
    """What the arena experiment speaks for on this machine: one sentence of evidence."""
    return _block(f"<p>{advice.memory_setting(_get('arena')[1]).evidence}</p>")


def thread_advice() -> str:
    """What the thread experiment speaks for on this machine: one sentence of evidence."""
    return _block(f"<p>{advice.thread_setting(_get('intra_op_num_threads')[1]).evidence}</p>")


def recommended_code() -> str:
    """The recommended settings together, as a Markdown code block."""
    memory = advice.memory_setting(_get("arena")[1]).case
    threads = advice.thread_setting(_get("intra_op_num_threads")[1]).case
    return _fence(
        snippets.code({**memory.settings, **threads.settings}, memory.run_settings, memory.shared_arena, {})
    )


def snippet(experiment_id: str, case_id: str) -> str:
    """The code of one case, as a Markdown code block."""
    case = next(case for case in _get(experiment_id)[1].cases if case.id == case_id)
    return _fence(_code(case))


def machine() -> str:
    """Facts of the machine that measured."""
    return _block(stamps.machine_table(_newest()))


def freshness() -> str:
    """Age and origin of the numbers, with every reason not to quote them."""
    export = _newest()
    return _block(
        stamps.provenance(export) + stamps.warnings(export, stale=source.is_stale(export.experiment))
    )


def data_list() -> str:
    """All downloads."""
    items = "".join(
        f"<li>{escape(experiment.title)}{figures.downloads(experiment)}</li>"
        for experiment in EXPERIMENTS.values()
    )
    return _block(
        f'<ul>{items}<li>本机与软件版本：<a data-link="data/machine.json">machine.json</a></li></ul>'
    )


def _newest() -> Export:
    return max((_get(name)[1] for name in EXPERIMENTS), key=lambda export: export.build.started_at)


def _get(experiment_id: str) -> tuple[Experiment, Export]:
    if experiment_id not in EXPERIMENTS:
        raise KeyError(f"no experiment {experiment_id}")
    return EXPERIMENTS[experiment_id], source.load(experiment_id)


def _code(case: CaseRecord) -> str:
    return snippets.code(case.settings, case.run_settings, case.shared_arena, case.env)


def _fence(code: str) -> str:
    return f'```python linenums="1"\n{code}```'


def _block(html: str) -> str:
    """A block element first, so that Markdown does not wrap it in a paragraph."""
    return f'<div class="bench">{html}</div>'
