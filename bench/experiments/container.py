"""A process that gets half of the cores, and two processes that share them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.answers import Findings, Limit, Scenario
from bench.experiments._inputs import DET_320, DET_480, REC_FOUR, REC_TWO
from bench.spec import BASELINE, CONTROL, Case, Column, Experiment, Group, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_SPIN = {"session.intra_op.allow_spinning": "0"}


def cases(cores: int) -> tuple[Case, ...]:
    """The default, the article's settings, and the share of cores written out, with and without spinning."""
    share = max(1, cores // 2)
    own = {"intra_op_num_threads": share}
    threads = Proof(fact="threads_created", relation="==", expected=share - 1)
    return (
        Case(id=BASELINE, title="默认"),
        Case(id=CONTROL, title="默认（再测一次）"),
        Case(
            id="original",
            title="原文设置",
            settings={
                "graph_optimization_level": "ORT_ENABLE_ALL",
                "log_severity_level": 4,
                "enable_cpu_mem_arena": False,
            },
            proof=Proof(fact="arena_regions", relation="==", expected=0),
        ),
        Case(id="share", title=f"{share} 线程", settings=own, proof=threads),
        Case(
            id="share_pattern_off",
            title=f"{share} 线程，关闭内存模式",
            settings={**own, "enable_mem_pattern": False},
            proof=threads,
        ),
        Case(
            id="no_spin",
            title="不空转",
            settings=NO_SPIN,
            proof=Proof(fact="idle_cpu_s", relation="<", expected=0.5, than=BASELINE),
        ),
    )


def conclude(say: Findings) -> Iterator[str]:
    """What the default costs where the cores are not one's own."""
    for group in say.groups():
        cpu, base = say.value(group, "share", "cpu_s"), say.value(group, BASELINE, "cpu_s")
        burned = f"，每次推理的 CPU 时间是默认的 {cpu / base:.0%}" if cpu and base else ""
        yield (
            f"{group.model_title}（{group.input}）：{say.title('share')}，与默认比{say.speed(group, 'share')}{burned}；"
            f"{say.title('no_spin')}，与默认比{say.speed(group, 'no_spin')}；"
            f"原文设置，与默认比{say.speed(group, 'original')}。"
        )


EXPERIMENT = Experiment(
    id="container",
    title="多进程与容器",
    question="只分到一半的核，或两个进程同时跑，该怎么设？",
    cases=cases,
    groups=(
        Group(
            model="ocr_rec",
            input=REC_FOUR,
            small=REC_TWO,
            seconds=0.9,
            cpu_share=0.5,
        ),
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            seconds=2.0,
            processes=2,
        ),
    ),
    columns=(
        Column(metric="latency_ms", title="稳态延迟", unit="ms"),
        Column(metric="ratio", title="相对默认"),
        Column(metric="ratio_original", title="相对原文设置"),
        Column(metric="cpu_s", title="CPU 秒/次", unit="s"),
        Column(metric="idle_cpu_s", title="空闲 1 秒耗 CPU", unit="s"),
        Column(metric="threads", title="实际线程数"),
        Column(metric="peak_mib", title="峰值", unit="MiB"),
        Column(metric="kept_mib", title="留存", unit="MiB"),
    ),
    conclude=conclude,
    scenarios=(
        Scenario(
            id="container",
            title="多进程与容器",
            candidates=(BASELINE, "share", "share_pattern_off", "no_spin"),
            groups=(0, 1),
            minimise="ratio",
            limits=(
                Limit(
                    metric="peak_mib",
                    than=BASELINE,
                    factor=1.05,
                    text="每组的峰值都不比默认高（容许 5%）",
                ),
            ),
            use="容器只分到部分核（cpuset、taskset、配额），或同一台机器上跑几个进程：线程数写成每个进程分到的核数。",
            avoid="一个进程独占整台机器：少开线程会变慢，看“延迟优先”。",
        ),
    ),
)
