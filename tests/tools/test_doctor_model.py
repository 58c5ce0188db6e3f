"""What a model's file says, read from the wire: every planted fault is found, and nothing in a healthy one."""

from __future__ import annotations

import builtins
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from trees import MIB, doctor, ids, notes

from bench.models import MODELS, weights
from bench.pages.doctor import FILE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TINY = np.float32(1e-40)


def ones(*shape: int) -> NDArray[np.float32]:
    return np.ones(shape, np.float32)


def saved(path: Path, nodes: list[Any], values: dict[str, NDArray[Any]], **more: Any) -> Path:
    """A model from `x` (1x1x8x8) to `y`; `more`: opset, ir, inputs beside `x`."""
    held = [numpy_helper.from_array(value, name) for name, value in values.items()]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, more.get("shape", [1, 1, 8, 8]))]
    inputs += [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in more.get("inputs", ())
    ]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "made_up", inputs, [output], held)
    opsets = [helper.make_opsetid("ai.made.up", 9), helper.make_opsetid("", more.get("opset", 17))]
    model = helper.make_model(
        graph, opset_imports=opsets, ir_version=more.get("ir", 8), producer_name="made up"
    )
    onnx.save(model, path)
    return path


def look(
    path: Path, version: tuple[int, ...] = (1, 32, 0), flags: str = "avx512_vnni", arch: str = "x86_64"
) -> Any:
    machine = doctor.Machine(system="Linux", arch=arch, flags=set(flags.split()))
    quiet = {"ORT_DISABLE_TELEMETRY": "1"}
    return doctor.Look(machine, model=doctor.read_model(path), version=version, environ=quiet)


def constant(**values: Any) -> Any:
    """As PyTorch exports a scale, a zero point, what is padded with; the tensor within is called otherwise."""
    ((name, value),) = values.items()
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(value), "value"))


def add(**values: Any) -> list[Any]:
    return [helper.make_node("Add", ["x", name], ["y"]) for name in values]


def test_a_healthy_model_has_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", add(w=0), {"w": ones(8)})
    seen = look(path)
    assert (ids(seen), notes(seen)) == ([], [])
    model = seen.model
    assert (model.ir, model.opset, model.producer, model.floats) == (8, 17, "made up", 8)
    assert model.inputs == {"x": ["1", "1", "8", "8"]}


def planted() -> NDArray[np.float32]:
    found = ones(1000)
    found[::100] = TINY
    found[1], found[2], found[3] = -TINY, 0, np.float32(1.2e-38)  # the last one is normal, though barely
    return found


def test_denormals_wherever_weights_may_stand(tmp_path: Path) -> None:
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(planted(), "c"))
    listed = helper.make_tensor("l", TensorProto.FLOAT, [1000], planted().tolist())
    branch = helper.make_graph([constant], "branch", [], [helper.make_tensor_value_info("c", 1, None)])
    test = helper.make_node("If", ["b"], ["y"], then_branch=branch, else_branch=branch)
    path = saved(tmp_path / "m.onnx", [test], {"w": planted(), "b": np.array(True)})
    model = onnx.load(path)
    model.graph.initializer.append(listed)
    onnx.save(model, path)
    seen = look(path)
    assert (seen.model.denormals, seen.model.floats) == (4 * 11, 4000)
    assert ids(seen) == ["denormals"]


def test_a_few_denormals_are_no_finding(tmp_path: Path) -> None:
    values = ones(100_000)
    values[7] = TINY
    seen = look(saved(tmp_path / "m.onnx", add(w=0), {"w": values}))
    assert (ids(seen), notes(seen)) == ([], ["few_denormals"])


@pytest.fixture
def without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def none(name: str, *rest: Any) -> Any:
        if name == "numpy":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", none)


def test_without_numpy_the_same_is_found_or_a_part_looked_at(
    tmp_path: Path, without_numpy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "m.onnx", add(w=0), {"w": np.tile(planted(), 1000)})
    assert look(path).model.denormals == 11_000
    monkeypatch.setattr(doctor, "WITHOUT_NUMPY", MIB)
    seen = look(path)
    assert 0.2 < seen.model.share < 0.4
    assert seen.model.denormals == pytest.approx(11_000 * seen.model.share, rel=0.01)
    assert "抽查了" in str(doctor.facts(seen, 0)["denormals"])
    assert dict(doctor.judged(seen))["denormals"]["share"] == pytest.approx(0.011, rel=0.01)


