"""Each optimisation of the graph switched off by itself: which helps, which hurts."""

from __future__ import annotations

from bench.experiments._common import BERT_32, BERT_128, DET_320, DET_480, REC_ONE, REC_SHORT, ZEROED, default
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Machine, Proof

DISABLED = "optimization.disable_specified_optimizers"
OFF = {
    "skip_layer_norm": "SkipLayerNormFusion",
    "layer_norm": "LayerNormFusionL1;LayerNormFusionL2",
    "bias_gelu": "BiasGeluFusion",
    "matmul_add": "MatMulAddFusion",
    "nchwc": "NchwcTransformer",
}
"""Case -> names of optimisers, as the library knows them; some come twice, once for each level."""
OTHER_GRAPH = (Proof(fact="operators", relation="!=", expected=1, than=BASELINE, keys=(DISABLED,)),)


def cases(machine: Machine) -> tuple[Case, ...]:
    """The default has all of them."""
    without = (
        Case(
            id=f"no_{name}",
            title=f"不做 {names.replace(';', '、')}",
            settings={DISABLED: names},
            proofs=OTHER_GRAPH,
        )
        for name, names in OFF.items()
    )
    return (*default("默认（都做）"), *without)


COMMON = (BASELINE, CONTROL)

EXPERIMENT = Experiment(
    id="fusions",
    title="图优化一项一项地关",
    question="图优化里哪一项帮忙、哪一项帮倒忙，怎么查自己的模型？",
    cases=cases,
    groups=(
        Group(
            model="bert_mini",
            input=BERT_128,
            small=BERT_32,
            seconds=0.4,
            cases=(*COMMON, "no_skip_layer_norm", "no_layer_norm", "no_bias_gelu", "no_matmul_add"),
        ),
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            settings=ZEROED,
            seconds=0.65,
            slower={"no_nchwc": 1.5},
            cases=(*COMMON, "no_nchwc"),
        ),
        Group(
            model="ocr_rec",
            input=REC_ONE,
            small=REC_SHORT,
            seconds=0.45,
            cases=(*COMMON, "no_nchwc", "no_skip_layer_norm"),
        ),
    ),
    columns=("latency_ms", "ratio", "nodes", "session_ms", "peak_mib", "kept_mib"),
    observe_each_group=True,
)
