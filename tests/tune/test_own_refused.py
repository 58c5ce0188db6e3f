"""What is wrong with a model, with what it is to be fed, or with the command: one sentence each."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from asking import outside, refusal, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TWO = "float[n, seq, 3] x, int64[n] ids"
FITS: Mapping[str, Any] = {"x": np.ones((1, 2, 3), np.float32), "ids": np.ones(1, np.int64)}
SEQ: Mapping[str, Any] = {"dims": {"seq": [4]}}
LONGEST = 450
"""Characters of a sentence, with a path and ORT's words in it."""


def refused(model: Path, sentence: str, **job: Any) -> None:
    told = refusal(model, **job)
    assert re.search(sentence, told), told
    assert len(told) < LONGEST


@pytest.mark.parametrize(
    ("signature", "job", "sentence"),
    [
        (TWO, {}, r"^还要知道 seq 取多少，输入是 x \[n, seq, 3\]：请加上 --dim seq=128，数换成你的$"),
        ("float[n, a, ?] x, float[1, past] c", {}, r"a、x\.2、past .*序号从 0 数起.*--dim a=128 --dim x\.2=128 --dim past=0，"),
        (", ".join(f"float[n, s] x{number}" for number in range(50)), {}, "输入是 x0 .* 等 50 个：请加上 --dim s=128，"),
        (TWO, {"dims": {"sek": [4]}}, "^--dim sek=4：没有叫 sek 的维，能写的有 n、seq$"),
        ("float[2] x", {"dims": {"n": [4]}}, "每一维都是固定的，请去掉$"),
        (TWO, {"dims": {"seq": [4, -1]}}, "^--dim seq=4,-1：要不小于 0 的整数，如 --dim seq=128$"),
        (TWO, {"dims": {"seq": [4, 5], "n": [1, 2, 3]}}, "个数对不上：seq 有 2 个，n 有 3 个；"),
        ("float[2] x", {"batch": 2}, r"^--batch 2：没有第一维待定的输入（x \[2\]），请去掉$"),
        (TWO, {**SEQ, "batch": 0}, "^--batch 0：至少是 1$"),
        (TWO, {"dims": {"seq": [10**12]}}, "^输入要 .* MiB，超过空闲内存（.*）的两成：请把 --dim 或 --batch 写小些$"),
        (TWO, {**SEQ, "ranges": {"z": [0, 1]}}, "^--range z=0,1：没有输入 z，这个模型的输入是 x、ids$"),
        (TWO, {**SEQ, "ranges": {"ids": [0, 1]}}, "ids 是 int64，只有浮点输入能写范围；.*--inputs"),
        (TWO, {**SEQ, "ranges": {"x": [1, 1]}}, "^--range x=1,1：.*前一个小于后一个，如 --range x=0,1$"),
        (TWO, {**SEQ, "ranges": {"x": [0, 1e39]}}, r"^--range x=0,1e\+39：要两个数"),
        (TWO, {**SEQ, "inputs": ["a.npz"]}, "^--inputs 和 --dim 不能一起用"),
        (TWO, {"ranges": {"x": [0, 1]}, "batch": 1, "inputs": ["a.npz"]}, "^--inputs 和 --batch、--range 不能一起用"),
        ("string[n] t", {}, "^输入 t 是文字，随机造不出来：用 --inputs a.npz .*键是输入名（t）"),
        ("optional(float[2]) o", {}, r"^输入 o 可给可不给（optional\(tensor\(float\)\)）：用 --inputs"),
        ("float[] x", {}, "^输入 x 没有写明有几维：用 --inputs"),
        ("seq(float[2]) s", {}, r"^输入 s 的类型是 seq\(tensor\(float\)\)，.*这里调不了"),
        ("map(int64, float[2]) q", {"inputs": ["a.npz"]}, r"输入 q 的类型是 map\(int64,tensor\(float\)\)"),
        ("bfloat16[2] b", {}, r"输入 b 的类型是 tensor\(bfloat16\)"),
        ("complex64[2] c", {}, r"^onnxruntime .* 打不开 m\.onnx：.*complex64"),
        ("", {}, r"^m\.onnx 没有输入"),
        ("float[a] x", {"inputs": ["a.npz"] * 501}, "一共有 501 个数组，最多 500 个"),
    ],
)  # fmt: skip
def test_what_cannot_be_made(signature: str, job: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    refused(written(tmp_path / "m.onnx", signature), sentence, **job)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"^--inputs：没有文件 .*a\.npz，请检查路径$"),
        ({"x": FITS["x"]}, r"^a\.npz 缺 ids：键要和输入名一样，请用 np\.savez\('a\.npz', \*\*{'x': …, 'ids': …}\) 写$"),
        ({**FITS, "z": FITS["x"]}, r"^a\.npz 多了 z：键要"),
        ({"x": FITS["x"], "z": FITS["x"]}, r"^a\.npz 缺 ids，多了 z：键要"),
        ({**FITS, "ids": np.array([{}])}, "ids 存的是 Python 对象（pickle），不能读"),
        ({**FITS, "x": np.ones((1, 2, 3))}, r"x 应是 float32，现在是 float64：请存成 x\.astype\('float32'\)$"),
        ({**FITS, "ids": np.array(["a"])}, "ids 应是 int64，现在是 <U1"),
        ({**FITS, "x": np.ones((1, 3), np.float32)}, r"x 的形状应是 \[n, seq, 3\]，现在是 \[1, 3\]"),
        ({**FITS, "x": np.ones((1, 2, 4), np.float32)}, r"x 的形状应是 \[n, seq, 3\]，现在是 \[1, 2, 4\]"),
        ({**FITS, "x": np.full((1, 2, 3), np.nan, np.float32)}, "x 有 NaN 或无穷大"),
        (b"no zip", r"a\.npz 不是 \.npz，或没有传完整，请用 np\.savez"),
        (b"", r"a\.npz 不是 \.npz"),
    ],
)  # fmt: skip
def test_own_data_that_does_not_fit(content: Any, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        np.savez(path, **content)
    refused(written(tmp_path / "m.onnx", TWO), sentence, inputs=[str(path)])


def test_own_data_in_broken_files(tmp_path: Path) -> None:
    model, path = written(tmp_path / "m.onnx", TWO), tmp_path / "a.npz"
    refused(model, r"是文件夹，要的是 \.npz", inputs=[str(tmp_path)])
    np.save(tmp_path / "a.npy", FITS["x"])
    refused(model, r"a\.npy 不是 \.npz.*np\.savez\('a\.npz'", inputs=[str(tmp_path / "a.npy")])
    np.savez(path, **FITS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(model, "没有传完整", inputs=[str(path)])
    path.write_bytes(whole.replace(np.float32(1).tobytes(), b"\0\0\0\0", 1))
    refused(model, r"^a\.npz 里的 x 读不出来：文件坏了", inputs=[str(path)])


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def cut(model: Path, data: str) -> Path:
    put(model.with_name(data), b"1")
    return model


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda at: at / "none.onnx", r"^没有文件 .*none\.onnx；那里有 good\.onnx，如 python -m bench tune .*good\.onnx$"),
        (lambda at: at / "none" / "m.onnx", r"^没有文件 .*m\.onnx：请检查路径$"),
        (lambda at: at, r"是文件夹，要的是模型文件；那里有 good\.onnx"),
        (lambda at: put(at / "m.onnx", b""), r"m\.onnx 是空的"),
        (lambda at: put(at / "m.onnx", b"version https://git-lfs.github.com/spec/v1"), "git lfs pull$"),
        (lambda at: put(at / "m.onnx", b"\xff" * 99), r"^m\.onnx 不是 ONNX 文件，或没有传完整（99 字节）"),
        (lambda at: put(at / "m.onnx", (at / "good.onnx").read_bytes()[:-9]), r"^m\.onnx .*没有传完整"),
        (lambda at: put(at / "m.ort", b"\xff" * 99), r"打不开 m\.ort：ORT model verification failed；它不是 ORT 格式"),
        (lambda at: cut(outside(at / "m.onnx"), "w.data"), r"^m\.onnx 的外部数据 w\.data 没有传完整：要 16 字节，只有 1 字节"),
        (lambda at: shutil.copy(outside(at / "m.onnx"), at / "sub"), r"另外的文件里，缺 w\.data：请把它和模型放在同一个文件夹$"),
        (lambda at: written(at / "m.onnx", "float[2] x", opset=99), r"打不开 m\.onnx：ONNX Runtime only .*；请升级（pip install"),
        (lambda at: written(at / "m.onnx", "float[2] x", "q = Foo (x) "), r"打不开 m\.onnx：.*No Op registered for Foo.*没有的算子"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_opened(
    model: Callable[[Path], str | Path], sentence: str, tmp_path: Path
) -> None:
    written(tmp_path / "good.onnx", "float[2] x")
    (tmp_path / "sub").mkdir()
    refused(Path(model(tmp_path)), sentence)


def test_arrays_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    model = written(tmp_path / "m.onnx", "float[2] x")
    monkeypatch.setattr(np, "save", full)
    refused(model, "^模型的输入写不下来：磁盘已满$")
