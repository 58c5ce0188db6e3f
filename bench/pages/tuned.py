"""A tuning result as readers get it: a page of its own, rows for a spreadsheet, a few lines for the terminal."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from bench.pages import proofs, snippets, tables, tuned_figure
from bench.pages.certificates import MACHINE_TITLES
from bench.pages.markup import ENVIRONMENT, NONE, finished, render
from bench.pages.numbers import distance, interval, memory
from bench.pages.tuned_code import NEEDS, opened, settings_py
from bench.pages.tuned_result import LETTERS, Result
from bench.pages.words import Words
from bench.results import downloads, frontier, race
from bench.results.tuned import COLUMNS
from bench.spec import BASELINE, CONTROL, Experiment
from bench.system import harmless
from bench.system.ages import in_words
from bench.system.folders import ROOT
from bench.variants import FOR_READERS

if TYPE_CHECKING:
    from markupsafe import Markup

    from bench.pages.measured import MeasuredCase
    from bench.results.published import Export
    from bench.results.tuned import Tuned

__all__ = ["page", "rows_csv", "settings_py", "summary", "told"]

ASSETS = ROOT / "docs" / "assets"
SHEETS = ("theme.css", "site.css", "tables.css")
"""Of the site, in its order."""
DARK = re.compile(r'\n\n\[data-md-color-scheme="slate"\] \{(.*?)\}', re.DOTALL)
"""Colours that the site has when its reader chose dark; this page asks the browser."""
CODE = HtmlFormatter(cssclass="highlight", wrapcode=True)


def page(tuned: Tuned) -> str:
    """A whole document that asks for no other file."""
    it = Result(harmless.record(tuned))
    codes = {one.case.id: _highlighted(snippets.of_case(one.case)) for one in opened(it.tuned)}
    return render(
        "tuned", **_context(it), style=_style(), codes=codes, cleaning=_highlighted(FOR_READERS["normal_weights"].code),
        figure=_figure(it), table=_confirmed(it), proofs=_proofs(it), machine_titles=MACHINE_TITLES,
        date=in_words(datetime.fromisoformat(it.tuned.finished_at)),
    )  # fmt: skip


def told(tuned: Tuned) -> list[str]:
    """Lines of text: what to set for each need, and what it gains; or why nothing."""
    html = render("tuned_told", **_context(Result(harmless.record(tuned))))
    return [finished(line).striptags() for line in html.split("</p>") if line]


def summary(tuned: Tuned) -> Markup:
    """What stands on a page of the site: when and where, what to set, how it went with each setting."""
    it = Result(harmless.record(tuned))
    lines = [line for line in render("tuned_told", **_context(it)).split("</p>") if line]
    date = in_words(datetime.fromisoformat(it.tuned.finished_at))
    return render(
        "tuned_summary", **_context(it), lines=[finished(f"{line}</p>") for line in lines], date=date
    )


def rows_csv(tuned: Tuned) -> str:
    """Every figure of both stages; `experiment` names the stage."""
    exports = [one for one in (tuned.screening, tuned.confirmation) if one]
    rows = (harmless.record(row) for export in exports for row in export.rows)
    safe = (row.model_copy(update={name: harmless.cell(value) for name, value in row}) for row in rows)
    return downloads.as_csv(safe)


def _context(it: Result) -> dict[str, Any]:
    """What the sentences name."""
    return {
        "it": it, "tuned": it.tuned, "needs": NEEDS, "metric": race.metric, "mib": memory, "margins": race.MARGINS,
        "most_finalists": len(LETTERS), "distance": distance, "interval": interval, "cpu": _cpu,
    }  # fmt: skip


def _cpu(case: MeasuredCase) -> str:
    """Of a call, to three digits."""
    ms = (case["cpu_s"].value or 0.0) * 1000
    return f"{float(f'{ms:.3g}'):g} ms"


def _style() -> Markup:
    """The site's own style sheets in the frame of a page, dark where the browser is."""
    sheets = "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in SHEETS)
    frame = ENVIRONMENT.get_template("tuned.css.j2").render(dark=finished(" ".join(DARK.findall(sheets))))
    return finished(f"{sheets}\n{frame}")


def _highlighted(code: str) -> Markup:
    return finished(highlight(code, PythonLexer(), CODE))


def _figure(it: Result) -> Markup:
    if not it.tuned.confirmation:
        return NONE
    labels = {BASELINE: it.titles[BASELINE], **it.letters}
    drawn = tuned_figure.drawing(frontier.points(it.export, it.group.group), labels)
    cases = [case for case in it.group.cases if case.id != CONTROL]
    return render("tuned_figure", drawing=drawn, cases=cases, advised=it.advised, interval=interval)


def _confirmed(it: Result) -> Markup:
    return (
        tables.group_table(_experiment(it.export), it.words, it.group.group)
        if it.tuned.confirmation
        else NONE
    )


def _proofs(it: Result) -> Markup:
    """Of what was tried alone and of the combinations; outputs come from the rounds."""
    checks, cases = it.tuned.checks, [case for case in it.export.cases if case.id in it.letters]
    later = [one for one in (it.tuned.screening, it.tuned.confirmation) if one]
    known = {
        "cases": [*checks.cases, *cases],
        "proofs": [*checks.proofs, *(one for one in it.export.proofs if one.case in it.letters)],
        "outputs": [row for export in later for row in export.outputs if row.case not in (BASELINE, CONTROL)],
    }
    return proofs.table(_experiment(checks), Words(checks.model_copy(update=known)))


def _experiment(export: Export) -> Experiment:
    """A stage as tables want it."""
    return Experiment(
        id=export.experiment, title="调优", question="", cases=lambda _: tuple(export.cases), groups=(), columns=COLUMNS
    )  # fmt: skip
