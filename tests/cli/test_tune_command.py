"""What `tune` makes of its options, and what it answers to those that it cannot read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.cli import tuning
from bench.cli.refusals import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from bench.tune.own import Wanted


class Seen(Exception):
    """Stands in the place of the work."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run the command up to where the model is read; what it wanted."""
    monkeypatch.setenv("BENCH_BUILD_DIR", str(tmp_path))

    def ask(**options: Any) -> Wanted:
        found: list[Wanted] = []

        def read(wanted: Wanted, _: Path) -> None:
            found.append(wanted)
            raise Seen

        monkeypatch.setattr(tuning, "read", read)
        with pytest.raises(Seen):
            tuning.tune(tmp_path / "m.onnx", **options)
        return found[0]

    return ask


def test_nothing_said_is_ten_minutes_for_all_that_matters(asked: Any) -> None:
    wanted = asked()
    assert (wanted.budget_s, wanted.gap_ms, wanted.callers, wanted.batch) == (600, 0, 1, None)
    assert (wanted.goals, wanted.compare, wanted.ort) == (("latency", "peak", "kept"), True, None)


def test_every_option_arrives(asked: Any, tmp_path: Path) -> None:
    wanted = asked(
        goal="peak", budget="90s", dim=["seq=128,256", "past=0"], batch=2, range=["x=-1,1", "a=b=0,2.5"], every="0.1s",
        callers=4, cores=1, quota=1.5, limit=["peak=1.5GiB", "kept=300"], ort="1.29.0", no_compare=True,
        inputs=[tmp_path / "a.npz"],
    )  # fmt: skip
    assert wanted.dims == {"seq": (128, 256), "past": (0,)}
    assert wanted.ranges == {"x": (-1, 1), "a=b": (0, 2.5)}
    assert wanted.limits == {"peak": 1536, "kept": 300}
    assert (wanted.gap_ms, wanted.budget_s, wanted.goals) == (100, 90, ("peak",))
    assert (wanted.callers, wanted.cores, wanted.quota, wanted.ort, wanted.compare) == (
        4,
        1,
        1.5,
        "1.29.0",
        False,
    )
    assert wanted.inputs == (tmp_path / "a.npz",)
    assert asked(every="250ms").goals == ("latency", "cpu", "peak", "kept")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dim": ["seq"]}, "看不懂 --dim seq：请写成 --dim seq=128"),
        ({"dim": ["seq=-1"]}, "--dim seq=-1：要写不小于 0 的整数"),
        ({"dim": ["seq=12,"]}, "--dim seq=12,：要写不小于 0 的整数"),
        ({"range": ["x=1"]}, "--range x=1：要写两个数，如 --range x=0,1"),
        ({"range": ["=1,2"]}, "看不懂 --range"),
        ({"limit": ["cpu=3"]}, "能限定的是 peak（最多占）和 kept"),
        ({"limit": ["peak=lots"]}, "看不懂的内存“lots”：请写成 500MiB 或 2GiB"),
        ({"limit": ["peak=0"]}, "看不懂的内存“0”"),
        ({"every": "often"}, "看不懂 --every often：请写成 100ms 或 1s，最多 60s"),
        ({"every": "0ms"}, "看不懂 --every 0ms"),
        ({"every": "2000s"}, "看不懂 --every 2000s"),
        ({"budget": "soon"}, "看不懂的时间“soon”"),
        ({"callers": 0}, "--callers 0：至少是 1"),
        ({"batch": 0}, "--batch 0：至少是 1"),
    ],
)
def test_options_that_cannot_be_read_are_refused_before_anything_else(
    options: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=said.replace("（", "[（]").replace("）", "[）]")):
        tuning.tune(tmp_path / "m.onnx", **options)
