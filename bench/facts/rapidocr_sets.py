"""Print what the installed RapidOCR sets when it opens a model, as JSON. Run as a script of its own.

Its own code makes the SessionOptions, from the configuration that it ships: nothing is opened or downloaded.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import rapidocr
from installed import members  # type: ignore[import-not-found]  # it stands beside this script
from omegaconf import OmegaConf
from rapidocr.inference_engine.onnxruntime.main import OrtInferSession

if __name__ == "__main__":
    config = OmegaConf.load(Path(rapidocr.__file__).with_name("config.yaml")).EngineConfig.onnxruntime
    options = OrtInferSession._init_sess_opts(config)  # noqa: SLF001 - what it sets stands nowhere else
    print(
        json.dumps(
            {
                "version": version("rapidocr"),
                "settings": members(options)["attributes"],
                "parameters": sorted(str(name) for name in config),
            }
        )
    )
