"""Print what the installed ONNX Runtime offers, as JSON. Run as a script of its own: `python -I installed.py`."""

from __future__ import annotations

import json
from typing import Any

import onnxruntime as ort


def as_written(value: Any) -> str:
    """As it stands in a reader's code; an enum by name, because its number says nothing."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (bool, int, float)):
        return repr(value)
    return f"{type(value).__name__}.{value.name}"


def members(thing: Any) -> dict[str, Any]:
    """Attributes with the values of a fresh object, and names of methods."""
    found = {name: getattr(thing, name) for name in dir(thing) if not name.startswith("_")}
    return {
        "attributes": {name: as_written(value) for name, value in found.items() if not callable(value)},
        "methods": [name for name, value in found.items() if callable(value)],
    }


if __name__ == "__main__":
    offered = {"session": members(ort.SessionOptions()), "run": members(ort.RunOptions())}
    print(json.dumps({"onnxruntime": ort.__version__, **offered}))
