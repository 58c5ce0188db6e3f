"""What each log level costs, what it prints, and what it hides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings
from bench.experiments._common import NO_WARNINGS, TINY, columns
from bench.experiments._phrases import (
    DECIDED,
    NOT_MEASURED,
    model,
    named,
    sentence,
    speed,
    versus_default,
    where,
)
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Proof, Script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEVELS = {0: "VERBOSE", 1: "INFO", 2: "WARNING", 3: "ERROR", 4: "FATAL"}
HIGHEST = f"level_{max(LEVELS)}"


def cases(cores: int) -> tuple[Case, ...]:
    """The default and every level."""
    return (
        Case(id=BASELINE, title="默认"),
        Case(id=CONTROL, title="默认（再测一次）"),
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


def conclude(say: Findings) -> Iterator[str]:
    """Time at each level, then what is hidden."""
    for group in say.groups():
        times = "；".join(f"{named(say, case)}，{speed(say, group, case)}" for case in _levels())
        yield f"{where(group)}，与默认比：{times}。"
    yield _hidden(say)


def _levels() -> list[str]:
    return [f"level_{level}" for level in LEVELS]


def _prints(lines: Sequence[str], letter: str) -> bool:
    return any(f"[{letter}:onnxruntime" in line for line in lines)


def _shown_from(say: Findings, incident: str, letters: str) -> str:
    """Titles of the levels at which an incident leaves a line of one of these severities in the log."""
    shown = [
        named(say, case)
        for case in _levels()
        if any(_prints(say.transcript(case).get(incident, ()), letter) for letter in letters)
    ]
    return "、".join(shown)


def _hidden(say: Findings) -> str:
    unknown = [named(say, case) for case in _levels() if not say.transcript(case)]
    if len(unknown) == len(LEVELS):
        return "各级日志打印了什么，这次没有测成。"
    errors, warnings = _shown_from(say, "error", "E"), _shown_from(say, "warning", "W")
    misspelt = _shown_from(say, "misspelt_key", "WE")
    missing = f"；没有测成的级别：{'、'.join(unknown)}" if unknown else ""
    return (
        f"节点执行出错时，日志里有 ERROR 的级别：{errors or '一个也没有'}；"
        f"配置的值写错时，有 WARNING 的级别：{warnings or '一个也没有'}；"
        f"配置的键拼错时，有提示的级别：{misspelt or '一个也没有'}{missing}。"
    )


def _level_four(say: Findings) -> Answer:
    """Good advice only if it took no time and hid nothing."""
    usual, lines = (say.transcript(case).get("error") for case in (BASELINE, HIGHEST))
    if usual is None or lines is None:
        return Answer(measured=NOT_MEASURED, now="先保持默认。", holds="unknown")
    verdicts = {say.verdict(group, HIGHEST) for group in say.groups()}
    times = sentence(f"{model(group)}，{versus_default(say, group, HIGHEST)}" for group in say.groups())
    if _prints(usual, "E") and not _prints(lines, "E"):
        return Answer(
            measured=f"{times}节点出错时，默认级别的日志里有 ERROR 一行，设为 4 就没有了。",
            now="保持默认（2）；嫌警告多，设 3，仍看得到错误，再去消除警告的原因。",
            holds="no",
        )
    measured = f"{times}节点出错时，设为 4 打印的 ERROR 不比默认级别少。"
    if "slower" in verdicts:
        return Answer(measured=measured, now="保持默认（2）。", holds="no")
    if not verdicts <= set(DECIDED):
        return Answer(measured=measured, now="先保持默认。", holds="unknown")
    return Answer(measured=measured, now="没有测出坏处。", holds="yes")


EXPERIMENT = Experiment(
    id="log_severity",
    title="日志级别",
    question="log_severity_level 影响速度吗，设为 4 会藏起什么？",
    cases=cases,
    groups=(
        Group(
            model="tiny",
            input=TINY,
            small=TINY,
            seconds=0.37,
        ),
    ),
    columns=columns("latency_ms", "ratio", "session_ms", "session_info_lines"),
    conclude=conclude,
    scripts=(Script(name="log_lines", cases=(BASELINE, *(f"level_{level}" for level in LEVELS))),),
    claims=(Claim(id="level_four", said="推荐把 log_severity_level 设为 4。", answer=_level_four),),
)
