"""Results made up in every direction that they can turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from made_up import NO_PROC, MadeUp

from bench.experiments import EXPERIMENTS
from bench.pages import sentences
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

    from bench.pages.sentences import Told

CRASHED = "进程因信号 SIGSEGV 结束"
NOT_APPLICABLE = "本机不适用：需要 glibc 2.35 以上"
E_LINE, W_LINE = "[E:onnxruntime:, x.cc:1] failed", "[W:onnxruntime:, x.cc:1] ignored"
NUMBERS = ("session_ms", "idle_cpu_s", "grown_mib_per_1000", "trace_kib_per_run", "minor_faults")


def of_cases(**cases: Mapping[str, float]) -> dict[str, Any]:
    """Figures that the named cases have in every group."""
    values = {(None, case, name): one for case, found in cases.items() for name, one in found.items()}
    return {"values": values}


def memory(**cases: tuple[int, int]) -> dict[str, Any]:
    """Kept and peak of cases, MiB."""
    return of_cases(**{case: {"kept_mib": kept, "peak_mib": peak} for case, (kept, peak) in cases.items()})


WORLDS: dict[str, dict[str, Any]] = {
    "the same": {},
    "faster": {"time": 0.7},
    "slower": {"time": 1.5},
    "much slower": {"time": 130.0},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "no two can be told apart": {"half_width": 0.2},
    "less memory": {"memory": 0.4},
    "more memory": {"memory": 3.0},
    "rounds overlap": {"memory": 0.8, "memory_spread": 0.3},
    "enormous": {"values": {(None, None, name): 54321.0 for name in ("session_ms", "peak_mib", "kept_mib")}},
    "large numbers": {"values": {(None, None, name): 12345.6 for name in NUMBERS}},
    "small numbers": {"values": {(None, None, name): 0.0000123 for name in NUMBERS}},
    "too noisy": {"time": 1.3, "noisy": range(9)},
    "nothing takes effect": {"time": 1.3, "memory": 0.4, "outcomes": {(None, None): "nothing"}},
    "nothing is seen to take effect": {"time": 1.3, "memory": 0.4, "outcomes": {(None, None): "unseen"}},
    "draft": {"profile": "quick", "rounds": 3, "time": 1.5, "memory": 0.4},
    "smoke": {"profile": "smoke", "rounds": 1, "time": 0.7, "memory": 3.0},
    "busy": {"busy": True, "time": 1.5, "memory": 0.4},
    "few rounds": {"rounds": 3, "time": 1.5},
    "the default failed": {"failures": {(None, BASELINE): CRASHED}},
    "everything else failed": {"failures": {(None, None): CRASHED, (None, BASELINE): None}},
    "everything failed": {"failures": {(None, None): CRASHED}},
    "everything failed in one group": {"failures": {(0, None): CRASHED}},
    "nothing else applies": {"failures": {(None, None): NOT_APPLICABLE, (None, BASELINE): None}},
    "no /proc": {"absent": NO_PROC},
    "nothing observed": {"absent": ("nodes", "overlapping_nodes", "node_threads", "session_info_lines")},
    "one core": {"cores": 1, "values": {(None, None, "threads"): 1.0}},
    "64 cores": {"cores": 64, "time": 1.5, "values": {(None, BASELINE, "threads"): 64.0}},
    "denormal weights": {"denormals": 1, "time": 0.5},
    "half the processor time": {"values": {(None, None, "cpu_s"): 0.01, (None, BASELINE, "cpu_s"): 0.02}},
    "no groups": {"groups": ()},
    "first group only": {"groups": (0,)},
    "first group dropped": {"groups": (-1,)},
    "logs": {"transcripts": {f"level_{n}": {"error": [E_LINE] * (n < 4), "warning": [W_LINE] * (n < 3), "misspelt_key": []} for n in range(5)}},
    "silent logs": {"transcripts": {f"level_{level}": {"error": []} for level in range(5)}},
    "physical cores unknown": {"machine": {"physical_cores": None}},
}  # fmt: skip


def made_up_in(experiment: str, world: Mapping[str, Any], **more: Any) -> MadeUp:
    spec = EXPERIMENTS[experiment]
    groups = world.get("groups")
    where = {} if groups is None else {"groups": [index % len(spec.groups) for index in groups]}
    return MadeUp(experiment=experiment, **{**world, **where, **more})


def tell(made_up: MadeUp, templates: Environment | None = None) -> Told:
    return sentences.tell(made_up.spec, made_up.export(), templates)
