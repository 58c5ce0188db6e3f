"""What holds for every model, and that the rebuilt networks are the published ones."""

from __future__ import annotations

import math
import platform
import sys
from typing import Any

import numpy as np
import onnx
import pytest

from bench.models import MODELS
from bench.models.bert_mini import PAD, VOCABULARY

SHAPES = {
    "aspp": (2, 200, 200, 1), "bert_mini": (2, 48), "ocr_det": (1, 3, 320, 352), "ocr_rec": (2, 3, 48, 320),
    "ocr_cls": (2, 3, 48, 192), "one_conv": (1, 64, 56, 56), "one_matmul": (16, 1024), "tiny": (16, 256),
    "wide": (16, 2048), "gru": (12, 1, 64), "trees": (20, 32),
}  # fmt: skip
SMALLEST_NORMAL = np.finfo(np.float32).tiny
LAYER = 4 * (256 * 256 + 256) + 2 * 256 * 1024 + 1024 + 256 + 4 * 256
EMBEDDINGS = (1024 + 512 + 2) * 256 + 2 * 256
PUBLISHED = {
    "aspp": (15, 478_017, ("input_1", ["N", 200, 200, 1]), ("predictions", ["N", 200, 200, 1])),
    "bert_mini": (12, 4 * LAYER + EMBEDDINGS, ("input_ids", ["N", "S"]), ("last_hidden_state", ["N", "S", 256])),
    "tiny": (15, 256 * 512 + 512 * 512 + 512 * 64 + 512 + 512 + 64, ("x", ["N", 256]), ("y", ["N", 64])),
}  # fmt: skip
"""Opset, parameters, input, output."""
LEVELS = ("ORT_ENABLE_ALL", "ORT_DISABLE_ALL")
FUSED = {"Attention": 4, "BiasGelu": 4, "EmbedLayerNormalization": 1, "SkipLayerNormalization": 8}


@pytest.mark.parametrize("name", [name for name in MODELS if name != "rapidocr_page"])
def test_bytes_and_inputs_are_seeded_and_inputs_realistic(name: str, built: Any) -> None:
    assert MODELS[name].build() == built(name)
    graph = onnx.load_from_string(built(name)).graph
    assert [entry.name for entry in graph.input] == list(MODELS[name].inputs)
    (make,) = MODELS[name].inputs.values()
    shape = SHAPES[name]
    values = np.asarray(make((shape,)))
    assert (values.shape, values.dtype) == (shape, np.int64 if name == "bert_mini" else np.float32)
    assert np.isfinite(values).all()
    assert (np.abs(values) >= SMALLEST_NORMAL).all(), "zeros or denormals"
    assert values.std() > 0.1
    # Nothing but these sizes is free in every model: the batch, and for OCR the width.
    wider = (shape[0] + 1, *shape[1:-1], shape[-1] + 32 * name.startswith("ocr"))
    first, second = (np.asarray(make((shape, wider))) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == wider


@pytest.mark.parametrize("name", PUBLISHED)
def test_built_network_is_the_published_one_and_for_old_runtimes_too(name: str, built: Any) -> None:
    model = onnx.load_from_string(built(name))
    assert model.ir_version == 8
    sizes = [
        (entry.name, [size.dim_param or size.dim_value for size in entry.type.tensor_type.shape.dim])
        for entry in (*model.graph.input, *model.graph.output)
    ]
    parameters = sum(math.prod(weight.dims) for weight in model.graph.initializer)
    ((domain, opset),) = ((entry.domain, entry.version) for entry in model.opset_import)
    assert (domain, (opset, parameters, *sizes)) == ("", PUBLISHED[name])
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        assert values.dtype == np.float32
        assert (np.abs(values) >= SMALLEST_NORMAL).all(), weight.name


def test_activations_of_aspp_neither_vanish_nor_explode(built: Any, infer: Any) -> None:
    feed, names = MODELS["aspp"].inputs["input_1"](((1, 200, 200, 1),)), ("conv_", "sigmoid")
    found = infer(built("aspp"), feed, also=names).outputs
    (sigmoid,) = (values.std() for name, values in found.items() if name.startswith("sigmoid"))
    convolutions = [values.std() for name, values in found.items() if name.startswith("conv_")]
    assert len(convolutions) == 16
    assert all(0.7 < value < 2.8 for value in convolutions)
    assert 0.05 < sigmoid < 0.5


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="别的内核布置内存的方式不同"
)
def test_memory_of_aspp_after_the_first_run_is_that_of_the_issue(built: Any, infer: Any) -> None:
    ran = infer(built("aspp"), MODELS["aspp"].inputs["input_1"](((4, 200, 200, 1),)))
    assert ran.rss_mib == pytest.approx(844, rel=0.05)


def test_bert_is_fused_at_the_default_level_and_padding_changes_nothing_at_any(
    built: Any, infer: Any
) -> None:
    """Both levels agree on lively outputs."""
    ids = np.asarray(MODELS["bert_mini"].inputs["input_ids"](((4, 20), (1, 512))))
    assert (ids.min() > PAD, ids.max() < VOCABULARY, len(np.unique(ids)) > VOCABULARY / 2) == (True,) * 3
    short = ids[:2, :20]
    longer = [np.pad(short, ((0, 0), (0, 12)), constant_values=token) for token in (PAD, VOCABULARY - 1)]
    found = []
    for level in LEVELS:
        alone, both = (infer(built("bert_mini"), feed, level) for feed in (short, np.concatenate(longer)))
        outputs, twice = (one.outputs["last_hidden_state"][:, :20] for one in (alone, both))
        padded, other = np.split(twice, 2)
        assert outputs.shape == (2, 20, 256)
        assert np.allclose(padded, outputs, atol=1e-5)
        assert not np.allclose(other, outputs, atol=1e-3)
        found.append((alone.operators, outputs))
    (default, fused), (disabled, plain) = found
    assert {name: default[name] for name in FUSED} == FUSED
    assert not {"Erf", "ReduceMean", "Softmax"} & set(default)
    assert not {*FUSED, "FastGelu", "Gelu", "LayerNormalization"} & set(disabled)
    assert (disabled["Softmax"], disabled["Erf"], disabled["ReduceMean"]) == (4, 4, 2 * 9)
    assert np.isfinite(plain).all()
    assert np.abs(fused - plain).max() < MODELS["bert_mini"].tolerance * np.abs(plain).max()
    assert 0.8 < plain.std() < 1.25
    assert plain.std(axis=(0, 1)).min() > 0.5, "every feature differs from token to token"
