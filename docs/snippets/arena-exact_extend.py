# 适用于 onnxruntime 1.16 及以上
import onnxruntime as ort

info = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
ort.create_and_register_allocator(info, ort.OrtArenaCfg({"arena_extend_strategy": 1}))

options = ort.SessionOptions()
options.add_session_config_entry("session.use_env_allocators", "1")
session = ort.InferenceSession(
    "model.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)
