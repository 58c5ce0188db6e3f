"""Results of made-up machines, whole enough to be sent to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from made_up_site import known

from bench.measure import selftest
from bench.measure.campaign import Here
from bench.results import bundle
from bench.results.metrics import METRICS
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL
from bench.system.folders import Folders

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make

    from bench.results.bundle import Bundle
    from bench.results.published import Export

MIB = 1 << 20
EPYC = {"cpu": "AMD EPYC 9B14 96-Core Processor", "cores": 2, "logical_cores": 2, "system": "Debian 12", "libc": "glibc 2.36", "kernel": "6.1.0-custom-of-me"}  # fmt: skip
BUILD = "20260102-030405-abcd"


def export(
    make: Make, experiment: str = "toys", one_ms: float = 12.0, kept_mib: int = 100, **header: Any
) -> Export:
    """Nine rounds in which the case `one` takes so long, and keeps so much, beside a default of 10 ms and 100 MiB."""
    kept = dict.fromkeys(("peak_bytes", "kept_bytes"), kept_mib * MIB)
    rounds = [
        [(BASELINE, _ms(10 + n / 1e6)), (CONTROL, _ms(10 + n / 1e6)), ("one", _ms(one_ms + n * 7e-6) | kept)]
        for n in range(9)
    ]
    fields = {"machine": EPYC, "build": BUILD, "experiment": experiment} | header
    return summarise(make.experiment(experiment, columns=tuple(METRICS)), make.journal(rounds, **fields))


def _ms(ms: float) -> dict[str, Any]:
    return {"latencies_ns": [round(ms * 1e6)] * 20, "calls": 20}


def seen(make: Make, folder: Path, build: str = BUILD) -> Export:
    """The self-test of a build whose harness sees everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selftest, "_run_known", known(make))
        journal = selftest.measure(build, 1, Here.read(), Folders.below(folder), Mock())
    return summarise(selftest.EXPERIMENT, journal)


def packed(make: Make, folder: Path, **changes: Any) -> tuple[str, bytes]:
    """Name and content of the file of such a machine."""
    return bundle.pack([export(make, **changes)], {BUILD: seen(make, folder)})


def unpacked(make: Make, folder: Path, **changes: Any) -> Bundle:
    return bundle.unpack(packed(make, folder, **changes)[1])
