"""The linter for Chinese writing finds what it is for, and leaves names and templates alone."""

from __future__ import annotations

import lint_writing
import pytest

FAULTY = [
    ("在Linux上推理。", "markdown"),
    ("关闭 arena,再测。", "markdown"),
    ('x = "关闭arena"\n', "python"),
    ('does = "关闭arena"\n', "toml"),
]
RIGHT = [
    ("在 Linux 上推理，关闭 arena。", "markdown"),
    ("`在Linux上`", "markdown"),
    ("onnxruntime 与 pyperf", "markdown"),
    ('x = f"{a}，{b}（{c}）。"\n', "python"),
    ('x = "no Chinese, at all"\n', "python"),
]


@pytest.mark.parametrize(("text", "kind"), FAULTY + RIGHT)
def test_faults_are_found_and_what_is_right_is_left_alone(text: str, kind: str) -> None:
    assert bool(list(lint_writing.faults(text, kind))) is ((text, kind) in FAULTY)


def test_our_own_writing_is_clean() -> None:
    with pytest.raises(SystemExit) as ended:
        lint_writing.main()
    assert ended.value.code == 0


def test_every_place_that_is_looked_at_exists() -> None:
    for patterns in lint_writing.PLACES.values():
        for pattern in patterns:
            assert list(lint_writing.ROOT.glob(pattern)), pattern
