"""What each log level costs, what it prints, and what it hides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings
from bench.experiments._inputs import DET_320, DET_480, TINY
from bench.spec import BASELINE, CONTROL, Case, Column, Experiment, Group, Proof, Script

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
                proof=_proof(level),
            )
            for level, name in LEVELS.items()
        ),
    )


def _proof(level: int) -> Proof:
    """On a healthy run only the two chatty levels say anything; the others are told apart by the script."""
    if level == 0:
        return Proof(fact="session_verbose_lines", relation=">", expected=0)
    if level == 1:
        return Proof(fact="session_info_lines", relation=">", expected=0)
    return Proof(fact="session_info_lines", relation="==", expected=0)


def conclude(say: Findings) -> Iterator[str]:
    """Time at each level, then what is hidden."""
    for group in say.groups():
        times = "；".join(
            f"{say.title(case)} {say.speed(group, case)}" for case in (f"level_{level}" for level in LEVELS)
        )
        yield f"{group.model_title}（{group.input}），与默认比：{times}。"
    yield _hidden(say)


def _prints(lines: Sequence[str], letter: str) -> bool:
    return any(f"[{letter}:onnxruntime" in line for line in lines)


def _shown_from(say: Findings, incident: str, letter: str) -> list[str]:
    """Titles of the levels at which an incident leaves a line of that severity in the log."""
    return [
        say.title(f"level_{level}")
        for level in LEVELS
        if _prints(say.transcript(f"level_{level}").get(incident, ()), letter)
    ]


def _hidden(say: Findings) -> str:
    if not say.transcript(HIGHEST):
        return "各级日志打印了什么，这次没有测成。"
    errors, warnings = _shown_from(say, "error", "E"), _shown_from(say, "warning", "W")
    misspelt = _shown_from(say, "misspelt_key", "W") + _shown_from(say, "misspelt_key", "E")
    silent = "哪一级都没有提示" if not misspelt else f"在 {'、'.join(misspelt)} 有提示"
    return (
        f"节点执行出错时，日志里有 ERROR 的级别：{'、'.join(errors) or '没有'}；"
        f"配置的值写错时，有 WARNING 的级别：{'、'.join(warnings) or '没有'}；配置的键拼错时，{silent}。"
    )


def _level_four(say: Findings) -> Answer:
    """Good advice only if it were faster and hid nothing."""
    lines = say.transcript(HIGHEST)
    faster = any(say.verdict(group, HIGHEST) == "faster" for group in say.groups())
    judged = any(say.verdict(group, HIGHEST) for group in say.groups())
    if not lines:
        return Answer(measured="没有测成。", now="先保持默认。", agrees=None)
    hides = not _prints(lines.get("error", ()), "E")
    times = "；".join(f"{group.model_title} 与默认比{say.speed(group, HIGHEST)}" for group in say.groups())
    errors = "节点出错时，日志里没有 ERROR 一行" if hides else "节点出错时，日志里仍有 ERROR 一行"
    measured = f"{times}；{errors}。"
    if hides:
        return Answer(
            measured=measured,
            now="保持默认（2）；嫌警告多，设 3，仍看得到错误，再去消除警告的原因。",
            agrees=False,
        )
    return Answer(measured=measured, now="在本机没有测出坏处。", agrees=True if faster or judged else None)


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
            seconds=0.4,
        ),
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            seconds=0.6,
        ),
    ),
    columns=(
        Column(metric="latency_ms", title="稳态延迟", unit="ms"),
        Column(metric="ratio", title="相对默认"),
        Column(metric="session_ms", title="建会话", unit="ms"),
        Column(metric="session_info_lines", title="INFO 及更细的行"),
    ),
    conclude=conclude,
    scripts=(Script(name="log_lines", cases=(BASELINE, *(f"level_{level}" for level in LEVELS))),),
    claims=(Claim(id="level_four", said="把 log_severity_level 设为 4。", answer=_level_four),),
)
