"""The same models in versions of onnxruntime of three years: which became faster, which slower, which need less memory."""

from __future__ import annotations

from dataclasses import replace

from bench.experiments._common import (
    ARENA_OFF,
    ASPP_ONE,
    ASPP_TWO,
    BERT_32,
    BERT_128,
    DET_320,
    NO_ARENA,
    NO_PATTERN,
    REC_SHORT,
    ZEROED,
    default,
)
from bench.experiments._versions import NEWEST, OLDER, OTHER_RUNTIME, case_id, place, plain
from bench.spec import (
    BASELINE,
    CONTROL,
    Case,
    Claim,
    Experiment,
    Group,
    Input,
    LargestBatch,
    Load,
    Machine,
    Place,
)

SEQUENCE = Input(label="64x1x64", shapes=((64, 1, 64),))
ROWS = Input(label="256x32", shapes=((256, 32),))
FEW_ROWS = Input(label="16x32", shapes=((16, 32),))
ARTICLE_BATCH = LargestBatch(item_shape=(200, 200, 1), limit=32, bytes_per_item=420 << 20, label="batch=32")
"""The input with which the article of 2022 measured."""
LEAN = {**NO_ARENA, **NO_PATTERN}
LEAN_SAID = "关 arena 和 enable_mem_pattern"
ARTICLE = Place(packages=("onnxruntime==1.14.1", "numpy<2"), python=">=3.8,<3.11")
"""What the article had, or the next best: ORT 1.14.1 has wheels for nothing newer than Python 3.10."""


def _lean(version: str) -> Case:
    """With the settings that this site recommends where memory is short."""
    return Case(
        id=f"{case_id(version)}_lean", title=f"{version}，{LEAN_SAID}", settings=LEAN, place=place(version),
        proofs=(ARENA_OFF, OTHER_RUNTIME),
    )  # fmt: skip


def _article() -> tuple[Case, Case]:
    plain_ = Case(id="article", title="1.14.1", place=ARTICLE, proofs=(OTHER_RUNTIME,))
    off = replace(
        plain_,
        id="article_off",
        title="1.14.1，关 arena",
        settings=NO_ARENA,
        proofs=(ARENA_OFF, OTHER_RUNTIME),
    )
    return plain_, off


def cases(machine: Machine) -> tuple[Case, ...]:
    """The newest, the older ones as they come, all with little memory, and the article's own."""
    lean = replace(_lean(NEWEST), id="lean", place=Place(), proofs=(ARENA_OFF,))
    return (*default(NEWEST), *map(plain, OLDER), *map(_lean, OLDER), lean, *_article())


PLAIN = (BASELINE, CONTROL, *map(case_id, OLDER))
BOTH = (*PLAIN, *(f"{case_id(version)}_lean" for version in OLDER), "lean")
HERE = place(NEWEST)

EXPERIMENT = Experiment(
    id="versions",
    title="各个版本并排",
    question="onnxruntime 升级之后，是快了还是慢了，内存多了还是少了？",
    cases=cases,
    groups=(
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.7, place=HERE, cases=BOTH),
        Group(
            model="ocr_det", input=DET_320, small=DET_320, settings=ZEROED, seconds=0.8, place=HERE, cases=BOTH
        ),
        Group(model="ocr_rec", input=REC_SHORT, small=REC_SHORT, seconds=0.8, place=HERE, cases=BOTH),
        Group(model="gru", input=SEQUENCE, small=SEQUENCE, seconds=0.6, place=HERE, cases=PLAIN),
        Group(model="trees", input=ROWS, small=FEW_ROWS, seconds=0.6, place=HERE, cases=PLAIN),
        Group(
            model="aspp", input=ARTICLE_BATCH, small=ASPP_TWO, load=Load(timed=False), seconds=10, place=HERE,
            cases=(BASELINE, "article", "article_off"),
        ),
        Group(
            model="aspp", input=ASPP_ONE, small=ASPP_ONE, seconds=1.2, place=HERE, cases=(*PLAIN, "lean")
        ),  # the longest of all, and the first to be left out
    ),
    columns=(
        "latency_ms", "ratio", "session_ms", "import_ms", "after_first_mib", "peak_mib", "kept_mib", "threads",
    ),
    own_budget_s=9 * 60,  # planned; on a noisy host it takes half as much again, and is to end within 12 minutes
    claims=(
        Claim(id="trees_twice", said="从 1.22 升到 1.23 以后的版本，树模型（TreeEnsembleRegressor）慢一倍。"),
        Claim(id="gru_a_fifth", said="从 1.20 升到 1.21 以后的版本，GRU 慢 21%。"),
    ),
)  # fmt: skip
