from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.models import MODELS, ModelError
from bench.models.prepared import content_key, model_folder, peek, prepare
from bench.spec import Input
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TINY = MODELS["tiny"]
SMALL = Input(label="batch=2", shapes=((2, 256),))
MIXED = Input(label="2 shapes", shapes=((8, 256), (3, 256)))


def _no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on starting a child fails the test."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a child was started"))


def test_files_and_figures(tmp_path: Path) -> None:
    ready = prepare(TINY, [SMALL, MIXED], tmp_path)
    assert hashlib.sha256(ready.model_path.read_bytes()).hexdigest() == ready.sha256
    assert ready.model_path.read_bytes() == TINY.build()
    assert ready.parameters == 256 * 512 + 512 + 512 * 512 + 512 + 512 * 64 + 64
    assert ready.weight_bytes == 4 * ready.parameters
    one_row = 2 * (256 * 512 + 512 * 512 + 512 * 64)
    assert ready.flops == {"batch=2": 2 * one_row, "2 shapes": 11 * one_row}
    assert ready.calls == {"batch=2": 1, "2 shapes": 2}
    for entry in (SMALL, MIXED):
        values = np.load(ready.input_paths[entry.label])
        assert np.array_equal(values, np.asarray(TINY.make_input(entry.shapes)))
        assert values.dtype == np.float32
        assert values.flags.c_contiguous


def test_what_is_there_is_found_without_a_child_and_peek_never_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(TINY, [SMALL], tmp_path)
    _no_child(monkeypatch)
    assert prepare(TINY, [SMALL], tmp_path) == first == peek(TINY, tmp_path)
    assert peek(TINY, tmp_path / "elsewhere") is None
    assert not (tmp_path / "elsewhere").exists()


def test_a_hit_imports_neither_onnx_nor_numpy(tmp_path: Path, in_child: Callable[..., str]) -> None:
    prepare(TINY, [SMALL], tmp_path)
    code = """
import sys
from pathlib import Path
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.spec import Input
from bench.system.folders import ROOT
prepare(MODELS["tiny"], [Input(label="batch=2", shapes=((2, 256),))], Path(sys.argv[1]))
print(*sys.modules)
"""
    assert not {"onnx", "numpy", "PIL", "filelock"} & set(in_child(code, str(tmp_path)).split())


def test_a_new_input_keeps_the_earlier_ones(tmp_path: Path) -> None:
    first = prepare(TINY, [SMALL], tmp_path)
    written = first.input_paths["batch=2"].stat().st_mtime_ns
    assert set(prepare(TINY, [MIXED], tmp_path).input_paths) == {"2 shapes"}
    both = peek(TINY, tmp_path)
    assert both is not None
    assert set(both.input_paths) == {"batch=2", "2 shapes"}
    assert both.input_paths["batch=2"].stat().st_mtime_ns == written


def test_one_label_with_other_shapes_is_another_input(tmp_path: Path) -> None:
    old = prepare(TINY, [SMALL], tmp_path)
    new = prepare(TINY, [replace(SMALL, shapes=((5, 256),))], tmp_path)
    assert new.input_paths["batch=2"] != old.input_paths["batch=2"]
    assert np.load(new.input_paths["batch=2"]).shape == (5, 256)


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda old: old[: len(old) // 2], lambda old: bytes(len(old))]
)
@pytest.mark.parametrize("pattern", ["model.onnx", "*.npy", "model.json"])
def test_a_damaged_file_is_made_again(tmp_path: Path, pattern: str, damage: Callable[[bytes], bytes]) -> None:
    """Empty, cut short, or all zeros after a power failure: never taken for a whole one."""
    good = prepare(TINY, [SMALL], tmp_path)
    (path,) = good.model_path.parent.glob(pattern)
    before = path.read_bytes()
    path.write_bytes(damage(before))
    found = peek(TINY, tmp_path)
    assert found is None or not found.input_paths
    assert prepare(TINY, [SMALL], tmp_path) == good
    assert path.read_bytes() == before


def test_what_a_killed_build_left_is_ignored_and_removed(tmp_path: Path) -> None:
    directory = model_folder(TINY, tmp_path)
    directory.mkdir(parents=True)
    (directory / "model.onnx.1.tmp").write_bytes(b"half a mod")
    (directory / "model.onnx").write_bytes(TINY.build())  # whole, but nothing vouches for it yet
    assert peek(TINY, tmp_path) is None
    assert prepare(TINY, [SMALL], tmp_path).model_path.read_bytes() == TINY.build()
    assert not list(directory.glob("*.tmp"))


def test_two_builds_at_once_do_no_harm(tmp_path: Path) -> None:
    directory = model_folder(TINY, tmp_path)
    command = [sys.executable, "-m", "bench.models", "tiny", str(directory)]
    children = [
        subprocess.Popen([*command, json.dumps([[entry.label, entry.shapes]])], cwd=ROOT)
        for entry in (SMALL, MIXED)
    ]
    assert [child.wait(60) for child in children] == [0, 0]
    ready = peek(TINY, tmp_path)
    assert ready is not None
    assert set(ready.input_paths) == {"batch=2", "2 shapes"}


def test_the_key_follows_versions_of_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_key(TINY)
    assert before == content_key(TINY)
    assert len(before) == 12
    assert content_key(replace(TINY, packages=("no-such-package",))) != before
    monkeypatch.setattr(metadata, "version", lambda _: "0")
    assert content_key(TINY) != before


def test_an_unfit_shape_or_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="不接受") as caught:
        prepare(TINY, [Input(label="bad", shapes=((2, 255),))], tmp_path)
    assert "\n" not in str(caught.value)
    assert peek(TINY, tmp_path) is None
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="模型 tiny 的文件写不下来"):
        prepare(TINY, [SMALL], tmp_path / "file")


def test_a_crashed_child_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onnx.py").write_text("raise RuntimeError('broken\\ninstallation')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelError, match=r"^模型 tiny 没有建成：installation$"):
        prepare(TINY, [SMALL], tmp_path / "models")
    assert peek(TINY, tmp_path / "models") is None
