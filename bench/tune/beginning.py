"""Begin to tune a model, or go on where it was interrupted."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.measure.campaign import new_build_id
from bench.measure.header import MAKERS
from bench.models.prepared import hash_of
from bench.results import store
from bench.tune import arms, stages, unfinished
from bench.tune.own import CannotTune
from bench.tune.trial import try_default
from bench.tune.tuning import Tuning

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure.campaign import Here
    from bench.measure.runner import Reporter
    from bench.tune.own import Own, Wanted
    from bench.tune.trial import Trial
    from bench.tune.unfinished import Begun

GUESS_S = 2.0
"""Of a process with a model that nobody has run yet."""


def begin(
    wanted: Wanted, own: Own, here: Here, root: Path, python: str, *, fresh: bool, reporter: Reporter
) -> Tuning:
    """The model's interrupted tuning of the same kind, or a new one. Raises CannotTune where the default will not do.

    `own` was read into a scratch folder; its arrays are moved to where they stay.
    """
    key = _key(wanted, own, here)
    found = None if fresh else unfinished.find(root, own, key, reporter.note)
    if found:
        folder, begun = found
        reporter.note(f"接着做中断的 {folder.name}")
    else:
        reporter.step("试跑默认设置", wanted.budget_s)
        folder, begun = _new(wanted, own, here, root, python, key)
    kept = own.moved(folder / "inputs")
    unfinished.write(folder, begun)
    stages.register(kept, begun.how.warm_up, wanted.tolerance)
    return Tuning(
        wanted=wanted, own=kept, here=here, folder=folder, begun=begun, python=python, reporter=reporter
    )


def _new(wanted: Wanted, own: Own, here: Here, root: Path, python: str, key: str) -> tuple[Path, Begun]:
    build, seed = new_build_id(), secrets.randbelow(1 << 31)
    folder = root / f"{unfinished.stem(own)}-{build}"
    started = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        trial = _tried(wanted, own, here, folder / "work", python, key, build)
    except CannotTune:
        shutil.rmtree(folder)
        raise
    begun = unfinished.Begun(
        key=key,
        build=build,
        seed=seed,
        started_at=started,
        how=trial.how,
        operators=tuple(sorted(trial.operators)),
    )
    return folder, begun


def _tried(wanted: Wanted, own: Own, here: Here, work: Path, python: str, key: str, build: str) -> Trial:
    """What two processes with the default show."""
    guess = stages.called(0.1, GUESS_S, gap_ms=0, callers=wanted.callers)
    stages.register(own, guess.warm_up, wanted.tolerance)
    default, _ = arms.defaults()
    planned = stages.plan(stages.CHECKS, (default,), own, here.asked(), stages.SCREEN, guess)
    nowhere = store.Writer(store.Journal(work, stages.header(planned, own, here, key, build, seed=0)))
    return try_default(
        stages.task(planned, nowhere, own, work, python),
        gap_ms=wanted.gap_ms,
        callers=wanted.callers,
        budget_s=wanted.budget_s,
        compare=wanted.compare,
    )


def _key(wanted: Wanted, own: Own, here: Here) -> str:
    """Equal where an interrupted tuning may be gone on with."""
    content: dict[str, Any] = {
        "model": own.facts.sha256,
        "inputs": [{name: hash_of(path) for name, path in files.items()} for files in own.files],
        "shapes": [dict(feed) for feed in own.shapes],
        "asked": wanted.decides(),
        "sources": [hashlib.sha256(path.read_bytes()).hexdigest() for path in MAKERS],
        "software": dict(here.software),
        "machine": here.machine.fingerprint(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
