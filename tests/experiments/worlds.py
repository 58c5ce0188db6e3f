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
LEVELS = range(5)
NUMBERS = ("session_ms", "idle_cpu_s", "grown_mib_per_1000", "trace_kib_per_run", "minor_faults")


def everywhere(value: float, *metrics: str) -> dict[str, Any]:
    return {"values": {(None, None, name): value for name in metrics}}


def of_cases(**cases: Mapping[str, float]) -> dict[str, Any]:
    """Figures that the named cases have in every group."""
    return {
        "values": {(None, case, name): one for case, found in cases.items() for name, one in found.items()}
    }


OFF_ALONE, LITTLE = {"kept_mib": 300.0, "peak_mib": 500.0}, {"kept_mib": 100.0, "peak_mib": 800.0}
WORLDS: dict[str, dict[str, Any]] = {
    "the same": {},
    "faster": {"time": 0.7},
    "slower": {"time": 1.5},
    "much slower": {"time": 130.0},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "no two can be told apart": {"half_width": 0.2},
    "less memory": {"memory": 0.4},
    "more memory": {"memory": 3.0},
    "a little less memory": {"memory": 0.9},
    "rounds overlap": {"memory": 0.8, "memory_spread": 0.3},
    "enormous": everywhere(54321.0, "session_ms", "peak_mib", "kept_mib"),
    "large numbers": everywhere(12345.6, *NUMBERS),
    "small numbers": everywhere(0.0000123, *NUMBERS),
    "too noisy": {"time": 1.3, "noisy": range(5)},
    "nothing takes effect": {"time": 1.3, "memory": 0.4, "outcomes": {(None, None): "nothing"}},
    "nothing is seen to take effect": {"time": 1.3, "memory": 0.4, "outcomes": {(None, None): "unseen"}},
    "one count in effect": {"outcomes": {(None, case): "nothing" for case in ("single", "double")}},
    "two counts overlap": {
        **of_cases(single={"ratio": 3.0}, double={"ratio": 1.3}),
        "half_widths": {(None, "usable", "ratio"): 0.9},
    },
    "the fastest count not seen": {
        **of_cases(double={"ratio": 0.5}),
        "outcomes": {(None, "double"): "unseen"},
    },
    "one count measured": {"failures": {(None, case): CRASHED for case in ("single", "double")}},
    "one count wins": of_cases(single={"ratio": 1.9}, usable={"ratio": 1.0}, double={"ratio": 2.5}),
    "less with both off": of_cases(arena_off=OFF_ALONE, arena_pattern_off={"kept_mib": 100, "peak_mib": 500}),
    "more with both off": of_cases(arena_off=OFF_ALONE, arena_pattern_off={"kept_mib": 600, "peak_mib": 500}),
    "less and more": of_cases(arena_off=OFF_ALONE, arena_pattern_off={"kept_mib": 100, "peak_mib": 600}),
    "little left": of_cases(arena_off=LITTLE),
    "little left, the pattern not seen": {
        **of_cases(arena_off=LITTLE),
        "outcomes": {(None, "pattern_off"): "unseen"},
    },
    "less needed": of_cases(arena_off=LITTLE, pattern_off={"kept_mib": 1200, "peak_mib": 900}),
    "less left only": of_cases(arena_off=LITTLE, pattern_off={"kept_mib": 1200, "peak_mib": 700}),
    "about the same needed": of_cases(arena_off=LITTLE, pattern_off={"kept_mib": 1200, "peak_mib": 820}),
    "as little left": of_cases(arena_off=LITTLE, pattern_off={"kept_mib": 50, "peak_mib": 800}),
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
    "one operator is new": {"operators": {"disable_all": {"Conv": 3}, BASELINE: {"FusedConv": 3}}},
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
    "no groups": {"groups": ()},
    "first group only": {"groups": (0,)},
    "first group dropped": {"groups": (-1,)},
    "logs": {
        "transcripts": {
            f"level_{n}": {"error": [E_LINE] * (n < 4), "warning": [W_LINE] * (n < 3), "misspelt_key": []}
            for n in LEVELS
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


def tell(made_up: MadeUp, templates: Environment | None = None) -> Told:
    return sentences.tell(made_up.spec, made_up.export(), templates)
