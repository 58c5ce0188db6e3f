"""Whether a row of a batch comes out as it does alone. Dynamic quantisation takes its scales from the whole batch."""

from __future__ import annotations

TITLE = "同一行，单独算和在一批里算"


def load():
    global np, session  # noqa: PLW0603 - `session` stands beside this file in the measured process alone
    import numpy as np
    import session

    session.load()


def report(job):
    """The first input of the job, whole and row by row; the difference relative to the largest number."""
    opened = session.start(job)
    shapes, files = job["shapes"][0], job["inputs"][0]
    feed = {name: np.array(np.load(path)[tuple(map(slice, shapes[name]))]) for name, path in files.items()}
    rows = min(map(len, feed.values()))
    together = opened.call(feed)
    alone = [opened.call({name: array[row : row + 1] for name, array in feed.items()}) for row in range(rows)]
    apart = max(
        float(np.abs(whole[row : row + 1] - one[number]).max() / (np.abs(whole).max() or 1))
        for number, whole in enumerate(together)
        for row, one in enumerate(alone)
    )
    said = "逐位相同" if apart == 0 else f"最多差到最大输出的 {100 * apart:.2g}%"
    return {"rows": [f"{rows} 行，与单独算{said}"]}
