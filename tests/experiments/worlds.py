"""Results made up in every direction that they can turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from made_up import NO_PROC, MadeUp

from bench.experiments import EXPERIMENTS
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.answers import Answer

CRASHED = "进程因信号 SIGSEGV 结束"
NOT_APPLICABLE = "本机不适用：需要 glibc 2.35 以上"
E_LINE, W_LINE = "[E:onnxruntime:, x.cc:1] failed", "[W:onnxruntime:, x.cc:1] ignored"
LEVELS = range(5)
WORLDS: dict[str, dict[str, Any]] = {
    "the same": {},
    "faster": {"time": 0.7},
    "slower": {"time": 1.5},
    "much slower": {"time": 130.0},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "less memory": {"memory": 0.4},
    "more memory": {"memory": 3.0},
    "enormous": {"values": {(None, None, name): 54321.0 for name in ("session_ms", "peak_mib", "kept_mib")}},
    "large numbers": {
        "values": {
            (None, None, name): 12345.6
            for name in (
                "session_ms",
                "idle_cpu_s",
                "grown_mib_per_1000",
                "trace_kib_per_run",
                "minor_faults",
            )
        }
    },
    "small numbers": {
        "values": {
            (None, None, name): 0.0000123
            for name in (
                "session_ms",
                "idle_cpu_s",
                "grown_mib_per_1000",
                "trace_kib_per_run",
                "minor_faults",
            )
        }
    },
    "nothing kept changes": {"values": {(None, BASELINE, "after_second_mib"): 801.0}},
    "trimmed differs": {"values": {(None, None, "kept_trimmed_mib"): 100.0}},
    "nodes overlap": {"values": {(None, None, "overlapping_nodes"): 17.0}},
    "optimised": {
        "values": {(None, "disable_all", "nodes"): 300.0},
        "operators": {
            "disable_all": {"Conv": 3},
            BASELINE: dict.fromkeys(("Conv", "FusedConv", "A", "B", "C", "D", "E", "F"), 1),
        },
    },
    "operators seen of the default only": {"operators": {BASELINE: {"FusedConv": 1}}},
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
    "first group only": {"groups": (0,)},
    "first group dropped": {"groups": (-1,)},
    "logs": {
        "transcripts": {
            f"level_{level}": {
                "error": [E_LINE] if level < 4 else [],
                "warning": [W_LINE] if level < 3 else [],
                "misspelt_key": [],
            }
            for level in LEVELS
        }
    },
    "logs of one level": {"transcripts": {"level_4": {"error": [E_LINE], "misspelt_key": [W_LINE, E_LINE]}}},
    "silent logs": {"transcripts": {f"level_{level}": {"error": []} for level in LEVELS}},
    "machine unknown": {"machine": {"physical_cores": None, "logical_cores": None}},
    "physical cores unknown": {"machine": {"physical_cores": None}},
}


def made_up_in(experiment: str, world: Mapping[str, Any], **more: Any) -> MadeUp:
    spec = EXPERIMENTS[experiment]
    groups = world.get("groups")
    where = {} if groups is None else {"groups": [index % len(spec.groups) for index in groups]}
    return MadeUp(experiment=experiment, **{**world, **where, **more})


def answers(made_up: MadeUp) -> dict[str, Answer]:
    say = made_up.words()
    return {claim.id: claim.answer(say) for claim in made_up.spec.claims}
