"""What each log level costs, what it prints, and what it hides."""

from __future__ import annotations

from bench.experiments._common import NO_WARNINGS, TINY, default
from bench.spec import BASELINE, Case, Claim, Experiment, Group, Importance, Machine, Proof, Report

LEVELS = {0: "VERBOSE", 1: "INFO", 2: "WARNING", 3: "ERROR", 4: "FATAL"}


def cases(machine: Machine) -> tuple[Case, ...]:
    """The default and every level."""
    return (
        *default(),
        *(
            Case(
                id=f"level_{level}",
                title=f"{level}（{name}）",
                settings={"log_severity_level": level},
                proofs=(_proof(level),),
            )
            for level, name in LEVELS.items()
        ),
    )


def _proof(level: int) -> Proof:
    """The two chatty levels say more than the default; the others no longer warn. The default's own does neither."""
    if level == 0:
        return Proof(fact="session_verbose_lines", relation=">", expected=0)
    if level == 1:
        return Proof(fact="session_info_lines", relation=">", expected=0)
    return NO_WARNINGS


EXPERIMENT = Experiment(
    id="log_severity",
    title="日志级别",
    question="log_severity_level 影响速度吗，设为 4 会藏起什么？",
    importance=Importance.ARTICLE,
    cases=cases,
    groups=(Group(model="tiny", input=TINY, small=TINY, seconds=0.37),),
    columns=("latency_ms", "ratio", "session_ms", "session_info_lines"),
    reports=(Report(subject="log_lines", cases=(BASELINE, *(f"level_{level}" for level in LEVELS))),),
    claims=(Claim(id="level_four", said="推荐把 log_severity_level 设为 4。"),),
)
