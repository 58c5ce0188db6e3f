"""Other files of a model, made for real and loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from real_children import TIMEOUT_S, figures_of, job_of, tiny

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
    "variant", [name for name in variants.VARIANTS if name not in (variants.AS_BUILT, *SOWN)]
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
