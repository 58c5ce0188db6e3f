"""`bert_mini`: the size of the published network, and everything that ONNX Runtime should fuse in it."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from bench.models.bert_mini import MODEL, PAD, VOCABULARY
from bench.models.flops import count_flops

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Run = Callable[..., tuple[Counter[str], NDArray[np.float32]]]

DEFAULT = "ORT_ENABLE_ALL"
DISABLED = "ORT_DISABLE_ALL"
FUSED = {"Attention": 4, "BiasGelu": 4, "EmbedLayerNormalization": 1, "SkipLayerNormalization": 8}
RUN = """
import sys, numpy, onnxruntime
level, folder = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
options.optimized_model_filepath = f"{folder}/optimized.onnx"
options.log_severity_level = 3
session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"])
numpy.save(f"{folder}/output.npy", session.run(None, {"input_ids": numpy.load(f"{folder}/input.npy")})[0])
"""


@pytest.fixture
def run(tmp_path: Path, built: Callable[[str], bytes], in_child: Callable[..., str]) -> Run:
    """Operators of the graph that runs at that level, and the output for these ids."""

    def once(level: str, ids: object) -> tuple[Counter[str], NDArray[np.float32]]:
        (tmp_path / "model.onnx").write_bytes(built("bert_mini"))
        np.save(tmp_path / "input.npy", np.asarray(ids))
        in_child(RUN, level, str(tmp_path))
        nodes = onnx.load(tmp_path / "optimized.onnx").graph.node
        return Counter(node.op_type for node in nodes), np.load(tmp_path / "output.npy")

    return once


def test_size_is_that_of_the_published_network(built: Callable[[str], bytes]) -> None:
    weights = onnx.load_from_string(built("bert_mini")).graph.initializer
    layer = 4 * (256 * 256 + 256) + 2 * 256 * 1024 + 1024 + 256 + 4 * 256
    embeddings = (VOCABULARY + 512 + 2) * 256 + 2 * 256
    assert sum(math.prod(tensor.dims) for tensor in weights) == 4 * layer + embeddings
    assert len(built("bert_mini")) < 15e6


def test_batch_and_length_are_free(built: Callable[[str], bytes]) -> None:
    graph = onnx.load_from_string(built("bert_mini")).graph
    for entry, name, rest in (
        (graph.input[0], "input_ids", []),
        (graph.output[0], "last_hidden_state", [256]),
    ):
        sizes = entry.type.tensor_type.shape.dim
        assert entry.name == name
        assert all(size.dim_param for size in sizes[:2])
        assert [size.dim_value for size in sizes[2:]] == rest


@pytest.mark.parametrize(("batch", "length"), [(1, 32), (1, 128), (3, 512)])
def test_work_is_that_of_the_products(batch: int, length: int, built: Callable[[str], bytes]) -> None:
    model = onnx.load_from_string(built("bert_mini"))
    per_token = 4 * 256 * 256 + 2 * 256 * 1024 + 2 * length * 256
    assert count_flops(model, {"input_ids": (batch, length)}) == 2 * 4 * batch * length * per_token


def test_ids_are_tokens_and_no_padding() -> None:
    ids = np.asarray(MODEL.inputs["input_ids"](((4, 128), (1, 512))))
    assert ids.min() > PAD
    assert ids.max() < VOCABULARY
    assert len(np.unique(ids)) > VOCABULARY / 2


def test_the_default_level_fuses_everything_and_both_agree_on_lively_outputs(run: Run) -> None:
    ids = MODEL.inputs["input_ids"](((2, 128),))
    (operators, fused), (unfused, plain) = (run(level, ids) for level in (DEFAULT, DISABLED))
    assert {name: operators[name] for name in FUSED} == FUSED
    assert not {"Erf", "ReduceMean", "Softmax"} & set(operators)
    assert not {*FUSED, "FastGelu", "Gelu", "LayerNormalization"} & set(unfused)
    assert unfused["Softmax"] == unfused["Erf"] == 4
    assert unfused["ReduceMean"] == 2 * 9
    assert fused.shape == plain.shape == (2, 128, 256)
    assert np.isfinite(plain).all()
    assert np.abs(fused - plain).max() < MODEL.tolerance * np.abs(plain).max()
    assert 0.8 < plain.std() < 1.25
    assert plain.std(axis=(0, 1)).min() > 0.5, "every feature differs from token to token"


@pytest.mark.parametrize("level", [DEFAULT, DISABLED])
def test_padding_changes_nothing(level: str, run: Run) -> None:
    ids = np.asarray(MODEL.inputs["input_ids"](((1, 20),)))
    _, short = run(level, ids)
    _, padded = run(level, np.pad(ids, ((0, 0), (0, 12)), constant_values=PAD))
    _, other = run(level, np.pad(ids, ((0, 0), (0, 12)), constant_values=VOCABULARY - 1))
    assert np.allclose(padded[:, :20], short, atol=1e-5)
    assert not np.allclose(other[:, :20], short, atol=1e-3)
