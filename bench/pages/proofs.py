"""The table of proofs: what showed that each setting took effect, and whether outputs stayed the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.pages.markup import model_title, render
from bench.subjects import SUBJECTS
from bench.variants import VARIANTS

if TYPE_CHECKING:
    from markupsafe import Markup

    from bench.pages.words import Words
    from bench.results.published import Export
    from bench.spec import Case, Experiment

OUTCOMES = {"effect": "✓ ", "nothing": "＝ 什么都没变：", "unseen": "✗ 没有观察到：", None: ""}


def table(experiment: Experiment, words: Words) -> Markup:
    """A row for every case that was looked at."""
    export = words.export
    rows = [
        (case, _settings(case), _evidence(export, case.id), _outputs(export, case.id))
        for case in export.cases
        if any(proof.case == case.id for proof in export.proofs)
    ]
    return render("proofs", experiment=experiment, export=export, rows=rows)


def _settings(case: Case) -> list[str]:
    parts = [f"{name}={value!r}" for name, value in {**case.settings, **case.run_settings}.items()]
    if case.subject:
        parts += [SUBJECTS[case.subject.name], *(f"{k}={v!r}" for k, v in case.subject.options.items())]
    parts += [f"{name}={value}" for name, value in case.place.env.items()]
    parts += [VARIANTS[case.variant]] if case.variant else []
    return parts + ([f"{case.load.callers} 个线程同时调用"] if case.load else [])


def _evidence(export: Export, case: str) -> list[tuple[str | None, str]]:
    """What was seen, on each model where the case was observed."""
    found = [proof for proof in export.proofs if proof.case == case]
    several = len({proof.model for proof in found}) > 1
    where = {proof.model: f"{model_title(export, proof.model)}：" if several else "" for proof in found}
    return [(one.outcome, f"{OUTCOMES[one.outcome]}{where[one.model]}{one.evidence}") for one in found]


def _outputs(export: Export, case: str) -> str:
    rows = [row for row in export.outputs if row.case == case]
    if not rows:
        return "—"
    if all(row.identical for row in rows):
        return "逐位相同"
    return f"最大相对差 {max(row.difference for row in rows):.1e}"
