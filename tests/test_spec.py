"""The vocabulary: what readers see of it."""

from __future__ import annotations

import pytest

from bench.spec import input_title


@pytest.mark.parametrize(
    ("label", "title"),
    [("30 shapes", "30 种尺寸"), ("batch=2", "batch=2"), ("1x3x48x320", "1x3x48x320"), ("shapes", "shapes")],
)
def test_input_is_called_what_readers_understand(label: str, title: str) -> None:
    assert input_title(label) == title
