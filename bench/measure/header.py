"""First line of a journal: the resolved plan as records, and the key of its result.

The key is a hash of everything that decides numbers, and of nothing that only words them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import subjects
from bench.measure.plan import watches_idle
from bench.models import MODELS
from bench.results import looks
from bench.results.records import GroupRecord, Header
from bench.spec import Machine
from bench.variants import AS_BUILT, script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.measure.machine import MachineFacts
    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.measure.profiles import Profile
    from bench.models.prepared import Prepared
    from bench.spec import Case, Experiment

WORDS = ("title", "lacking")
HERE = Path(__file__).parent
MAKERS = tuple(sorted({HERE.with_name("spec.py"), *HERE.rglob("*.py")} - {HERE / "profiles.py"}))
"""All that takes part in measuring anything; the profiles enter by what they say."""
ALWAYS = "session"
"""Other subjects stand on this one."""
TIMING = ("small", "min_seconds", "min_calls", "bracket")
"""What a profile decides of each number; how many rounds there are stands in the result itself."""
ESTIMATES = ("seconds", "slower")


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
        rule=looks.RULE,
        looks=list(one.timed_looks),
        seed=seed,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=dict(facts.machine),
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
        denormals=prepared.denormals,
        input=group.input.label,
        shapes=[
            {name: list(shape) for name, shape in model.shapes(feed).items()} for feed in group.input.shapes
        ],
        flops=prepared.flops[group.input.label],
        cases=list(group.cases),
        settings=dict(group.group.settings),
        subject=group.group.subject,
        variant=group.group.variant,
        load=group.group.load,
        place=group.group.place,
        note="；".join(filter(None, (group.note, model.note()))),
    )


def result_key(
    experiment: Experiment,
    profile: Profile,
    machine: MachineFacts,
    software: Mapping[str, str],
    models: Mapping[str, str],
) -> str:
    """Hash of cases, inputs, model bytes (`models`: id -> content key), measuring code, software and machine.

    Titles and sentences stay out: mending a comma must not cost an hour. Of what is measured apart from builds, code
    and software stay out, too: it brings its own software, and is not measured with every change.
    """
    asked = Machine.of(asdict(machine), software)
    cases = experiment.cases(asked)
    makers = () if experiment.apart else (*MAKERS, *_used(experiment, cases))
    content = {
        "experiment": experiment.id,
        "cases": [_without(asdict(case), WORDS) for case in cases],
        "lacking": [case.id for case in cases if case.lacking(asked)],
        "groups": [_without(asdict(group), ESTIMATES) for group in experiment.groups],
        "reports": [asdict(report) for report in experiment.reports],
        "observe_each_group": experiment.observe_each_group,
        "keep_trace": experiment.keep_trace,
        "split": bool(experiment.scenarios),
        "watches_idle": watches_idle(experiment, cases),
        "models": {group.model: models[group.model] for group in experiment.groups},
        "sources": [hashlib.sha256(path.read_bytes()).hexdigest() for path in makers],
        "timing": {name: getattr(profile, name) for name in TIMING},
        "rule": looks.RULE,
        "software": {} if experiment.apart else dict(software),
        "machine": machine.fingerprint(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _used(experiment: Experiment, cases: Sequence[Case]) -> list[Path]:
    """Files of the subjects and variants that take part in this experiment."""
    settled = [group.settled(case) for group in experiment.groups for case in cases]
    called = {one.subject.name for one in settled} | {report.subject for report in experiment.reports}
    made = {one.variant for one in settled} - {AS_BUILT}
    files = [subjects.FOLDER / f"{name}.py" for name in sorted(called | {ALWAYS})]
    return files + [script(name) for name in (*sorted(made), *(["_job"] if made else []))]


def _without(fields: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
