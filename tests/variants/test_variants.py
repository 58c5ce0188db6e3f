"""Other files of a model, made for real and loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from real_children import LARGE, TIMEOUT_S, figures_of, job_of, tiny

from bench import variants
from bench.measure import trace
from bench.measure.child import run_script

pytestmark = pytest.mark.slow
FUSED, PLAIN = {"FusedGemm": 2, "Gemm": 1}, {"Add": 3, "MatMul": 3, "Relu": 2}


SOWN = {"denormal_1": 0.01, "denormal_10": 0.1, "denormal_100": 1.0}


@pytest.mark.parametrize("variant", SOWN)
def test_so_many_weights_are_denormal(tmp_path: Path, variant: str) -> None:
    job = {"variant": variant, "source": str(tiny().model_path), "folder": str(tmp_path)}
    assert run_script(variants.script(), job, {}, TIMEOUT_S) == (0, b"{}\n", "")
    made = onnx.load(tmp_path / variants.file_name(variant)).graph.initializer
    values = np.concatenate([np.abs(onnx.numpy_helper.to_array(one)).ravel() for one in made])
    assert ((values > 0) & (values < np.finfo(np.float32).tiny)).mean() == pytest.approx(
        SOWN[variant], rel=0.05
    )


@pytest.mark.parametrize(
    "variant", [name for name in variants.VARIANTS if name not in (variants.AS_BUILT, *SOWN, *variants.LOSSY)]
)
def test_variant_gives_the_same_outputs_or_its_maker_says_why_not(tmp_path: Path, variant: str) -> None:
    """Optimised beforehand, it runs the nodes of the optimised graph though optimisation is off."""
    assert variants.VARIANTS[variant] not in ("", variant)
    reference, path, broken = (tmp_path / name for name in ("reference.npz", "trace", "broken.onnx"))
    job = {"variant": variant, "source": str(tiny().model_path), "folder": str(tmp_path)}
    assert run_script(variants.script(), job, {}, TIMEOUT_S) == (0, b"{}\n", "")
    figures_of(job_of(write_reference=str(reference)))
    model, disabled = tmp_path / variants.file_name(variant), {"graph_optimization_level": "ORT_DISABLE_ALL"}
    watched = {"observe": True, "trace_prefix": str(path), "reference": str(reference)}
    outputs = figures_of(job_of(model=str(model), settings=disabled, **watched)).outputs
    assert (outputs.compared, outputs.difference < 1e-5) == (1, True)
    external = variant in ("external_data", "prepacked")
    as_it_was = variant in ("external_data", "normal_weights")
    assert trace.operators(trace.read_runs(path)) == (PLAIN if as_it_was else FUSED)
    beside, weights = Path(f"{model}.data"), 4 * tiny().parameters
    assert (model.stat().st_size < weights / 10, beside.exists()) == (external, external)
    assert variant != "external_data" or weights * 0.9 < beside.stat().st_size < weights * 1.1
    broken.write_bytes(b"no model")
    status, output, log = run_script(variants.script(), {**job, "source": str(broken)}, {}, TIMEOUT_S)
    assert (status, output) == (1, b"")
    assert any(word in log.splitlines()[-1] for word in ("Error", "INVALID", "Fail"))


QUANTISED = {
    "int8_dynamic": "MatMulIntegerToFloat|DynamicQuantizeMatMul",
    "uint8_dynamic": "MatMulIntegerToFloat|DynamicQuantizeMatMul",
    "int8_matmul": "MatMulIntegerToFloat|DynamicQuantizeMatMul",
    "int8_static": "QGemm|QLinearMatMul",
    "u8s8_static": "QGemm|QLinearMatMul",
    "u8s8_per_channel": "QGemm|QLinearMatMul",
    "fp16": "Cast",
}
"""Variant -> operators of which one must be there: what is quantised, and in one with what is around it."""


@pytest.mark.parametrize("variant", QUANTISED)
def test_lower_precision_is_smaller_and_nearly_the_same(tmp_path: Path, variant: str) -> None:
    """Its ranges come from rows that are not measured; the code is the readers'."""
    assert QUANTISED.keys() == variants.LOSSY
    reference, path = tmp_path / "reference.npz", tmp_path / "trace"
    (files,) = tiny().input_paths[LARGE.label]
    job = {
        "variant": variant, "source": str(tiny().model_path), "folder": str(tmp_path),
        "calibration": {name: str(file) for name, file in files.items()},
    }  # fmt: skip
    status, output, _ = run_script(variants.script(), job, {}, TIMEOUT_S)
    assert (status, output) == (0, b"{}\n")
    figures_of(job_of(LARGE, write_reference=str(reference)))
    model = tmp_path / variants.file_name(variant)
    assert model.stat().st_size < (0.55 if variant == "fp16" else 0.35) * tiny().model_path.stat().st_size
    assert [*tmp_path.glob("*.onnx")] == [model]
    watched = {"observe": True, "trace_prefix": str(path), "reference": str(reference)}
    outputs = figures_of(job_of(LARGE, model=str(model), **watched)).outputs
    assert 0.98 < (outputs.cosine or 0) <= 1
    assert {*trace.operators(trace.read_runs(path))} & {*QUANTISED[variant].split("|")}


def test_ranges_need_an_input_to_come_from(tmp_path: Path) -> None:
    job = {"variant": "u8s8_static", "source": "", "folder": str(tmp_path), "calibration": {}}
    status, _, log = run_script(variants.script(), job, {}, TIMEOUT_S)
    assert (status, "没有给量化取范围的输入" in log) == (1, True)
