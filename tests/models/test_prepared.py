from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from real_children import figures_of, job_of

from bench.models import MODELS, ModelError, prepared
from bench.models.__main__ import build
from bench.models.prepared import content_key, model_folder, prepare
from bench.spec import Input
from bench.system import folders

if TYPE_CHECKING:
    from collections.abc import Callable

TINY = MODELS["tiny"]
SMALL = Input(label="batch=2", shapes=((2, 256),))
MIXED = Input(label="2 shapes", shapes=((8, 256), (3, 256)))
ONE_ROW = 2 * (256 * 512 + 512 * 512 + 512 * 64)


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and from then on starting a child fails the test."""

    def refuse(*arguments: object, **options: object) -> None:
        pytest.fail("a child was started")

    return lambda: monkeypatch.setattr(subprocess, "run", refuse)


def test_files_and_figures_are_made_once_and_another_input_joins_them(
    tmp_path: Path, no_child: Callable[[], None]
) -> None:
    """One label with other shapes is another input."""
    first = prepare(TINY, [SMALL], tmp_path)
    written = first.input_paths["batch=2"]["x"].stat().st_mtime_ns
    ready = prepare(TINY, [SMALL, MIXED], tmp_path)
    assert ready.input_paths["batch=2"]["x"].stat().st_mtime_ns == written
    assert ready.model_path.read_bytes() == TINY.build()
    assert hashlib.sha256(ready.model_path.read_bytes()).hexdigest() == ready.sha256
    assert ready.parameters == ONE_ROW // 2 + 512 + 512 + 64
    assert ready.flops == {"batch=2": 2 * ONE_ROW, "2 shapes": 11 * ONE_ROW}
    for entry in (SMALL, MIXED):
        values = np.load(ready.input_paths[entry.label]["x"])
        assert np.array_equal(values, np.asarray(TINY.inputs["x"](entry.shapes)))  # type: ignore[arg-type]
        assert (values.dtype, values.flags.c_contiguous) == (np.float32, True)
    other = prepare(TINY, [replace(SMALL, shapes=((5, 256),))], tmp_path)
    assert np.load(other.input_paths["batch=2"]["x"]).shape == (5, 256)
    no_child()
    assert prepare(TINY, [SMALL], tmp_path) == first
    assert prepare(TINY, [SMALL, MIXED], tmp_path) == ready
    named = replace(SMALL, shapes=({"x": (2, 256)},))
    assert prepare(TINY, [named], tmp_path) == first  # as a resumed build has it


def test_a_hit_imports_neither_onnx_nor_numpy(tmp_path: Path, in_child: Callable[..., str]) -> None:
    prepare(TINY, [SMALL], tmp_path)
    code = """
