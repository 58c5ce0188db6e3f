"""Two sessions in turn, as in text recognition: one page is searched for lines, then four lines are read."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

TITLE = "检测一页，再识别四行"
RECOGNITION = "PP-OCRv6_rec_small.onnx"
LINES, SHAPE, SEED = 4, (1, 3, 48, 320), 320


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def start(job):
    session.share_pool(job)
    return Pipeline(job)


class Pipeline:
    """The job's model detects; only that session is observed, as in `in_turn`."""

    def __init__(self, job):
        import numpy as np

        folder = Path(find_spec("rapidocr").submodule_search_locations[0])
        recognition = str(folder / "models" / RECOGNITION)
        self._detect = session.start(job)
        self._read = session.start({**job, "model": recognition, "verbose": False, "observe": False})
        self._line = {"x": np.random.default_rng(SEED).random(SHAPE, dtype=np.float32) * 2 - 1}

    def call(self, feed):
        return [*self._detect.call(feed), *(self._read.call(self._line)[0] for _ in range(LINES))]

    def close(self):
        return self._detect.close()
