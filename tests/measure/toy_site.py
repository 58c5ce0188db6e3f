"""Experiments, models and results of a toy project, for tests of which build is taken up or used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bench.measure import campaign, header, task
from bench.measure.campaign import Here
from bench.measure.profiles import PROFILES
from bench.results import store
from bench.spec import BASELINE, CONTROL
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest
    from samples import Make

    from bench.measure.campaign import Campaign
    from bench.measure.profiles import Profile
    from bench.models.prepared import Prepared
    from bench.results.records import Header
    from bench.spec import Experiment, Input, Model

GIB = 1 << 30
OLD, NEW = "20260101-000000-aaaa", "20260102-000000-bbbb"


class Site:
    """Experiments, models and results of a toy project."""

    def __init__(self, folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folders, self.make = Folders.below(folder), make
        self.here = Here(machine=make.machine(), software={"onnxruntime": "1.31.1"})
        self.free_bytes = 64 * GIB
        self.content_key = "abcdef012345"
        self.experiments: dict[str, Experiment] = {}
        self.told: list[str] = []
        self.prepared: list[tuple[str, ...]] = []
        monkeypatch.setattr(campaign, "EXPERIMENTS", self.experiments)
        monkeypatch.setattr(campaign, "free_memory", lambda: self.free_bytes)
        monkeypatch.setattr(campaign, "content_key", lambda _: self.content_key)
        monkeypatch.setattr(campaign, "prepare", self._prepare)
        for module in (campaign, header, task):
            monkeypatch.setattr(module, "MODELS", {"toy": make.model()})
        for name in ("toys", "more"):
            self.experiments[name] = make.experiment(name)

    def _prepare(self, _: Model, inputs: Sequence[Input], __: Path) -> Prepared:
        self.prepared.append(tuple(entry.label for entry in inputs))
        return self.make.prepared(self.prepared[-1])

    def open(
        self, *names: str, profile: Profile | None = None, here: Here | None = None, fresh: bool = False
    ) -> Campaign:
        here = here or self.here
        planned = campaign.plan(names or ("toys",), profile or self.make.profile(), here)
        return campaign.open_campaign(planned, here, self.folders, fresh=fresh, tell=self.told.append)

    def header(self, name: str = "toys", *, hours_ago: float = 1, **changes: Any) -> Header:
        started = datetime.now(UTC) - timedelta(hours=hours_ago)
        usual = {
            "experiment": name,
            "key": self.here.key(self.experiments[name], PROFILES[changes.get("profile", "default")]),
            "started_at": started.isoformat(timespec="seconds"),
            "build": OLD,
        }
        return self.make.header(**usual | changes)

    def unfinished(self, name: str = "toys", **header: Any) -> store.Writer:
        """Two samples of a first round."""
        writer = store.Writer.create(self.folders.results, self.header(name, **header))
        writer.append(self.make.sample(BASELINE))
        writer.append(self.make.sample(CONTROL, position=1))
        return writer

    def finished(self, name: str = "toys", **header: Any) -> store.Writer:
        writer = self.unfinished(name, **header)
        for position, case in enumerate(("one", "two"), 2):
            writer.append(self.make.sample(case, position=position))
        writer.append(self.make.end())
        ended = {"finished_at": writer.journal.header.started_at}
        writer.append(self.make.footer().model_copy(update=ended))
        return writer

    def move(self, **here: Any) -> None:
        """To another machine or other software."""
        self.here = replace(self.here, **here)

    def change(self, name: str = "toys", **experiment: Any) -> None:
        self.experiments[name] = self.make.experiment(name, **experiment)

    def damage(self, build: str) -> None:
        store.journal_path(self.folders.results, "toys", build).write_bytes(b"damaged\n")

    def bytes_of_results(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folders.results.rglob("*.jsonl")}
