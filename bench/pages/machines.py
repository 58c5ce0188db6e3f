"""Other machines beside this one: the line under a conclusion, and the page with all of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from bench.experiments import OF_A_BUILD
from bench.pages import source
from bench.pages.chooser import titles
from bench.pages.markup import NONE, render
from bench.pages.numbers import plain
from bench.results import fleet
from bench.results.bundle import SUFFIX, BadBundle, Bundle, read
from bench.results.machine_names import fingerprint, system, vendor
from bench.results.metrics import METRICS
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from markupsafe import Markup

    from bench.results.fleet import Vote
    from bench.results.published import Export

FOLDER = ROOT / "docs" / "machines"
GAPS = "*.gap"
"""One file for each machine that should have measured and did not; its name is the machine's."""


@cache
def found() -> tuple[dict[str, Bundle], dict[str, str]]:
    """Those in the folder of the site, read once."""
    return read_all(FOLDER)


def read_all(folder: Path) -> tuple[dict[str, Bundle], dict[str, str]]:
    """(file name -> bundle, file name -> why it is not taken), the newest results first."""
    taken, refused = dict[str, Bundle](), dict[str, str]()
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            taken[path.name] = read(path)
        except BadBundle as bad:
            refused[path.name] = str(bad)
    newest = sorted(taken.items(), key=lambda one: one[1].exports[0].build.started_at, reverse=True)
    return dict(newest), refused


def others(export: Export) -> list[Bundle]:
    """Those of other machines than the one that has measured this."""
    here = fingerprint(export.machine)
    return [one for one in found()[0].values() if fingerprint(one.machine) != here]


def line(export: Export) -> Markup:
    """Whether other machines come to the same; empty where none has a verdict on it."""
    cast = list(fleet.votes(export, others(export)))
    if not cast or export.experiment not in OF_A_BUILD:
        return NONE
    against = [(vote.bundle, told(vote)) for vote in cast if vote.opposite]
    return render("other_machines", count=len(cast), same=sum(vote.agrees for vote in cast), against=against)


def told(vote: Vote) -> str:
    """The first thing in which it is the opposite."""
    row = vote.opposite[0]
    export = next(one for one in vote.bundle.exports if one.experiment == row.experiment)
    case = next(case.title for case in export.cases if case.id == row.case)
    group = next(one for one in export.groups if (one.model, one.input) == (row.model, row.input))
    metric = METRICS[row.metric]
    value = f"{plain(row.value or 0, row.low, row.high)}{' ' + row.unit if row.unit else ' 倍'}"
    more = f"，等 {len(vote.opposite)} 处" if len(vote.opposite) > 1 else ""
    return f"{case}，{group.model_title}，{metric.named} {value}{more}"


class Machine(NamedTuple):
    """A row of the page."""

    file: str
    """Empty: the machine of this site."""
    bundle: Bundle
    agrees: int
    """Experiments in which it comes to the same."""
    differs: int
    choices: Mapping[str, tuple[str, str]]

    @property
    def id(self) -> str:
        return fingerprint(self.bundle.machine)

    @property
    def system(self) -> str:
        return system(self.bundle.machine)

    @property
    def vendor(self) -> str:
        return vendor(self.bundle.machine)


def page(exports: Sequence[Export]) -> Markup:
    """Every machine with what was chosen there, for which of our experiments it says the same, and what is missing."""
    taken, refused = found()
    here = fingerprint(exports[0].machine)
    rows = [
        _row(file, bundle, exports) for file, bundle in taken.items() if fingerprint(bundle.machine) != here
    ]
    own = Bundle.model_construct(made_at="", exports=list(exports), selftests=source.selftests())
    return render(
        "machines", own=_row("", own, ()), rows=rows, scenarios=titles(), refused=refused,
        gaps=[path.stem for path in sorted(FOLDER.glob(GAPS))],
        kept=next((file for file, one in taken.items() if fingerprint(one.machine) == here), ""),
    )  # fmt: skip


def systems(exports: Sequence[Export]) -> Markup:
    """Whether other systems come to the same as this one, as the article of 2022 says."""
    own = system(exports[0].machine)
    elsewhere = [one for one in others(exports[0]) if system(one.machine) != own]
    cast = [vote for export in exports for vote in fleet.votes(export, elsewhere)]
    names = sorted({system(one.machine) for one in elsewhere})
    agreeing, opposite = sum(v.agrees for v in cast), sum(bool(v.opposite) for v in cast)
    return render("systems", own=own, names=names, agreeing=agreeing, opposite=opposite)


def _row(file: str, bundle: Bundle, exports: Sequence[Export]) -> Machine:
    cast = [vote for export in exports for vote in fleet.votes(export, [bundle])]
    agrees, differs = sum(vote.agrees for vote in cast), sum(bool(vote.opposite) for vote in cast)
    return Machine(file, bundle, agrees, differs, fleet.winners(bundle))
