# 适用于 onnxruntime 1.16 及以上
import onnxruntime as ort

options = ort.SessionOptions()
options.enable_mem_pattern = False
session = ort.InferenceSession(
    "model.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)

run_options = ort.RunOptions()
run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
# 每次推理都传入：outputs = session.run(None, feed, run_options)
