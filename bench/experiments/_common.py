"""What several experiments share: inputs, columns, and the settings that the article of 2022 recommends."""

from __future__ import annotations

from bench.spec import BASELINE, Case, Column, Input, Proof

DET_SIZES = tuple(
    (1, 3, height, width) for height in (160, 192, 256, 320, 512) for width in (192, 256, 288, 352, 448, 576)
)
"""Thirty sizes of pages, as a service meets them."""
REC_SIZES = tuple((2, 3, 48, width) for width in range(96, 96 + 30 * 16, 16))
"""Thirty widths of text lines, two lines at a time."""

ASPP_ONE = Input(label="batch=1", shapes=((1, 200, 200, 1),))
ASPP_TWO = Input(label="batch=2", shapes=((2, 200, 200, 1),))
DET_736 = Input(label="1x3x736x736", shapes=((1, 3, 736, 736),))
DET_480 = Input(label="1x3x480x480", shapes=((1, 3, 480, 480),))
DET_320 = Input(label="1x3x320x320", shapes=((1, 3, 320, 320),))
DET_MANY = Input(label="30 shapes", shapes=DET_SIZES)
DET_FEW = Input(label="6 shapes", shapes=DET_SIZES[::5])
REC_ONE = Input(label="1x3x48x320", shapes=((1, 3, 48, 320),))
REC_SHORT = Input(label="1x3x48x160", shapes=((1, 3, 48, 160),))
REC_FOUR = Input(label="4x3x48x320", shapes=((4, 3, 48, 320),))
REC_TWO = Input(label="2x3x48x320", shapes=((2, 3, 48, 320),))
REC_MANY = Input(label="30 shapes", shapes=REC_SIZES)
REC_FEW = Input(label="6 shapes", shapes=REC_SIZES[::5])
BERT_128 = Input(label="1x128", shapes=((1, 128),))
BERT_32 = Input(label="1x32", shapes=((1, 32),))
TINY = Input(label="batch=16", shapes=((16, 256),))

COLUMNS = {
    "cores_used": ("用到的核", ""),
    "latency_ms": ("稳态延迟", "ms"),
    "ratio": ("相对默认", ""),
    "peak_mib": ("峰值", "MiB"),
    "kept_mib": ("留存", "MiB"),
    "kept_trimmed_mib": ("trim 后留存", "MiB"),
    "base_mib": ("推理前", "MiB"),
    "after_first_mib": ("第 1 次后", "MiB"),
    "after_second_mib": ("第 2 次后", "MiB"),
    "first_run_ms": ("首次推理", "ms"),
    "second_run_ms": ("第二次推理", "ms"),
    "session_ms": ("建会话", "ms"),
    "minor_faults": ("缺页/次", ""),
    "cpu_s": ("CPU 秒/次", "s"),
    "ratio_original": ("相对原文设置", ""),
    "idle_cpu_s": ("推理后空转耗 CPU", "s"),
    "threads": ("实际线程数", ""),
    "overlapping_nodes": ("同时执行的节点", ""),
    "node_threads": ("执行节点的线程", ""),
    "nodes": ("节点数", ""),
    "speed_up": ("加速比", ""),
    "efficiency": ("效率", ""),
    "session_info_lines": ("INFO 及更细的行", ""),
    "grown_mib_per_1000": ("每千次推理增长", "MiB"),
    "trace_kib_per_run": ("文件每次推理", "KiB"),
}
"""Metric -> (title, unit)."""

ARENA_OFF = Proof(fact="arena_regions", relation="==", expected=0, keys=("enable_cpu_mem_arena",))
PATTERN_OFF = Proof(
    fact="second_run_regions", relation="<", expected=1, than=BASELINE, keys=("enable_mem_pattern",)
)
"""No block for the whole plan is asked for on the second run."""
SHRUNK = Proof(fact="arena_shrinks", relation=">", expected=0, keys=("memory.enable_memory_arena_shrinkage",))
NO_WARNINGS = Proof(fact="warning_lines", relation="==", expected=0, keys=("log_severity_level",))
NOT_SPINNING = Proof(fact="idle_cpu_s", relation="<", expected=0.5, than=BASELINE)


def own_threads(count: int) -> tuple[Proof, ...]:
    """That many threads, the caller among them; unlike the default's, they are bound to no core."""
    keys = ("intra_op_num_threads",)
    return (
        Proof(fact="threads_created", relation="==", expected=count - 1, keys=keys),
        Proof(fact="threads_pinned", relation="==", expected=0, keys=keys),
    )


ORIGINAL = Case(
    id="original",
    title="原文设置",
    settings={
        "graph_optimization_level": "ORT_ENABLE_ALL",
        "log_severity_level": 4,
        "enable_cpu_mem_arena": False,
    },
    proofs=(ARENA_OFF, NO_WARNINGS),
)
"""What the article of 2022 recommends, as a whole."""


def columns(*metrics: str) -> tuple[Column, ...]:
    """The columns of a table, in this order."""
    return tuple(
        Column(metric=metric, title=COLUMNS[metric][0], unit=COLUMNS[metric][1]) for metric in metrics
    )
