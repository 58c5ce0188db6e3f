"""RapidOCR as it is installed, whole: a page goes in, text comes out.

Its parameters are those of `RapidOCR(params=...)`. What the package has no parameter for is set in a subclass of
`InferenceSession`, put into the one module of the package that opens sessions: other libraries are left alone.
"""

from __future__ import annotations

TITLE = "RapidOCR"
AS_SHIPPED = "as_built"
SOURCE = """
# 做一次就够
from pathlib import Path

import rapidocr

source = Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_det_small.onnx"

"""
WRAPPER = '''
import onnxruntime as ort
from rapidocr.inference_engine.onnxruntime import main as engine


class Session(ort.InferenceSession):
    """RapidOCR 打开的每个会话都加上这几项。"""

    def __init__(self, path, sess_options=None, **others):
        options = sess_options or ort.SessionOptions()
        {settings}
        super().__init__(path, sess_options=options, **others)


engine.InferenceSession = Session  # 只换 RapidOCR 自己用的，别的库不受影响

'''
USE = """
from rapidocr import RapidOCR

ocr = RapidOCR({params})
# 照常使用：result = ocr("page.png")
"""
QUIET = {"Global.log_level": "critical"}


def readers_code(settings, options, made):
    """What a reader writes in the place of `RapidOCR()`."""
    file, making = made or ("", "")
    making = SOURCE + making.replace('"model.onnx"', "source") + "\n\n" if making else ""
    params = {**({"Det.model_path": file} if file else {}), **options}
    told = "".join(f'\n        "{name}": {value!r},' for name, value in params.items())
    use = USE.format(params=f"\n    params={{{told}\n    }}\n".replace("'", '"') if params else "")
    wrapper = WRAPPER.format(settings="\n        ".join(settings)) if settings else ""
    return (making + wrapper + use).strip()


def load():
    global session, ort  # noqa: PLW0603 - imported only where a reader's process would: inside the measured phase
    import onnxruntime as ort
    import session

    session.load()


def start(job):
    return Page(job)


class Page:
    """The three models of the package; `job["model"]` takes the place of the first one where it is another file."""

    def __init__(self, job):
        if job["settings"] or job["observe"]:
            _put_wrapper(job)
        from rapidocr import RapidOCR

        params = {**QUIET, **job["options"]}
        if job["variant"] != AS_SHIPPED:
            params["Det.model_path"] = job["model"]
        self._engine, self._wrong = RapidOCR(params=params), []  # its sessions are opened by the first call

    def call(self, feed):
        """Where the lines are, their text as code points, and how sure it is of each."""
        import numpy as np

        read = self._engine(feed["page"])
        text = "\n".join(read.txts or ())
        known = "\n".join(bytes(line).decode().rstrip() for line in feed["text"])
        self._wrong.append(_distance(text, known) / len(known))
        boxes = np.zeros((0, 4, 2)) if read.boxes is None else read.boxes
        return [boxes, np.array([*map(ord, text)], dtype=np.int64), np.array(read.scores or (), dtype=float)]

    def close(self):
        return {"character_error": max(self._wrong, default=None)}


def _put_wrapper(job):
    """Sessions as the package opens them, with the settings of the case on top; observed ones speak."""
    from rapidocr.inference_engine.onnxruntime import main as engine

    class Set(ort.InferenceSession):
        def __init__(self, path, sess_options=None, **others):
            sess_options = sess_options or ort.SessionOptions()
            session.set_options(sess_options, job["settings"])
            if job["verbose"]:
                sess_options.log_severity_level = session.VERBOSE
            super().__init__(path, sess_options=sess_options, **others)

    if job["verbose"]:
        ort.set_default_logger_severity(session.VERBOSE)
    engine.InferenceSession = Set


def _distance(read, known):
    """Levenshtein's, of characters."""
    row = list(range(len(known) + 1))
    for number, own in enumerate(read, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(known, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (own != other))
    return row[-1]
