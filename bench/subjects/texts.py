"""Texts of mixed lengths, in batches: filled up to the longest of all, or sorted by length first.

The feed is (texts, longest); of each row as many tokens count as its length says, the others are padding. Outputs of
padding are zero, so that they are the same however the texts were put together.
"""

from __future__ import annotations

TITLE = "长短不一的文本"
READERS_CODE = """
import numpy as np

SIZE = {size}                                  # 每次算几条


def run(session, texts):                  # texts：每条是一个一维的 ids 数组
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    outputs = [None] * len(texts)
    for start in range(0, len(order), SIZE):
        rows = order[start : start + SIZE]
        # 0 是填充：按你的分词器改；模型还要 attention_mask 的，也照样补 0
        ids = np.zeros((len(rows), len(texts[rows[-1]])), np.int64)
        for row, i in zip(ids, rows):
            row[: len(texts[i])] = texts[i]
        (hidden,) = session.run(None, {{"input_ids": ids}})
        for i, one in zip(rows, hidden):
            outputs[i] = one[: len(texts[i])]
    return outputs

"""
SEED = 4
SHORTEST, TYPICAL, SPREAD = 8, 0.2, 0.8
"""Lengths are log-normal around a fifth of the longest, as sentences among a few long paragraphs are."""


def load():
    global np, session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import numpy as np
    import session

    session.load()


def start(job):
    return Texts(job)


def lengths(count, longest):
    """Of so many texts; one is as long as the longest."""
    drawn = np.random.default_rng(SEED).lognormal(np.log(TYPICAL * longest), SPREAD, count)
    found = np.clip(drawn.astype(int), min(SHORTEST, longest), longest)
    found[0] = longest
    return found


class Texts:
    """Options: `size`, texts a call; `sorted`, by length."""

    def __init__(self, job):
        self._session = session.start(job)
        self._size, self._sorted = job["options"]["size"], job["options"]["sorted"]

    def call(self, feed):
        ((name, ids),) = feed.items()
        long = lengths(*ids.shape)
        self._at_once = min(self._size, len(ids))
        order = np.argsort(long, kind="stable") if self._sorted else np.arange(len(ids))
        whole = None
        for start in range(0, len(ids), self._size):
            rows = order[start : start + self._size]
            width = long[rows].max() if self._sorted else ids.shape[1]
            kept = np.arange(width) < long[rows, None]
            (hidden,) = self._session.call({name: ids[rows, :width] * kept})
            if whole is None:
                whole = np.zeros((*ids.shape, hidden.shape[-1]), hidden.dtype)
            whole[rows, :width] = hidden * kept[..., None]
        return [whole]

    def close(self):
        return {**self._session.close(), "items_at_once": self._at_once}
