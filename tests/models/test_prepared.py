from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from bench.models import MODELS, ModelError, prepared
from bench.models.__main__ import build
from bench.models._common import covering
from bench.models.prepared import content_key, model_folder, prepare
from bench.spec import Input
from bench.system import folders

if TYPE_CHECKING:
    from pathlib import Path

TINY = MODELS["tiny"]
SMALL = Input(label="batch=2", shapes=((2, 256),))
MIXED = Input(label="2 shapes", shapes=((8, 256), (3, 256)))
ONE_ROW = 2 * (256 * 512 + 512 * 512 + 512 * 64)


def test_files_and_figures_are_made_once_and_another_input_joins_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One label with other shapes is another input."""
    first = prepare(TINY, [SMALL], tmp_path)
    written = first.input_paths["batch=2"][0]["x"].stat().st_mtime_ns
    ready = prepare(TINY, [SMALL, MIXED], tmp_path)
    assert ready.input_paths["batch=2"][0]["x"].stat().st_mtime_ns == written
    assert ready.model_path.read_bytes() == TINY.build()
    assert hashlib.sha256(ready.model_path.read_bytes()).hexdigest() == ready.sha256
    assert ready.parameters == ONE_ROW // 2 + 512 + 512 + 64
    assert ready.flops == {"batch=2": 2 * ONE_ROW, "2 shapes": 11 * ONE_ROW}
    for entry in (SMALL, MIXED):
        values = np.load(ready.input_paths[entry.label][0]["x"])
        assert np.array_equal(values, np.asarray(TINY.inputs["x"](entry.shapes)))
        assert (values.dtype, values.flags.c_contiguous) == (np.float32, True)
    other = prepare(TINY, [replace(SMALL, shapes=((5, 256),))], tmp_path)
    assert np.load(other.input_paths["batch=2"][0]["x"]).shape == (5, 256)
    monkeypatch.setattr(subprocess, "run", None)  # no child is started any more
    assert prepare(TINY, [SMALL], tmp_path) == first
    assert prepare(TINY, [SMALL, MIXED], tmp_path) == ready
    named = replace(SMALL, shapes=({"x": (2, 256)},))
    assert prepare(TINY, [named], tmp_path) == first  # as a resumed build has it


LOADED = """
import pathlib, sys
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.spec import Input
prepare(MODELS["tiny"], [Input(label="batch=2", shapes=((2, 256),))], pathlib.Path(sys.argv[1]))
print(*sys.modules)
"""


def test_models_are_found_by_convention_and_ready_ones_without_loading_anything_heavy(
    tmp_path: Path, in_child: Any
) -> None:
    assert list(MODELS) == [
        "aspp", "bert_mini", "gru", "ocr_cls", "ocr_det", "ocr_rec", "one_conv", "one_matmul", "rapidocr_page", "tiny", "trees",
        "wide",
    ]  # fmt: skip
    for name, model in MODELS.items():
        assert model.id == name
        assert model.build.__module__.rpartition(".")[2] == {"rapidocr_page": "ocr_det"}.get(name, name)
    prepare(TINY, [SMALL], tmp_path)
    heavy = {"onnx", "onnxruntime", "numpy", "PIL", "rapidocr", "filelock"}
    assert not heavy & set(in_child(LOADED, str(tmp_path)).split())


def test_what_is_damaged_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it should be, or not: what a power failure left may be zeros."""
    monkeypatch.setattr(
        prepared, "_build", lambda one, inputs, folder: build(one, inputs, model_folder(one, folder))
    )
    good = prepare(TINY, [SMALL], tmp_path)
    damages = {"model.onnx": (b"", b"not a model"), "model.json": (b"", b"{}", b'{"sha256": 1', b"[]")}
    damages["input"] = (b"\x93NUMPY", None)
    for file, damage in ((file, one) for file, several in damages.items() for one in several):
        path = good.input_paths["batch=2"][0]["x"] if file == "input" else good.model_path.parent / file
        whole = path.read_bytes()
        path.write_bytes(bytes(len(whole)) if damage is None else damage)
        assert prepare(TINY, [SMALL], tmp_path) == good
        assert path.read_bytes() == whole


def test_two_builds_at_once_do_no_harm_nor_does_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = model_folder(TINY, tmp_path)
    directory.mkdir(parents=True)
    (directory / f".model.onnx.{2**31 - 1}{folders.SCRATCH}").write_bytes(b"half a mod")
    (directory / "model.onnx").write_bytes(b"whole, but nothing vouches for it yet")
    wanted = [json.dumps([[e.label, [TINY.shapes(feed) for feed in e.shapes]]]) for e in (SMALL, MIXED)]
    command = [sys.executable, "-m", "bench.models", "tiny", str(directory)]
    children = [subprocess.Popen([*command, text], cwd=folders.ROOT) for text in wanted]
    assert [child.wait(60) for child in children] == [0, 0]
    monkeypatch.setattr(subprocess, "run", None)
    ready = prepare(TINY, [SMALL, MIXED], tmp_path)
    assert set(ready.input_paths) == {"batch=2", "2 shapes"}
    assert ready.model_path.read_bytes() == TINY.build()
    assert not list(directory.glob(f".*{folders.SCRATCH}"))


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


GRAPH = """<ir_version: 8, opset_import: ["" : 15]>
two (int64[N, L] ids, bool[N, L] kept) => (float[N, 2] y)
<float[5, 2] w = {1., 1., 1., 1., 1., 1., 1., 1., 1., 1.}> {
    a = Cast<to = 1>(ids)
    b = Cast<to = 1>(kept)
    c = Mul(a, b)
    y = MatMul(c, w)
}"""


TWO = replace(
    TINY,
    build=lambda: onnx.parser.parse_model(GRAPH).SerializeToString(),
    inputs={
        "ids": lambda shapes: np.zeros(covering(shapes), int),
        "kept": lambda shapes: np.ones(covering(shapes), bool),
    },
)
FEEDS = Input(label="2 shapes", shapes=({"ids": (2, 5), "kept": (2, 5)}, {"ids": (4, 5), "kept": (1, 5)}))


def test_model_with_inputs_of_several_names_and_kinds(tmp_path: Path) -> None:
    build(TWO, [FEEDS], model_folder(TWO, tmp_path))
    ready = prepare(TWO, [FEEDS], tmp_path)
    found = {name: np.load(path) for name, path in ready.input_paths[FEEDS.label][0].items()}
    kinds = {name: (array.dtype.name, array.shape) for name, array in found.items()}
    assert kinds == {"ids": ("int64", (4, 5)), "kept": ("bool", (2, 5))}
    assert (ready.parameters, ready.flops) == (10, {FEEDS.label: 2 * (2 + 4) * 5 * 2})
    with pytest.raises(ValueError, match="unpack"):  # a bare shape names no input of several
        TWO.shapes((2, 3))


def test_input_that_is_not_what_was_promised_is_one_sentence(tmp_path: Path) -> None:
    """Too small, not finite, objects, of another rank."""
    objects = np.array([["text"] * 5] * 4, object)
    for wrong in (np.ones((2, 2)), np.full((4, 5), np.nan), objects, np.ones(20)):
        with pytest.raises(ModelError, match="输入 2 shapes / ids 不合要求"):
            build(replace(TWO, inputs={**TWO.inputs, "ids": lambda _, it=wrong: it}), [FEEDS], tmp_path)