@pytest.mark.parametrize("name", ["ocr_det", "ocr_rec", "ocr_cls", "bert_mini"])
def test_models_of_the_site_are_read_as_the_onnx_package_does(tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(MODELS[name].build())
    mine, theirs = doctor.read_model(path), onnx.load(path)
    tensors = weights.tensors(theirs)
    assert mine.denormals == weights.denormals(tensors, tmp_path)
    assert (mine.ir, mine.opset) == (theirs.ir_version, theirs.opset_import[0].version)
    assert mine.inputs.keys() == {one.name for one in theirs.graph.input}
    nodes = [node.op_type for graph in weights.graphs(theirs.graph) for node in graph.node]
    assert sum(mine.nodes.values()) == len(nodes)
    assert mine.nodes.keys() == set(nodes)


def test_weights_that_are_inputs_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", add(w=0), {"w": ones(8)}, ir=3, inputs=["w"])
    seen = look(path)
    assert ids(seen) == ["weights_as_inputs"]
    assert seen.model.inputs.keys() == {"x"}


def test_weights_in_a_file_of_their_own(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", add(w=0), {"w": planted()})
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="w.data", size_threshold=0)
    seen = look(path)
    assert (ids(seen), notes(seen), seen.model.denormals) == (["denormals"], ["external"], 11)
    os.truncate(tmp_path / "w.data", 100)
    assert ids(look(path)) == ["external_missing"]
    (tmp_path / "w.data").unlink()
    assert ids(look(path)) == ["external_missing"]


def pooled(before: str, **pad: Any) -> list[Any]:
    nodes = [
        helper.make_node("Pad", ["a", "pads"], ["p"], **pad),
        helper.make_node("MaxPool", ["p"], ["y"], kernel_shape=[2, 2]),
    ]
    return [helper.make_node(before, ["x"], ["a"]), *nodes]


def test_pads_that_old_versions_fuse_wrongly(tmp_path: Path) -> None:
    pads = {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}
    path = saved(tmp_path / "m.onnx", pooled("Neg"), pads)
    assert ids(look(path, (1, 31, 1))) == ["fault_pad"]
    assert ids(look(path, (1, 32, 0))) == []
    harmless = saved(tmp_path / "h.onnx", pooled("Relu"), pads)
    assert ids(look(harmless, (1, 31, 1))) == []
    mirrored = saved(tmp_path / "r.onnx", pooled("Neg", mode="reflect"), pads)
    assert ids(look(mirrored, (1, 31, 1))) == []
    for lowest, found in ((0, ["fault_pad"]), (-np.inf, [])):
        padded = pooled("Neg")
        padded[1].input.append("lowest")
        given = saved(tmp_path / "c.onnx", [constant(lowest=np.float32(lowest)), *padded], pads)
        assert ids(look(given, (1, 31, 1))) == found


def test_layer_norms_from_the_version_on_that_is_slow_with_them(tmp_path: Path) -> None:
    node = helper.make_node("LayerNormalization", ["x", "w"], ["y"])
    path = saved(tmp_path / "m.onnx", [node], {"w": ones(8)})
    assert [ids(look(path, one)) for one in ((1, 29, 0), (1, 30, 0))] == [[], ["fault_skip_layer_norm"]]


def test_int8_where_no_instruction_is_for_it(tmp_path: Path) -> None:
    scale = {"s": np.float32(0.1), "z": np.uint8(0)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    path = saved(tmp_path / "m.onnx", nodes, {name: np.array(value) for name, value in scale.items()})
    assert [ids(look(path, flags=one)) for one in ("avx2", "avx512_vnni", "")] == [["int8_no_vnni"], [], []]


class Once(CalibrationDataReader):  # type: ignore[misc] # has no types
    def __init__(self) -> None:
        self.left = [{"x": np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8)}]

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return self.left.pop() if self.left else None


def test_int8_as_the_quantiser_makes_it_and_what_of_it_is_slow_on_x86(tmp_path: Path) -> None:
    """By its defaults, which are signed, and unsigned; Arm has other kernels."""
    convolution = helper.make_node("Conv", ["x", "w"], ["y"])
    path = saved(tmp_path / "m.onnx", [convolution], {"w": ones(1, 1, 3, 3)})
    made = {name: tmp_path / f"{name}.onnx" for name in ("dynamic", "unsigned", "static", "u8s8")}
    quantize_dynamic(path, made["dynamic"])
    quantize_dynamic(path, made["unsigned"], weight_type=QuantType.QUInt8)
    quantize_static(path, made["static"], Once())
    quantize_static(path, made["u8s8"], Once(), activation_type=QuantType.QUInt8)
    found = {name: [one for one, _ in doctor.judged(look(file))] for name, file in made.items()}
    assert found == {
        "dynamic": ["int8_convolutions"],
        "unsigned": ["int8_unsigned_convolutions"],
        "static": ["int8_signed"],
        "u8s8": [],
    }
    assert dict(doctor.judged(look(made["static"]))) == {"int8_signed": {"count": 2}}
    assert [ids(look(file, arch="aarch64")) for file in made.values()] == [[]] * 4
    bare = saved(tmp_path / "bare.onnx", [helper.make_node(name, ["x"], ["y"]) for name in ("ConvInteger", "QuantizeLinear")], {})  # fmt: skip
    assert notes(look(bare)) == ["int8_unsigned_convolutions"]  # no model, but no reason to break off


def test_zero_points_and_weights_may_come_from_constants(tmp_path: Path) -> None:
    scale, weight = constant(s=np.float32(0.1)), constant(w=ones(8))
    quantised = [helper.make_node("QuantizeLinear", [what, "s", "z"], [f"q{what}"]) for what in ("w", "x")]
    sum_ = helper.make_node("Add", ["qx", "qw"], ["y"])
    counts = []
    for kind in (np.int8, np.uint8):
        nodes = [scale, constant(z=kind(0)), weight, *quantised, sum_]
        counts.append(look(saved(tmp_path / "m.onnx", nodes, {})).model.signed_activations)
    assert counts == [1, 0]


def test_files_that_are_too_new_or_too_old_for_what_is_installed(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", add(w=0), {"w": ones(8)}, ir=11, opset=5)
    assert ids(look(path, (1, 20, 1))) == ["too_new", "opset_old"]
    new = saved(tmp_path / "n.onnx", add(w=0), {"w": ones(8)}, ir=10, opset=23)
    assert [ids(look(new, one)) for one in ((1, 20, 1), (1, 32, 0), (9, 0, 0))] == [["too_new"], [], []]


def test_dimensions_that_vary_are_named(tmp_path: Path) -> None:
    seen = look(saved(tmp_path / "m.onnx", add(w=0), {"w": ones(8)}, shape=["N", None, 8, 8]))
    assert seen.model.inputs == {"x": ["N", "?", "8", "8"]}
    assert dict(doctor.judged(seen)) == {"dynamic": {"names": ["x[0]", "x[1]"]}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not_onnx"),
        (b"PK\x03\x04 not a model at all", "not_onnx"),
        (b"\x08\x00\x00\x00ORTM....", "ort_format"),
        (None, "no_such_file"),
    ],
    ids=["empty", "other", "ort", "none"],
)
def test_what_is_no_model(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(doctor.CannotLook) as refused:
        doctor.read_model(path)
    assert refused.value.word == said


def test_a_model_that_was_cut_off(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", add(w=0), {"w": planted()})
    for size in range(0, path.stat().st_size - 1, 97):
        (tmp_path / "cut.onnx").write_bytes(path.read_bytes()[:size])
        with pytest.raises(doctor.CannotLook):
            doctor.read_model(tmp_path / "cut.onnx")


@pytest.mark.alone
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_two_gigabytes_take_five_seconds_and_two_hundred_megabytes(tmp_path: Path) -> None:
    """A sparse file: a graph with one weight, of which only the ends are on the disk."""
    size = 2_000_000_000
    path = saved(tmp_path / "m.onnx", add(w=0), {"w": ones(8)})
    model = onnx.load(path)
    (weight,) = model.graph.initializer
    weight.dims[0], weight.raw_data = size // 4, b""
    model.graph.initializer.pop()

    def field(number: int, content: bytes, length: int = 0) -> bytes:
        return bytes([number << 3 | 2]) + varint(length or len(content)) + content

    tensor = weight.SerializeToString() + bytes([9 << 3 | 2]) + varint(size)
    graph = model.graph.SerializeToString() + field(5, tensor, len(tensor) + size)
    model.ClearField("graph")
    head = model.SerializeToString() + field(7, graph, len(graph) + size)
    path.write_bytes(head)
    os.truncate(path, len(head) + size)
    script = (
        "import json, runpy, sys, time; sys.argv = sys.argv[1:]; began = time.monotonic()\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end: code = end.code\n"
        "told = open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]\n"
        "print(json.dumps([code, time.monotonic() - began, int(told)]))"
    )  # the kernel's own mark: ru_maxrss would begin with what the parent held
    done = subprocess.run(
        [sys.executable, "-c", script, str(FILE), "--model", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"float32 权重：{size // 4}" in done.stdout
    code, seconds, peak_kib = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert seconds < 5
    assert peak_kib < 200 * 1024


def varint(number: int) -> bytes:
    found = []
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
