"""RapidOCR sets arena_extend_strategy where ONNX Runtime ignores it, and has no parameter for what would help

To: RapidAI/RapidOCR
Seen also: https://github.com/microsoft/onnxruntime/issues/11627 (provider options of the CPU)

The CPU execution provider takes no options: whatever a provider tuple carries is dropped without a word, as
get_provider_options() shows. arena_extend_strategy belongs to CUDA. What does save memory and time on the CPU has no
parameter in RapidOCR's configuration: enable_mem_pattern, and session config entries such as
session.set_denormal_as_zero and session.force_spinning_stop.

This script asks ONNX Runtime, and reads the configuration of an installed rapidocr.

Until then: wrap onnxruntime.InferenceSession before rapidocr is imported, and set the options there
"""

import re
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import onnxruntime as ort
from onnx import TensorProto, helper

PARAMETERS = ("enable_mem_pattern", "session_config", "config_entries")
"""Names that a parameter for them could have."""


def is_ignored():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    given = [("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})]
    session = ort.InferenceSession(model.SerializeToString(), providers=given)
    return not session.get_provider_options()["CPUExecutionProvider"]


def told():
    ignored = (
        f"ONNX Runtime {'ignores' if is_ignored() else 'takes'} arena_extend_strategy of the CPU provider"
    )
    package = find_spec("rapidocr")
    if not package or not package.origin:
        return f"CANNOT TELL HERE: rapidocr is not installed; {ignored}"
    folder = Path(package.origin).parent
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    sets = re.search(r"cpu_ep_cfg:\s+arena_extend_strategy", config)
    offered = [name for name in PARAMETERS if name in config]
    state = "STILL THERE" if sets and not offered and "ignores" in ignored else "NOT THERE"
    try:
        number = version("rapidocr")
    except PackageNotFoundError:
        number = "(version unknown)"
    return (
        f"{state}: {ignored}; rapidocr {number} {'sets' if sets else 'does not set'} it for the CPU, and its config.yaml has"
        f" {' and '.join(offered) or 'neither enable_mem_pattern nor session config entries'}"
    )


print(f"{told()}, onnxruntime {ort.__version__}")
