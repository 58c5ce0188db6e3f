"""The reader's file: whether it can be opened, what it wants to be fed, and what stands in it."""

from __future__ import annotations

import re
import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.models import weights
from bench.models.prepared import hash_of
from bench.tune.own import CannotTune

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from onnx import ModelProto, NodeProto, TensorProto

ORT_FORMAT = ".ort"
SAME = ("float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
DTYPES = {"float": "float32", "double": "float64", "string": "str", **{name: name for name in SAME}}
"""ORT's word for an element -> NumPy's."""
TENSOR = re.compile(r"(?:optional\()?tensor\((\w+)\)\)?")
UNNAMED = (None, "", "?")
"""How exporters write an axis that may have any size, and no name."""
LFS = b"version https://git-lfs"
MOST_SAID = 200
PREFIX = re.compile(
    r"^\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from .*? failed:"
    r"|\S+\.(?:cc|h):\d+ (?:(?!: )[^()])*\((?:[^()]|\([^()]*\))*\)(?: const)? "
)
"""What comes before ORT's words: a code, the file, the place in its source."""
REMEDIES = {
    r"[Oo]pset \d+ is|IR version": "；请升级（pip install -U onnxruntime），或导出时用低一些的 opset",
    r"No Op registered|not a registered": "；模型里有它没有的算子，这里也装不进自定义算子",
    r"verification failed": "；它不是 ORT 格式，或没有传完整，请重新导出或下载",
    r"not implemented|NOT_IMPLEMENTED|Could not find an implementation": "；它的 CPU 版没有实现这个算子",
}
"""ORT's words -> what may help."""
FOLLOWED = ("Cast", "Reshape", "Unsqueeze", "Squeeze", "Identity")
"""Behind these, numbers of rows are still what they were."""
AS_LONG = ("Cast", "Identity", "DequantizeLinear")
"""Behind these, a table has as many rows as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One input in the model's signature."""

    name: str
    kind: str
    """ORT's word, `tensor(float)`."""
    axes: tuple[int | str, ...] | None
    """Sizes, and names of those that are free: `x.2` where they have none. None: any number of axes."""
    rows: int | None = None
    """Of the smallest table in which its values look up a row."""

    @property
    def dtype(self) -> str:
        """NumPy's word, `str` for text; empty: an array cannot be such a thing."""
        match = TENSOR.fullmatch(self.kind)
        return DTYPES.get(match[1], "") if match else ""

    @property
    def told(self) -> str:
        return f"[{', '.join(map(str, self.axes))}]" if self.axes is not None else "任意形状"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What was found in the file."""

    slots: tuple[Slot, ...]
    facts: Mapping[str, Any]
    """Of `ModelFacts`, but for the name."""
    optimised: bool


def contents(path: Path) -> Contents:
    """Raises CannotTune where the file is not what ORT can open, or cannot be fed."""
    with readable(path):
        _refuse_path(path)
        sha256, size = hash_of(path), path.stat().st_size
        proto = None if path.suffix == ORT_FORMAT else _parsed(path)
        tensors = weights.tensors(proto) if proto else []
        facts = {
            "sha256": sha256,
            "bytes": size + _outside(tensors, path),
            "parameters": weights.parameters(tensors),
            "denormals": weights.denormals(tensors, path.parent),
        }
    slots = _slots(path, proto, _rows(tensors, _nodes(proto) if proto else []))
    return Contents(slots=slots, facts=facts, optimised=proto is None)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What keeps a file from being read, as a sentence."""
    try:
        yield
    except OSError as error:
        reason = "没有读取权限" if isinstance(error, PermissionError) else error.strerror or str(error)
        raise CannotTune(f"读不了 {error.filename or path}：{reason}") from error


def _refuse_path(path: Path) -> None:
    if path.is_dir():
        raise CannotTune(f"{path} 是文件夹，要的是模型文件{_there(path)}")
    if not path.exists():
        raise CannotTune(f"没有文件 {path}{_there(path.parent)}")
    if not path.stat().st_size:
        raise CannotTune(f"{path} 是空的：请重新导出或下载")
    with path.open("rb") as file:
        if file.read(len(LFS)) == LFS:
            raise CannotTune(f"{path} 是 Git LFS 的指针，不是模型本身：请先运行 git lfs pull")


def _there(folder: Path) -> str:
    """What could have been meant."""
    found = sorted(one for one in folder.glob("*") if one.suffix in (".onnx", ORT_FORMAT))[:5]
    if not found:
        return "：请检查路径"
    names = "、".join(one.name for one in found)
    return f"；那里有 {names}，如 python -m bench tune {shlex.quote(str(found[0]))}"


def _parsed(path: Path) -> ModelProto:
    import onnx

    try:
        return onnx.load(path, format="protobuf", load_external_data=False)
    except Exception as error:  # protobuf's own; its package has no types
        raise CannotTune(
            f"{path.name} 不是 ONNX 文件，或没有传完整（{path.stat().st_size} 字节）：请重新导出或下载"
        ) from error


def _outside(tensors: Iterable[TensorProto], path: Path) -> int:
    """Bytes of the files with external data, which must be there and whole."""
    needed: dict[str, int] = {}
    for one in filter(None, map(weights.outside, tensors)):
        needed[one.location] = max(needed.get(one.location, 0), one.offset + one.length)
    files = {name: path.parent / name for name in needed}
    if missing := [name for name, file in files.items() if not file.is_file()]:
        raise CannotTune(
            f"{path.name} 的权重在另外的文件里，缺 {'、'.join(missing)}：请把它和模型放在同一个文件夹"
        )
    sizes = {name: file.stat().st_size for name, file in files.items()}
    for name, size in sizes.items():
        if size < needed[name]:
            raise CannotTune(
                f"{path.name} 的外部数据 {name} 没有传完整：要 {needed[name]} 字节，只有 {size} 字节，请重新复制"
            )
    return sum(sizes.values())


def _nodes(proto: ModelProto) -> list[NodeProto]:
    return [node for graph in weights.graphs(proto.graph) for node in graph.node]


def _slots(path: Path, proto: ModelProto | None, rows: Mapping[str, int]) -> tuple[Slot, ...]:
    """From ORT, which reads its own format, too. It takes an unknown number of axes for none."""
    any_rank = {
        one.name
        for one in (proto.graph.input if proto else ())
        if one.type.HasField("tensor_type") and not one.type.tensor_type.HasField("shape")
    }
    found = tuple(
        Slot(
            name=one.name,
            kind=one.type,
            axes=None if one.name in any_rank else _axes(one.name, one.shape),
            rows=rows.get(one.name),
        )
        for one in _opened(path).get_inputs()
    )
    if not found:
        raise CannotTune(f"{path.name} 没有输入，每次算的都一样：没有什么可调的")
    for slot in found:
        if not slot.dtype:
            raise CannotTune(
                f"输入 {slot.name} 的类型是 {slot.kind}，NumPy 数组里放不下，这里调不了："
                "请导出一个输入都是普通张量的模型"
            )
    return found


def _axes(name: str, shape: Iterable[int | str | None]) -> tuple[int | str, ...]:
    return tuple(
        f"{name}.{axis}" if size is None or size in UNNAMED else size for axis, size in enumerate(shape)
    )


def _opened(path: Path) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its classes have no base of their own
        said = " ".join(str(error).split())
        words = PREFIX.sub("", said)[:MOST_SAID].rstrip(".")
        remedy = next((text for sign, text in REMEDIES.items() if re.search(sign, said)), "")
        raise CannotTune(f"onnxruntime {ort.__version__} 打不开 {path.name}：{words}{remedy}") from error


def _rows(tensors: Iterable[TensorProto], nodes: Iterable[NodeProto]) -> dict[str, int]:
    """Name of an input -> rows of the smallest table that it is an index of. Nodes come in the order of calculation."""
    tables = {tensor.name: tuple(tensor.dims) for tensor in tensors}
    found: dict[str, int] = {}
    origin: dict[str, str] = {}
    for node in nodes:
        first = node.input[0] if node.input else ""
        settings = {one.name: one for one in node.attribute}
        if node.op_type == "Constant" and "value" in settings:
            tables[node.output[0]] = tuple(settings["value"].t.dims)
        elif node.op_type == "Gather" and tables.get(first):
            name = origin.get(node.input[1], node.input[1])
            rows = tables[first][settings["axis"].i if "axis" in settings else 0]
            found[name] = min(rows, found.get(name, rows))
        if node.op_type in FOLLOWED:
            origin[node.output[0]] = origin.get(first, first)
        if node.op_type in AS_LONG and first in tables:
            tables[node.output[0]] = tables[first]
    return found
