"""The key of a result: everything that decides its numbers, and nothing that only words them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure.plan import watches_idle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.measure.machine import Machine
    from bench.measure.profiles import Profile
    from bench.spec import Experiment

WORDS = ("title", "may_fail")
HERE = Path(__file__).parent
MAKERS = tuple(sorted({HERE.with_name("spec.py"), *HERE.rglob("*.py")} - {HERE / "profiles.py"}))
"""All that takes part in measuring; the profiles enter by what they say."""
TIMING = ("small", "min_seconds", "min_calls", "bracket")
"""What a profile decides of each number; how many rounds there are stands in the result itself."""
ESTIMATES = ("seconds",)


def result_key(
    experiment: Experiment,
    profile: Profile,
    machine: Machine,
    software: Mapping[str, str],
    models: Mapping[str, str],
) -> str:
    """Hash of cases, inputs, model bytes (`models`: id -> content key), measuring code, software and machine.

    Titles and sentences stay out: mending a comma must not cost an hour.
    """
    cases = experiment.cases(machine.cores)
    content = {
        "experiment": experiment.id,
        "cases": [_without(asdict(case), WORDS) for case in cases],
        "groups": [_without(asdict(group), ESTIMATES) for group in experiment.groups],
        "scripts": [asdict(script) for script in experiment.scripts],
        "observe_each_group": experiment.observe_each_group,
        "keep_trace": experiment.keep_trace,
        "split": bool(experiment.scenarios),
        "watches_idle": watches_idle(experiment, cases),
        "models": {group.model: models[group.model] for group in experiment.groups},
        "sources": [hashlib.sha256(path.read_bytes()).hexdigest() for path in MAKERS],
        "timing": {name: getattr(profile, name) for name in TIMING},
        "software": dict(software),
        "machine": machine.fingerprint(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _without(fields: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
