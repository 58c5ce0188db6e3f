"""What one run is fed, cut from arrays on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.measure.calling import Feeds

if TYPE_CHECKING:
    from pathlib import Path


def feeds(folder: Path, arrays: list[dict[str, Any]], shapes: list[dict[str, tuple[int, ...]]]) -> Feeds:
    inputs = []
    for number, one in enumerate(arrays):
        inputs.append({name: str(folder / f"{number}-{name}.npy") for name in one})
        for name, array in one.items():
            np.save(inputs[-1][name], array)
    return Feeds(np, {"inputs": inputs, "shapes": shapes})


def test_one_set_of_arrays_serves_all_feeds_by_its_leading_corners(tmp_path: Path) -> None:
    """Empty in every feed, and without axes, too."""
    whole = {"x": np.arange(12).reshape(3, 4), "past": np.ones((2, 0)), "s": np.array(5.0)}
    fed = feeds(
        tmp_path, [whole], [{"x": (3, 2), "past": (2, 0), "s": ()}, {"x": (0, 4), "past": (1, 0), "s": ()}]
    )
    assert len(fed) == 2
    assert fed[0]["x"].tolist() == [[0, 1], [4, 5], [8, 9]]
    assert [{name: value.shape for name, value in fed[n].items()} for n in range(2)] == [
        {"x": (3, 2), "past": (2, 0), "s": ()}, {"x": (0, 4), "past": (1, 0), "s": ()}
    ]  # fmt: skip
    assert all(value.flags.c_contiguous for value in fed[0].values())


def test_every_feed_may_have_arrays_of_its_own(tmp_path: Path) -> None:
    own = [{"x": np.array(["a", "长"])}, {"x": np.array([], "U1")}, {"x": np.array(["c"])}]
    fed = feeds(tmp_path, own, [{"x": one["x"].shape} for one in own])
    assert [fed[number]["x"].tolist() for number in range(3)] == [["a", "长"], [], ["c"]]
    alone = feeds(tmp_path, own[:1], [{"x": (1,)}])
    assert alone[0] is alone[0]
    assert alone[0]["x"].tolist() == ["a"]
