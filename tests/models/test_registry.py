"""`bench.models`: what is found, and what holds for every model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from bench.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPES = {
    "aspp": (2, 200, 200, 1),
    "bert_mini": (2, 48),
    "ocr_det": (1, 3, 320, 352),
    "ocr_rec": (2, 3, 48, 320),
    "tiny": (16, 256),
}
SMALLEST_NORMAL = np.finfo(np.float32).tiny


def test_models_are_found_by_convention_without_loading_anything_heavy(in_child: Callable[..., str]) -> None:
    assert list(MODELS) == list(SHAPES)
    for name, model in MODELS.items():
        assert model.id == name == model.build.__module__.rpartition(".")[2]
    loaded = set(in_child("import sys, bench.models; print(*sys.modules)").split())
    assert not {"onnx", "onnxruntime", "numpy", "PIL", "rapidocr", "filelock"} & loaded


@pytest.mark.parametrize("name", MODELS)
def test_bytes_and_inputs_are_seeded_and_inputs_realistic(name: str, built: Callable[[str], bytes]) -> None:
    assert MODELS[name].build() == built(name)
    graph = onnx.load_from_string(built(name)).graph
    assert [entry.name for entry in graph.input] == list(MODELS[name].inputs)
    (make,) = MODELS[name].inputs.values()
    shape = SHAPES[name]
    values = np.asarray(make((shape,)))
    assert values.shape == shape
    assert values.dtype == (np.int64 if name == "bert_mini" else np.float32)
    assert np.isfinite(values).all()
    assert (np.abs(values) >= SMALLEST_NORMAL).all(), "zeros or denormals"
    assert values.std() > 0.1
    # Nothing but these sizes is free in every model: the batch, and for OCR the width.
    wider = (shape[0] + 1, *shape[1:-1], shape[-1] + 32 * name.startswith("ocr"))
    first, second = (np.asarray(make((shape, wider))) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == wider


@pytest.mark.parametrize(("name", "opset"), [("aspp", 15), ("bert_mini", 12), ("tiny", 15)])
def test_built_models_are_for_old_runtimes_too(name: str, opset: int, built: Callable[[str], bytes]) -> None:
    model = onnx.load_from_string(built(name))
    assert model.ir_version == 8
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        assert values.dtype == np.float32
        assert (np.abs(values) >= SMALLEST_NORMAL).all(), weight.name


def test_a_run_of_tiny_takes_less_than_a_millisecond(built: Callable[[str], bytes], infer: Callable) -> None:
    feed = MODELS["tiny"].inputs["x"]((SHAPES["tiny"],))
    assert infer(built("tiny"), feed, runs=300).median_ms < 1
