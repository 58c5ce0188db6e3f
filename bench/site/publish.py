"""From stored results to files ready to be published: data, charts, and what pages must know.

Done in a process of its own, so that mkdocs never loads the libraries that this takes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.facts.options import installed_stamp, read_installed
from bench.measure import evidence, noise, plan, selftest
from bench.measure.earlier import find_valid
from bench.measure.profiles import PROFILES
from bench.pages import source
from bench.results import downloads, store
from bench.results.summary import summarise
from bench.results.trust import SELFTEST
from bench.system import harmless
from bench.system.folders import ROOT, Folders, sweep_scratch, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from bench.measure.campaign import Here
    from bench.results.published import Row
    from bench.spec import Experiment

MAKERS = ("results", "pages", "experiments", "spec.py")
"""Sources whose change makes exported files out of date."""


def publish(
    here: Here,
    folders: Folders,
    tell: Callable[[str], None],
    *,
    stale_ok: bool = False,
    draft_of: str = "",
) -> dict[str, str]:
    """Write the files of every experiment that has a result. Returns id -> "valid" or "stale".

    With `stale_ok`, a complete result of another key stands in where there is no valid one: for a
    live preview while the code changes, never for a site to publish. `draft_of`: a build that is still being
    measured; its experiments are there with what they hold by now, those without a round are not.
    """
    sweep_scratch(folders.export)
    status: dict[str, str] = {}
    shown: list[store.Journal] = []
    for experiment in EXPERIMENTS.values():
        unfinished = store.journal_path(folders.results, experiment.id, draft_of)
        if draft_of and unfinished.exists():
            journal, state = by_now(store.read(unfinished)), "valid"
        else:
            journal, state = find_valid(experiment, here, folders.results, tell), "valid"
        if journal is None and stale_ok:
            found = (_complete(path) for path in store.journals(folders.results, experiment.id))
            journal, state = next(filter(None, found), None), "stale"
        if journal is None:
            _remove(folders.export, experiment.id)
            continue
        status[experiment.id] = state
        shown.append(journal)
        _write_experiment(experiment, journal, folders.export)
    files = {
        "data/journal.schema.json": downloads.journal_schema(),
        "data/export.schema.json": downloads.export_schema(),
        "data/bundle.schema.json": downloads.bundle_schema(),
        "data/tuned.schema.json": downloads.tuned_schema(),
        "rules.json": json.dumps(_rules()),
        "here.json": json.dumps(_here(here)),
        "status.json": json.dumps(status),
    }
    if draft_of:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        files[source.DRAFT] = json.dumps({"build": draft_of, "at": now, "experiments": list(status)})
    if shown:
        newest = max(shown, key=lambda journal: journal.header.started_at)
        summary = harmless.record(summarise(EXPERIMENTS[newest.header.experiment], newest))
        files["data/machine.json"] = downloads.machine_json(summary)
        _write_bundle(folders.export)
    _write_selftests({journal.header.build for journal in shown}, folders, tell)
    _write_options(folders.export)
    for path, content in files.items():
        write_whole(folders.export / path, content)
    return status


def by_now(journal: store.Journal) -> store.Journal | None:
    """What a journal that is still being written holds of groups that have a round; None: no group has."""
    groups = [one for one in journal.header.groups if journal.final_rounds(one.index)]
    header = journal.header.model_copy(update={"groups": groups})
    return replace(journal, header=header) if groups else None


def _complete(path: Path, tell: Callable[[str], object] = lambda _: None) -> store.Journal | None:
    """A stored result, unless it is not there, not finished or damaged."""
    try:
        journal = store.read(path)
    except FileNotFoundError:
        return None
    except store.DamagedJournal as damage:
        tell(f"忽略损坏的结果文件：{damage}")
        return None
    return journal if journal.complete else None


def _write_experiment(experiment: Experiment, journal: store.Journal, folder: Path) -> None:
    """All files of one experiment, unless they are up to date."""

    def make() -> dict[str, str]:
        from bench.pages import vega

        summary = harmless.record(summarise(experiment, journal))
        plain = replace(journal, header=harmless.record(journal.header))
        files = {
            f"data/{experiment.id}.json": downloads.as_json(summary),
            f"data/{experiment.id}.csv": downloads.as_csv(map(_for_spreadsheets, summary.rows)),
            f"data/{experiment.id}.pyperf.json": downloads.as_pyperf(plain),
            f"charts/{experiment.id}.json": json.dumps(vega.specs(experiment, summary)),
        }
        trace = store.trace_path(journal.path)
        if trace.exists():
            files[f"data/{experiment.id}.trace.json"] = trace.read_text(encoding="utf-8")
        else:
            (folder / "data" / f"{experiment.id}.trace.json").unlink(missing_ok=True)
        return files

    _keep(folder, experiment.id, _stamp(journal.path), make)


def _for_spreadsheets(row: Row) -> Row:
    """No cell that a spreadsheet would take for a formula."""
    return row.model_copy(update={name: harmless.cell(value) for name, value in row})


def _write_bundle(folder: Path) -> None:
    """The script that draws the charts; it takes a second to make."""

    def make() -> dict[str, str]:
        from bench.pages import vega

        return {f"assets/{vega.BUNDLE}": vega.bundle()}

    _keep(folder, "bundle", version("vl-convert-python"), make)


def _keep(folder: Path, name: str, state: str, make: Callable[[], dict[str, str]]) -> None:
    """Make files anew, unless the stamp says that they were made in this state and are still what was written."""
    stamp = folder / "stamps" / name
    if _is_intact(stamp, state, folder):
        return
    files = make()
    for path, content in files.items():
        write_whole(folder / path, content)
    hashes = {path: hashlib.sha256(content.encode()).hexdigest() for path, content in files.items()}
    write_whole(stamp, json.dumps({"state": state, "files": hashes}))


def _is_intact(stamp: Path, state: str, folder: Path) -> bool:
    try:
        found = json.loads(stamp.read_bytes())
        return found["state"] == state and all(
            hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
            for path, digest in found["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _write_selftests(builds: Collection[str], folders: Folders, tell: Callable[[str], None]) -> None:
    """The self-test of each build that is shown, and no other: it vouches for the build that it began."""
    target = folders.export / "data" / SELFTEST
    found = {build: _complete(store.journal_path(folders.results, SELFTEST, build), tell) for build in builds}
    for path in target.glob("*.json"):
        if not found.get(path.stem):
            path.unlink()
    for build, journal in found.items():
        if journal:
            summary = harmless.record(summarise(selftest.EXPERIMENT, journal))
            write_whole(target / f"{build}.json", downloads.as_json(summary))


def _write_options(folder: Path) -> None:
    """What the installed ONNX Runtime offers, unless it was asked before."""
    options = "data/options.json"
    _keep(folder, "options", installed_stamp(), lambda: {options: json.dumps(read_installed(), indent=1)})


def _rules() -> dict[str, float]:
    """Numbers by which samples are taken: pages tell them and know nothing of measuring."""
    profile = PROFILES["default"]
    return {
        **{name: getattr(profile, name) for name in ("min_seconds", "min_calls", "repeats")},
        "first_look": profile.looks[0],
        "last_look": profile.looks[-1],
        "thorough_look": PROFILES["thorough"].looks[-1],
        "draft_rounds": PROFILES["quick"].looks[-1],
        "near_s": plan.NEAR_SECONDS,
        "memory_share": plan.MEMORY_SHARE,
        "idle_s": evidence.IDLE_SECONDS,
        "others": noise.OTHERS_LIMIT,
        "steal": noise.STEAL_LIMIT,
    }


def _here(here: Here) -> dict[str, object]:
    """What notebooks stand and fall with, beside their text."""
    facts = here.facts()
    told = {name: facts.machine[name] for name in ("cpu", "cores")}
    return {"fingerprint": here.machine.fingerprint(), **told, "software": dict(facts.software)}


def _stamp(journal: Path) -> str:
    digest = hashlib.sha256(journal.name.encode() + journal.read_bytes())
    for path in _sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for name in MAKERS:
        path = ROOT / "bench" / name
        yield from sorted(path.glob("*.py")) if path.is_dir() else [path]


def _remove(folder: Path, experiment: str) -> None:
    """An old export must not be taken for this machine's."""
    for path in (*folder.glob(f"*/{experiment}.*"), folder / "stamps" / experiment):
        path.unlink(missing_ok=True)
