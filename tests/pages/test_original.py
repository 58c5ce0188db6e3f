"""What the article recommends as a whole, held against what RapidOCR sets."""

from __future__ import annotations

from typing import Any

import pytest

from bench.facts.options import read_installed
from bench.pages import original

THE_SAME = {
    "graph_optimization_level": "GraphOptimizationLevel.ORT_ENABLE_ALL",
    "log_severity_level": "4",
    "enable_cpu_mem_arena": "False",
}


def _said(**settings: str) -> str:
    found: dict[str, Any] = {"version": "3.10.0", "settings": THE_SAME | settings}
    return original.sentence(found)


def test_library_that_sets_the_same_is_named_with_its_version() -> None:
    assert "RapidOCR 3.10.0 现在这样设" in _said()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable_cpu_mem_arena", "True"),
        ("log_severity_level", "2"),
        ("graph_optimization_level", "GraphOptimizationLevel.ORT_ENABLE_BASIC"),
    ],
)
def test_library_that_sets_something_else_is_told_with_what_it_sets(name: str, value: str) -> None:
    text = _said(**{name: value})
    assert "现在这样设" not in text
    assert f"{name} = {value}" in text.replace("<wbr>", "").split("设得不同")[1]


def test_installed_library_is_read_from_its_own_code() -> None:
    found = read_installed()["rapidocr"]
    assert set(found["settings"]) >= set(THE_SAME)
    assert found["parameters"]
    assert found["version"] in original.sentence(found)
