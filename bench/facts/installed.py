"""Print what the installed ONNX Runtime offers, and what the installed RapidOCR sets when it opens a model, as JSON.

Run as a script of its own: `python -I installed.py`. RapidOCR's own code makes the SessionOptions, from the
configuration that it ships: nothing is opened or downloaded.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnxruntime as ort
import rapidocr
from omegaconf import OmegaConf
from rapidocr.inference_engine.onnxruntime.main import OrtInferSession


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


def set_by_rapidocr() -> dict[str, Any]:
    config = OmegaConf.load(Path(rapidocr.__file__).with_name("config.yaml")).EngineConfig.onnxruntime
    options = OrtInferSession._init_sess_opts(config)  # noqa: SLF001 - what it sets stands nowhere else
    return {
        "version": version("rapidocr"),
        "settings": members(options)["attributes"],
        "parameters": sorted(str(name) for name in config),
    }


if __name__ == "__main__":
    offered = {"session": members(ort.SessionOptions()), "run": members(ort.RunOptions())}
    print(json.dumps({"onnxruntime": ort.__version__, **offered, "rapidocr": set_by_rapidocr()}))
