"""The same file in OpenVINO: an outside reference for how fast this machine could be.

Option `precision`: what it may calculate in, as it is written there: f32, bf16. Its threads are its own default.
"""

from __future__ import annotations

TITLE = "OpenVINO"
FOREIGN = True
READERS_CODE = """
# pip install openvino
import openvino

core = openvino.Core()
compiled = core.compile_model(
    "model.onnx",
    "CPU",
    {{
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "{precision}",
    }},
)
outputs = compiled(feed)  # feed 和 session.run 的一样
"""


class Unsupported(Exception):
    """This CPU calculates in something else."""


def readers_code(settings, options, made):
    return READERS_CODE.strip().format(**options)


def load():
    global openvino  # noqa: PLW0603 - imported only where a reader's process would: inside the measured phase
    import openvino


def start(job):
    return Compiled(job)


class Compiled:
    def __init__(self, job):
        precision = job["options"]["precision"]
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        self._compiled = openvino.Core().compile_model(job["model"], "CPU", hints)
        used = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if used != precision:
            raise Unsupported(f"OpenVINO 在这个处理器上不用 {precision}，用 {used}")

    def call(self, feed):
        return [*self._compiled(feed).values()]

    def close(self):
        return {"unchanged": [], "trace_bytes": None}
