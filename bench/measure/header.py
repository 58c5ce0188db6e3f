"""What a journal says of its plan: the resolved vocabulary as records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.models import MODELS
from bench.results.records import GroupRecord, Header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.models.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Facts:
    """Machine and software as plain data."""

    machine: Mapping[str, Any]
    software: Mapping[str, str]


def first_line(
    one: PlannedExperiment, facts: Facts, key: str, build: str, seed: int, models: Mapping[str, Prepared]
) -> Header:
    """First line of a new journal."""
    return Header(
        experiment=one.experiment.id,
        build=build,
        key=key,
        profile=one.profile.name,
        rounds=one.most_rounds,
        seed=seed,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine={name: list(v) if isinstance(v, tuple) else v for name, v in facts.machine.items()},
        software=dict(facts.software),
        cases=list(one.cases),
        groups=[_group(group, models[group.group.model]) for group in one.groups],
        dropped=list(one.dropped),
    )


def _group(group: PlannedGroup, prepared: Prepared) -> GroupRecord:
    model = MODELS[group.group.model]
    return GroupRecord(
        index=group.index,
        model=group.group.model,
        model_title=model.title,
        model_sha256=prepared.sha256,
        parameters=prepared.parameters,
        input=group.input.label,
        shapes=[
            {name: list(shape) for name, shape in model.shapes(feed).items()} for feed in group.input.shapes
        ],
        flops=prepared.flops[group.input.label],
        cases=list(group.cases),
        subject=group.group.subject,
        variant=group.group.variant,
        load=group.group.load,
        place=group.group.place,
        note=group.note,
    )