import sys
from pathlib import Path
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.spec import Input
prepare(MODELS["tiny"], [Input(label="batch=2", shapes=((2, 256),))], Path(sys.argv[1]))
print(*sys.modules)
"""
    assert not {"onnx", "numpy", "PIL", "filelock"} & set(in_child(code, str(tmp_path)).split())


DAMAGE = [
    *(("model.onnx", text) for text in (b"", b"not a model")),
    *(("model.json", text) for text in (b"", b"{}", b'{"sha256": 1', b"[]")),
    *(("input", text) for text in (b"\x93NUMPY", None)),
]


@pytest.mark.parametrize(("file", "damage"), DAMAGE)
def test_what_is_damaged_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, damage: bytes | None
) -> None:
    """As long as it should be, or not: what a power failure left may be zeros."""
    monkeypatch.setattr(
        prepared, "_build", lambda one, inputs, folder: build(one, inputs, model_folder(one, folder))
    )
    good = prepare(TINY, [SMALL], tmp_path)
    path = good.input_paths["batch=2"]["x"] if file == "input" else good.model_path.parent / file
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)) if damage is None else damage)
    assert prepare(TINY, [SMALL], tmp_path) == good
    assert path.read_bytes() == whole


def test_what_a_killed_build_left_is_ignored_and_removed(tmp_path: Path) -> None:
    directory = model_folder(TINY, tmp_path)
    directory.mkdir(parents=True)
    (directory / f".model.onnx.{2**31 - 1}{folders.SCRATCH}").write_bytes(b"half a mod")
    (directory / "model.onnx").write_bytes(b"whole, but nothing vouches for it yet")
    assert prepare(TINY, [SMALL], tmp_path).model_path.read_bytes() == TINY.build()
    assert not list(directory.glob(f".*{folders.SCRATCH}"))


def test_two_builds_at_once_do_no_harm(tmp_path: Path, no_child: Callable[[], None]) -> None:
    wanted = [json.dumps([[e.label, [TINY.shapes(feed) for feed in e.shapes]]]) for e in (SMALL, MIXED)]
    command = [sys.executable, "-m", "bench.models", "tiny", str(model_folder(TINY, tmp_path))]
    root = Path(prepared.__file__).parents[2]
    children = [subprocess.Popen([*command, text], cwd=root) for text in wanted]
    assert [child.wait(60) for child in children] == [0, 0]
    no_child()
    assert set(prepare(TINY, [SMALL, MIXED], tmp_path).input_paths) == {"batch=2", "2 shapes"}


def test_the_key_follows_versions_of_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_key(TINY)
    assert before == content_key(TINY)
    assert len(before) == 12
    assert content_key(replace(TINY, packages=("no-such-package",))) != before
    monkeypatch.setattr(metadata, "version", lambda _: "0")
    assert content_key(TINY) != before


def test_what_cannot_be_made_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(ModelError, match="模型 tiny 的文件写不下来：路径上有同名的文件"):
        prepare(TINY, [SMALL], blocked)
    (tmp_path / "onnx.py").write_text("raise RuntimeError('broken\\ninstallation')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelError, match=r"^模型 tiny 没有建成：installation$"):
        prepare(TINY, [SMALL], tmp_path / "models")
    assert not list((tmp_path / "models").glob("*/model.json"))


def _two_inputs() -> bytes:
    """Rows of a table by `ids`, those that `kept` says, times a matrix."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("Cast", ["kept"], ["ones"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["ones", "last"], ["mask"]),
        helper.make_node("Mul", ["rows", "mask"], ["masked"]),
        helper.make_node("MatMul", ["masked", "matrix"], ["y"]),
    ]
    kinds = {"ids": TensorProto.INT64, "kept": TensorProto.BOOL, "y": TensorProto.FLOAT}
    *inputs, output = (
        helper.make_tensor_value_info(name, kind, None if name == "y" else ["N", "L"])
        for name, kind in kinds.items()
    )
    weights = {
        "table": np.ones((9, 4), np.float32),
        "matrix": np.ones((4, 2), np.float32),
        "last": np.array([-1]),
    }
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "two", inputs, [output], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return model.SerializeToString()


def _ids(shapes: Any) -> Any:
    covering = np.max(shapes, axis=0)
    return np.arange(np.prod(covering)).reshape(covering) % 9


TWO = replace(TINY, build=_two_inputs, inputs={"ids": _ids, "kept": lambda shapes: _ids(shapes) > 3})
FEEDS = Input(label="2 shapes", shapes=({"ids": (2, 3), "kept": (2, 3)}, {"ids": (4, 5), "kept": (1, 5)}))


def test_model_with_inputs_of_several_names_and_kinds_is_made_and_run(tmp_path: Path) -> None:
    build(TWO, [FEEDS], model_folder(TWO, tmp_path))
    ready = prepare(TWO, [FEEDS], tmp_path)
    paths = ready.input_paths[FEEDS.label]
    assert {n: np.load(path).dtype.name for n, path in paths.items()} == {"ids": "int64", "kept": "bool"}
    assert ready.parameters == 9 * 4 + 4 * 2
    assert ready.flops == {FEEDS.label: 2 * (2 * 3 + 4 * 5) * 4 * 2}
    reference = tmp_path / "reference.npz"
    inputs = {name: str(path) for name, path in paths.items()}
    shapes = [TWO.shapes(feed) for feed in FEEDS.shapes]
    told = {"write_reference": str(reference), "verify": [0, 1]}
    job = job_of(model=str(ready.model_path), inputs=inputs, shapes=shapes, **told)
    assert figures_of(job).steady.calls == 4
    with np.load(reference) as outputs:
        for number, (ids, kept) in enumerate((feed["ids"], feed["kept"]) for feed in shapes):
            whole = np.load(paths["ids"])[: ids[0], : ids[1]], np.load(paths["kept"])[: kept[0], : kept[1]]
            expected = np.broadcast_to(np.where(whole[1], 4.0, 0.0), whole[0].shape)[..., None].repeat(2, -1)
            assert np.array_equal(outputs[f"{number}.0"], expected)


WRONG = {
    "too small": np.ones((2, 2)),
    "not finite": np.full((4, 5), np.nan),
    "objects": np.array([["text"] * 5] * 4, object),
    "another rank": np.ones(20),
}


@pytest.mark.parametrize("kind", WRONG)
def test_input_that_is_not_what_was_promised_is_one_sentence(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ModelError, match="输入 2 shapes / ids 不合要求"):
        build(replace(TWO, inputs={**TWO.inputs, "ids": lambda _: WRONG[kind]}), [FEEDS], tmp_path)


def test_bare_shape_names_no_input_of_several() -> None:
    with pytest.raises(ValueError, match="unpack"):
        TWO.shapes((2, 3))
