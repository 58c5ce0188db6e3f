"""`bert_mini`: the size of the published network, and everything that ONNX Runtime should fuse in it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from bench.models.bert_mini import MODEL, PAD, VOCABULARY
from bench.models.flops import count_flops

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT, DISABLED = "ORT_ENABLE_ALL", "ORT_DISABLE_ALL"
FUSED = {"Attention": 4, "BiasGelu": 4, "EmbedLayerNormalization": 1, "SkipLayerNormalization": 8}
HIDDEN = "last_hidden_state"


def test_network_is_the_published_one_batch_and_length_free(built: Callable[[str], bytes]) -> None:
    model = onnx.load_from_string(built("bert_mini"))
    layer = 4 * (256 * 256 + 256) + 2 * 256 * 1024 + 1024 + 256 + 4 * 256
    embeddings = (VOCABULARY + 512 + 2) * 256 + 2 * 256
    assert sum(math.prod(one.dims) for one in model.graph.initializer) == 4 * layer + embeddings
    assert len(built("bert_mini")) < 15e6
    ends = ((model.graph.input[0], "input_ids", []), (model.graph.output[0], HIDDEN, [256]))
    for entry, name, rest in ends:
        sizes = entry.type.tensor_type.shape.dim
        assert entry.name == name
        assert all(size.dim_param for size in sizes[:2])
        assert [size.dim_value for size in sizes[2:]] == rest
    for batch, length in ((1, 32), (1, 128), (3, 512)):
        per_token = 4 * 256 * 256 + 2 * 256 * 1024 + 2 * length * 256
        assert count_flops(model, {"input_ids": (batch, length)}) == 2 * 4 * batch * length * per_token


def test_ids_are_tokens_and_no_padding() -> None:
    ids = np.asarray(MODEL.inputs["input_ids"](((4, 128), (1, 512))))
    assert ids.min() > PAD
    assert ids.max() < VOCABULARY
    assert len(np.unique(ids)) > VOCABULARY / 2


def test_the_default_level_fuses_everything_and_both_agree_on_lively_outputs(
    built: Callable[[str], bytes], infer: Callable
) -> None:
    ids = MODEL.inputs["input_ids"](((2, 128),))
    default, disabled = (infer(built("bert_mini"), ids, level) for level in (DEFAULT, DISABLED))
    assert {name: default.operators[name] for name in FUSED} == FUSED
    assert not {"Erf", "ReduceMean", "Softmax"} & set(default.operators)
    assert not {*FUSED, "FastGelu", "Gelu", "LayerNormalization"} & set(disabled.operators)
    assert disabled.operators["Softmax"] == disabled.operators["Erf"] == 4
    assert disabled.operators["ReduceMean"] == 2 * 9
    fused, plain = default.outputs[HIDDEN], disabled.outputs[HIDDEN]
    assert fused.shape == plain.shape == (2, 128, 256)
    assert np.isfinite(plain).all()
    assert np.abs(fused - plain).max() < MODEL.tolerance * np.abs(plain).max()
    assert 0.8 < plain.std() < 1.25
    assert plain.std(axis=(0, 1)).min() > 0.5, "every feature differs from token to token"


@pytest.mark.parametrize("level", [DEFAULT, DISABLED])
def test_padding_changes_nothing(level: str, built: Callable[[str], bytes], infer: Callable) -> None:
    ids = np.asarray(MODEL.inputs["input_ids"](((1, 20),)))
    longer = (np.pad(ids, ((0, 0), (0, 12)), constant_values=token) for token in (PAD, VOCABULARY - 1))
    short, padded, other = (
        infer(built("bert_mini"), one, level).outputs[HIDDEN][:, :20] for one in (ids, *longer)
    )
    assert np.allclose(padded, short, atol=1e-5)
    assert not np.allclose(other, short, atol=1e-3)
