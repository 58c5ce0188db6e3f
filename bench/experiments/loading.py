"""A large model opened in several ways: how long that takes, what it needs, whether inference changes, what is shared."""

from __future__ import annotations

from bench.experiments._common import OTHER_FILE, WIDE, WIDE_ONE, default, needs_onnxruntime, needs_two_cores
from bench.experiments.formats import FORMATS
from bench.spec import BASELINE, Case, Experiment, Group, Load, Machine, Proof, Subject

FILES = {**FORMATS, "prepacked": "权重预打包在外部文件里"}
NO_PREPACKING = {"session.disable_prepacking": "1"}
MAPPED = {
    "session.use_memory_mapped_ort_model": "1",
    "session.use_ort_model_bytes_for_initializers": "1",
    **NO_PREPACKING,
}
LESS, MUCH_LESS, MORE = 0.7, 0.3, 1.2
THREE = Load(processes=3, timed=False, rounds=3)


def cases(machine: Machine) -> tuple[Case, ...]:
    """By path and as bytes; other files; weights that stay in the file, which must not be put in another order then."""
    others = (
        Case(id=name, title=FILES[name], variant=name, proofs=(OTHER_FILE,))
        for name in ("external_data", "prepacked", "ort_format")
    )
    return (
        *default("原来的 ONNX 文件"),
        Case(
            id="from_bytes",
            title="传字节",
            subject=Subject(name="given_bytes"),
            proofs=(Proof(fact="opened_mib", relation=">", expected=MORE, than=BASELINE),),
        ),
        Case(
            id="not_prepacked",
            title="原来的文件，不预打包",
            settings=NO_PREPACKING,
            proofs=(_opened_less(BASELINE, *NO_PREPACKING),),
        ),
        Case(
            id="parallel_prepacking",
            title="几个线程同时预打包",
            settings={"session.prepack.enable_parallel": "1"},
            proofs=(Proof(fact="opening_cores", relation=">", expected=MORE, than=BASELINE),),
            lacking=_parallel,
        ),
        *others,
        Case(
            id="external_mapped",
            title="外部文件，不预打包",
            variant="external_data",
            settings=NO_PREPACKING,
            proofs=(OTHER_FILE, _opened_less("external_data", *NO_PREPACKING)),
        ),
        Case(
            id="ort_mapped",
            title="ORT 格式，映射文件，不预打包",
            variant="ort_format",
            settings=MAPPED,
            proofs=(OTHER_FILE, _opened_less("ort_format", *MAPPED, share=MUCH_LESS)),
            lacking=needs_onnxruntime(1, 26),
        ),
    )


def _parallel(machine: Machine) -> str:
    return needs_two_cores(machine) or needs_onnxruntime(1, 31)(machine)


def _opened_less(than: str, *keys: str, share: float = LESS) -> Proof:
    return Proof(fact="opened_mib", relation="<", expected=share, than=than, keys=keys)


EXPERIMENT = Experiment(
    id="loading",
    title="打开一个大模型",
    question="传路径还是传字节，外部权重、预打包、映射：打开快多少，要多少内存，几个进程能不能共用？",
    cases=cases,
    groups=(
        Group(model="wide", input=WIDE, small=WIDE, seconds=0.75),
        Group(
            model="wide",
            input=WIDE_ONE,
            small=WIDE_ONE,
            load=THREE,
            seconds=2.4,
            cases=(
                BASELINE,
                "external_data",
                "external_mapped",
                "prepacked",
            ),
        ),
    ),
    columns=(
        "session_ms",
        "open_ratio",
        "open_peak_mib",
        "base_mib",
        "first_run_ms",
        "latency_ms",
        "ratio",
        "kept_mib",
        "kept_trimmed_mib",
        "share_mib",
    ),
    observe_each_group=True,
)
