"""A hundred regression trees of depth six, as scikit-learn and LightGBM models are exported.

Input `x` is (N, 32), the output (N, 1). Features, thresholds and leaves are random and seeded.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.models._common import Graph, floats, standard_normal
from bench.spec import Model

FEATURES, TREES, DEPTH, SEED = 32, 100, 6, 1999
ML = "ai.onnx.ml"


def build() -> bytes:
    """The ensemble as ONNX bytes of opset 15 and version 1 of ai.onnx.ml."""
    import numpy as np

    graph = Graph(np.random.default_rng(SEED))
    graph.node("TreeEnsembleRegressor", "x", output="y", domain=ML, n_targets=1, **_nodes(graph.rng))
    return graph.saved("trees", floats("x", ["N", FEATURES]), floats("y", ["N", 1]), 15)


def _nodes(rng: Any) -> dict[str, list[Any]]:
    """Complete binary trees: node n has the children 2n + 1 and 2n + 2, the last level are leaves."""
    inner, all_ = 2**DEPTH - 1, 2 ** (DEPTH + 1) - 1
    count = TREES * all_
    ids = [*range(all_)] * TREES
    is_leaf = [number >= inner for number in ids]
    leaves = [place for place, leaf in enumerate(is_leaf) if leaf]
    return {
        "nodes_treeids": [place // all_ for place in range(count)],
        "nodes_nodeids": ids,
        "nodes_featureids": [0 if leaf else int(rng.integers(FEATURES)) for leaf in is_leaf],
        "nodes_values": [0.0 if leaf else float(rng.standard_normal()) for leaf in is_leaf],
        "nodes_modes": ["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf],
        "nodes_truenodeids": [
            0 if leaf else 2 * number + 1 for number, leaf in zip(ids, is_leaf, strict=True)
        ],
        "nodes_falsenodeids": [
            0 if leaf else 2 * number + 2 for number, leaf in zip(ids, is_leaf, strict=True)
        ],
        "nodes_missing_value_tracks_true": [0] * count,
        "target_treeids": [place // all_ for place in leaves],
        "target_nodeids": [ids[place] for place in leaves],
        "target_ids": [0] * len(leaves),
        "target_weights": [float(rng.standard_normal()) / TREES for _ in leaves],
    }


MODEL = Model(
    id="trees",
    title="一百棵回归树",
    about="一百棵深六层的回归树，阈值随机，和 scikit-learn、LightGBM 导出的一样。",
    build=build,
    inputs={"x": partial(standard_normal, SEED)},
    packages=(),
    warm_up=3,
)
