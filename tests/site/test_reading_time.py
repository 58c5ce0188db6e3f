"""Minutes for Chinese text, and that posts carry them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bench.site.reading_time import PER_MINUTE, minutes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("characters", "expected"), [(0, 1), (1, 1), (400, 1), (401, 2), (4000, 10)])
def test_chinese_characters_count_one_by_one(characters: int, expected: int) -> None:
    assert minutes(f"<p>{'字' * characters}</p>") == expected


def test_name_of_an_option_is_one_word() -> None:
    assert minutes(f"<p>{'intra_op_num_threads ' * PER_MINUTE}</p>") == 1


def test_marks_and_spaces_do_not_count() -> None:
    assert minutes(f"<p>{'，。 （）' * 1000}</p>") == 1


@pytest.mark.parametrize("tag", ["pre", "table", "script", "svg", "details", "figure"])
def test_code_and_figures_are_not_read(tag: str) -> None:
    assert minutes(f"<{tag}>{'字' * 4000}</{tag}><p>字</p>") == 1


def test_article_takes_more_than_what_the_plugin_counts(whole: Path) -> None:
    html = (whole / "blog" / "onnxruntime-cpu.html").read_text(encoding="utf-8")
    found = re.search(r"读完约 (\d+) 分钟", html)
    assert found
    assert int(found[1]) >= 10
