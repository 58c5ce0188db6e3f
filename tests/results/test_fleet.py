"""What other machines say to the verdicts of this one: by ratios and ids, noise has no vote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bundles import export, unpacked

from bench.results import fleet
from bench.results.published import Choice

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make


@pytest.mark.parametrize(
    ("there", "agrees", "opposite"),
    [
        ({"one_ms": 24.0}, True, set()),  # twice as slow in place of a fifth is the same
        ({"one_ms": 8.0}, False, {"ratio", "p95_ratio", "calls_ratio"}),
        ({"kept_mib": 300}, False, {"peak_mib", "kept_mib"}),
        ({"experiment": "others"}, None, set()),
    ],
)
def test_a_machine_agrees_where_it_gives_a_verdict_of_ours_and_the_opposite_of_none(
    make: Make, tmp_path: Path, there: dict[str, Any], *, agrees: bool | None, opposite: set[str]
) -> None:
    ours = export(make, kept_mib=30)
    votes = list(fleet.votes(ours, [unpacked(make, tmp_path, **{"kept_mib": 30} | there)]))
    assert [vote.agrees for vote in votes] == ([] if agrees is None else [agrees])
    assert {row.metric for vote in votes for row in vote.opposite} == opposite


def test_too_noisy_a_machine_has_no_vote(make: Make, tmp_path: Path) -> None:
    found = unpacked(make, tmp_path)
    noisy = [one.model_copy(update={"noisy": True}) for one in found.exports[0].groups]
    whole = found.exports[0].model_copy(update={"groups": noisy})
    assert not list(fleet.votes(export(make), [found.model_copy(update={"exports": [whole]})]))


def test_what_was_chosen_has_its_title_and_what_was_not_is_left_out(make: Make, tmp_path: Path) -> None:
    found = unpacked(make, tmp_path)
    fields: dict[str, Any] = {"rounds": 6, "candidates": [], "left_out": [], "vote": 1.0, "stable": True}
    choices = [
        Choice(scenario="memory", winner="one", reason="", **fields),
        Choice(scenario="latency", winner="default", reason="太吵", **fields),
    ]
    whole = found.exports[0].model_copy(update={"choices": choices})
    title = next(case.title for case in whole.cases if case.id == "one")
    assert fleet.winners(found.model_copy(update={"exports": [whole]})) == {"memory": ("one", title)}
