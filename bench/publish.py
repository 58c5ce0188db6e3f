"""From stored results to files ready to be published: data, charts, and what pages must know.

Done in a process of its own, so that mkdocs never loads the libraries that this takes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.folders import ROOT, Folders
from bench.measure.campaign import Here, find_valid
from bench.options import installed_stamp, read_installed
from bench.results import store
from bench.results.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.spec import Experiment

MAKERS = ("results", "pages", "experiments")
"""Packages whose change makes exported files out of date."""


def publish(
    here: Here, folders: Folders, tell: Callable[[str], None], *, stale_ok: bool = False
) -> dict[str, str]:
    """Write the files of every experiment that has a result. Returns id -> "valid" or "stale".

    With `stale_ok`, a complete result of another key stands in where there is no valid one: for a
    live preview while the code changes, never for a site to publish.
    """
    status: dict[str, str] = {}
    newest: store.Journal | None = None
    for experiment in EXPERIMENTS.values():
        journal, state = find_valid(experiment, here, folders.results, tell), "valid"
        if journal is None and stale_ok:
            journal, state = _newest_complete(experiment, folders.results), "stale"
        if journal is None:
            _remove(folders.export, experiment.id)
            continue
        status[experiment.id] = state
        _write_experiment(experiment, journal, folders.export)
        if newest is None or journal.header.started_at > newest.header.started_at:
            newest = journal
    if newest:
        _write_machine(newest, folders.export)
    _write_options(folders.export)
    _write(folders.export / "status.json", json.dumps(status))
    return status


def _newest_complete(experiment: Experiment, folder: Path) -> store.Journal | None:
    for path in store.journals(folder, experiment.id):
        try:
            journal = store.read(path)
        except store.DamagedJournal:
            continue  # already named by the search for a valid one
        if journal.complete:
            return journal
    return None


def _write_experiment(experiment: Experiment, journal: store.Journal, folder: Path) -> None:
    """All files of one experiment, unless they are up to date."""
    stamp = folder / "stamps" / experiment.id
    now = _stamp(journal.path)
    if stamp.exists() and stamp.read_text() == now:
        return
    from bench.pages import charts, vega
    from bench.results import export

    summary = summarise(experiment, journal)
    _write(folder / "data" / f"{experiment.id}.json", export.as_json(summary))
    _write(folder / "data" / f"{experiment.id}.csv", export.as_csv(summary.rows))
    _write(folder / "data" / f"{experiment.id}.pyperf.json", export.as_pyperf(journal))
    _copy_trace(store.trace_path(journal.path), folder / "data" / f"{experiment.id}.trace.json")
    _write(folder / "charts" / f"{experiment.id}.json", json.dumps(charts.specs(experiment, summary)))
    bundle = folder / "assets" / vega.NAME
    if not bundle.exists() or not bundle.read_text(encoding="utf-8").startswith(vega.HEAD):
        _write(bundle, vega.bundle())
    _write(stamp, now)


def _copy_trace(source: Path, target: Path) -> None:
    """The profiler's trace of this very build, or none."""
    if source.exists():
        _write(target, source.read_text(encoding="utf-8"))
    else:
        target.unlink(missing_ok=True)


def _write_machine(journal: store.Journal, folder: Path) -> None:
    from bench.results import export

    summary = summarise(EXPERIMENTS[journal.header.experiment], journal)
    _write(folder / "data" / "machine.json", export.machine_json(summary))


def _write_options(folder: Path) -> None:
    """What the installed ONNX Runtime offers, unless it was asked before."""
    target, stamp, now = folder / "data" / "options.json", folder / "stamps" / "options", installed_stamp()
    if target.exists() and stamp.exists() and stamp.read_text() == now:
        return
    _write(target, json.dumps(read_installed(), indent=1))
    _write(stamp, now)


def _stamp(journal: Path) -> str:
    digest = hashlib.sha256(f"{journal.name} {journal.stat().st_size}".encode())
    for path in _sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for package in MAKERS:
        yield from sorted((ROOT / "bench" / package).glob("*.py"))


def _remove(folder: Path, experiment: str) -> None:
    """An old export must not be taken for this machine's."""
    for path in (*folder.glob(f"*/{experiment}.*"), folder / "stamps" / experiment):
        path.unlink(missing_ok=True)


def _write(path: Path, content: str) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(content, encoding="utf-8", newline="\n")
    scratch.replace(path)
