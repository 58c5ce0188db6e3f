"""A model of a test, and what the process that reads models says of it; run here, for speed."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

from bench.models.prepared import REFUSED
from bench.tune import reading
from bench.tune.own import SEED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

JOB: Mapping[str, Any] = {"dims": {}, "batch": None, "ranges": {}, "inputs": [], "seed": SEED}
ONE = "y = Constant <value = float {1.0}> ()"
SUBNORMAL = float(np.finfo(np.float32).tiny) / 2


def written(path: Path, signature: str, body: str = "", *, opset: int = 17, **tables: Any) -> Path:
    """A model with these inputs, and with these nodes beside the one that makes its output."""
    text = f'<ir_version: 8, opset_import: ["" : {opset}]> m ({signature}) => (float y) {{ {body}{ONE} }}'
    proto = onnx.parser.parse_model(text)
    proto.graph.initializer.extend(numpy_helper.from_array(table, name) for name, table in tables.items())
    path.write_bytes(proto.SerializeToString())
    return path


def outside(path: Path) -> Path:
    """A model with a weight in a file beside it, of which one number is subnormal."""
    written(path, "float[n, 3] x", w=np.array([SUBNORMAL, 0, 1, -1], np.float32))
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="w.data", size_threshold=0)
    return path


def answer(model: Path, **job: Any) -> dict[str, Any]:
    """To a job; its arrays are beside the model."""
    status, out, _ = _asked(model, job)
    assert status == 0
    found: dict[str, Any] = json.loads(out)
    return found


def refusal(model: Path, **job: Any) -> str:
    """The one sentence."""
    status, out, told = _asked(model, job)
    assert (status, out, told.count("\n")) == (REFUSED, "", 1)
    return told.rstrip("\n")


def _asked(model: Path, job: Mapping[str, Any]) -> tuple[int, str, str]:
    folder = model.parent / "arrays"
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as told:
        status = reading.main(json.dumps({**JOB, "model": str(model), "folder": str(folder), **job}))
    return status, out.getvalue(), told.getvalue()


def arrays(model: Path, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of an answer."""
    return [
        {name: np.load(model.parent / "arrays" / file, allow_pickle=False) for name, file in one.items()}
        for one in found["files"]
    ]
