"""`bench.models`: what is found, and what holds for every model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from bench.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.spec import Shape

SHAPES = {
    "aspp": (2, 200, 200, 1),
    "bert_mini": (2, 48),
    "ocr_det": (1, 3, 320, 352),
    "ocr_rec": (2, 3, 48, 320),
    "tiny": (16, 256),
}
MEDIAN_MS = """
import statistics, sys, time, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
feed, times = {"x": numpy.load(sys.argv[2])}, []
for _ in range(300):
    start = time.perf_counter()
    session.run(None, feed)
    times.append(time.perf_counter() - start)
print(1000 * statistics.median(times))
"""
SMALLEST_NORMAL = np.finfo(np.float32).tiny


def _array(name: str, shapes: tuple[Shape, ...]) -> NDArray[np.generic]:
    (make,) = MODELS[name].inputs.values()
    return np.asarray(make(shapes))


def test_models_are_found_by_convention() -> None:
    assert list(MODELS) == ["aspp", "bert_mini", "ocr_det", "ocr_rec", "tiny"]
    for name, model in MODELS.items():
        assert model.id == name == model.build.__module__.rpartition(".")[2]


def test_importing_the_package_loads_nothing_heavy(in_child: Callable[..., str]) -> None:
    code = "import sys, bench.models.prepared; print(*sys.modules)"
    assert not {"onnx", "onnxruntime", "numpy", "PIL", "rapidocr", "filelock"} & set(in_child(code).split())


@pytest.mark.parametrize("name", MODELS)
def test_input_is_realistic(name: str) -> None:
    shape = SHAPES[name]
    values = _array(name, (shape,))
    assert values.shape == shape
    assert values.dtype == (np.int64 if name == "bert_mini" else np.float32)
    assert np.isfinite(values).all()
    assert (np.abs(values) >= SMALLEST_NORMAL).all(), "zeros or denormals"
    assert values.std() > 0.1


@pytest.mark.parametrize("name", MODELS)
def test_input_is_seeded_and_covers_every_shape(name: str) -> None:
    shape = SHAPES[name]
    # Nothing but these sizes is free in every model: the batch, and for OCR the width.
    wider = (shape[0] + 1, *shape[1:-1], shape[-1] + 32 * name.startswith("ocr"))
    first, second = (_array(name, (shape, wider)) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == wider


@pytest.mark.parametrize("name", MODELS)
def test_two_builds_give_the_same_bytes(name: str, built: Callable[[str], bytes]) -> None:
    assert MODELS[name].build() == built(name)


@pytest.mark.parametrize("name", MODELS)
def test_inputs_are_named_as_those_of_the_graph(name: str, built: Callable[[str], bytes]) -> None:
    graph = onnx.load_from_string(built(name)).graph
    assert [entry.name for entry in graph.input] == list(MODELS[name].inputs)


@pytest.mark.parametrize(("name", "opset"), [("aspp", 15), ("bert_mini", 12), ("tiny", 15)])
def test_built_models_are_for_old_runtimes_too(name: str, opset: int, built: Callable[[str], bytes]) -> None:
    model = onnx.load_from_string(built(name))
    assert model.ir_version == 8
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        assert values.dtype == np.float32
        assert (np.abs(values) >= SMALLEST_NORMAL).all(), weight.name


def test_a_run_of_tiny_takes_less_than_a_millisecond(
    tmp_path: Path, built: Callable[[str], bytes], in_child: Callable[..., str]
) -> None:
    (tmp_path / "model.onnx").write_bytes(built("tiny"))
    np.save(tmp_path / "input.npy", _array("tiny", ((16, 256),)))
    assert float(in_child(MEDIAN_MS, str(tmp_path / "model.onnx"), str(tmp_path / "input.npy"))) < 1
