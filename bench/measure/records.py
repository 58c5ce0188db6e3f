"""What a journal says of its plan: the resolved vocabulary as records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.models import MODELS
from bench.results.schema import CaseRecord, GroupRecord, Header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.models.prepared import Prepared
    from bench.spec import Case


@dataclass(frozen=True, slots=True)
class Facts:
    """Machine and software as plain data."""

    machine: Mapping[str, Any]
    software: Mapping[str, str]


def header(
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
        cases=[_case(case) for case in one.cases],
        groups=[_group(group, models[group.group.model]) for group in one.groups],
        dropped=list(one.dropped),
    )


def _case(case: Case) -> CaseRecord:
    return CaseRecord(
        id=case.id,
        title=case.title,
        settings=dict(case.settings),
        run_settings=dict(case.run_settings),
        shared_arena=dict(case.shared_arena),
        env=dict(case.env),
        saved_by=dict(case.saved_by),
        since=case.since,
        may_fail=case.may_fail,
    )


def _group(group: PlannedGroup, prepared: Prepared) -> GroupRecord:
    return GroupRecord(
        index=group.index,
        model=group.group.model,
        model_title=MODELS[group.group.model].title,
        model_sha256=prepared.sha256,
        parameters=prepared.parameters,
        input=group.input.label,
        shapes=[list(shape) for shape in group.input.shapes],
        flops=prepared.flops[group.input.label],
        cases=list(group.cases),
        memory_only=group.group.memory_only,
        cpu_share=group.group.cpu_share,
        processes=group.group.processes,
        note=group.note,
    )
