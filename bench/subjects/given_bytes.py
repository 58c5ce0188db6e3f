"""A session opened from the bytes of the file instead of its path."""

from __future__ import annotations

from pathlib import Path

TITLE = "从字节打开的会话"


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def readers_code(settings, options, made):
    """What a reader writes."""
    told = "".join(f"{line}\n" for line in settings)
    return (
        "from pathlib import Path\n\nimport onnxruntime as ort\n\noptions = ort.SessionOptions()\n"
        f'{told}session = ort.InferenceSession(Path("model.onnx").read_bytes(), options)\n'
    )


def start(job):
    """The bytes are let go at once; what is kept of them, onnxruntime keeps."""
    return session.start({**job, "model": Path(job["model"]).read_bytes()})
