"""`python -m bench.models ID DIRECTORY INPUTS`: make the files of one model.

INPUTS is JSON, a list of [label, feeds]. Started by `bench.models.prepared`, not meant for people.
A failure is one sentence, the last line on stderr.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from bench.models import MODELS, ModelError, weights
from bench.models.flops import count_flops
from bench.models.prepared import REFUSED, hash_of, intact_input, read_record, stem
from bench.spec import Input
from bench.system.folders import sweep_scratch, why, write_whole
from bench.system.terminal import follow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from onnx import ModelProto

    from bench.spec import Model, Shape


def main(model_id: str, directory: str, wanted: str) -> int:
    """Exit status: 0, or REFUSED after a sentence on stderr."""
    inputs = [
        Input(
            label=label, shapes=tuple({name: tuple(shape) for name, shape in feed.items()} for feed in feeds)
        )
        for label, feeds in json.loads(wanted)
    ]
    try:
        build(MODELS[model_id], inputs, Path(directory))
    except ModelError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"模型 {model_id} 的文件写不下来：{why(error)}", file=sys.stderr)
    else:
        return 0
    return REFUSED


def build(model: Model, inputs: Sequence[Input], directory: Path) -> None:
    """Write what is missing or damaged. `model.json` comes last and vouches for the rest."""
    import onnx

    directory.mkdir(parents=True, exist_ok=True)
    with FileLock(directory / "lock"):
        sweep_scratch(directory)
        record = read_record(directory) or _build_model(model, directory)
        missing = [entry for entry in inputs if not intact_input(directory, stem(model, entry), record)]
        proto = onnx.load(directory / "model.onnx")
        for entry in missing:
            record["inputs"][stem(model, entry)] = _build_input(model, proto, entry, directory)
        write_whole(directory / "model.json", json.dumps(record, ensure_ascii=False, indent=1))


def _build_model(model: Model, directory: Path) -> dict[str, Any]:
    import onnx

    data = model.build()
    tensors = weights.tensors(onnx.load_from_string(data))
    write_whole(directory / "model.onnx", data)
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "parameters": weights.parameters(tensors),
        "denormals": weights.denormals(tensors, directory),
        "inputs": {},
    }


def _build_input(model: Model, proto: ModelProto, entry: Input, directory: Path) -> dict[str, Any]:
    import numpy as np

    feeds = [model.shapes(feed) for feed in entry.shapes]
    counted = [count_flops(proto, feed) for feed in feeds]
    files = {}
    for number, (name, make) in enumerate(model.inputs.items()):
        shapes = tuple(feed[name] for feed in feeds)
        array = _checked(np.asarray(make(shapes)), f"{entry.label} / {name}", shapes)
        path = directory / f"{stem(model, entry)}-{number}.npy"
        content = io.BytesIO()
        np.save(content, array, allow_pickle=False)
        write_whole(path, content.getvalue())
        files[name] = (path.name, hash_of(path))
    flops = None if None in counted else sum(one or 0 for one in counted)
    return {"label": entry.label, "flops": flops, "files": files}


def _checked(array: NDArray[Any], name: str, shapes: Sequence[Shape]) -> NDArray[Any]:
    """The array in C order, or ModelError when it is not what `Model.inputs` promises."""
    import numpy as np

    covers = all(len(shape) == array.ndim and all(map(int.__le__, shape, array.shape)) for shape in shapes)
    finite = not np.issubdtype(array.dtype, np.inexact) or bool(np.isfinite(array).all())
    if array.dtype.hasobject or not covers or not finite:
        raise ModelError(f"输入 {name} 不合要求：应是覆盖全部形状的数组，没有 NaN 和无穷大")
    return np.ascontiguousarray(array)


if __name__ == "__main__":
    follow()
    sys.exit(main(*sys.argv[1:]))
