"""What jieba made of a text stands for the next build, and what no page has any more is forgotten."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import jieba

from bench.site import segmented
from bench.system.folders import BUILD_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEXT = "内存池要不要关"


def _build(*texts: str) -> list[list[str]]:
    """What the search is given for these texts."""
    segmented.begin()
    found = [[*sys.modules[segmented.PLUGIN].jieba.cut(text.encode())] for text in texts]
    segmented.end()
    return found


def test_dictionary_is_asked_once_for_each_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path))
    monkeypatch.setitem(sys.modules, segmented.PLUGIN, SimpleNamespace(jieba=jieba))
    asked, real = [], jieba.cut

    def cut(text: str) -> object:
        asked.append(text)
        return real(text)

    monkeypatch.setattr(jieba, "cut", cut)
    parted = [*real(TEXT)]
    assert "".join(parted) == TEXT
    assert _build(TEXT, TEXT, "线程") == [parted, parted, ["线程"]]
    assert _build(TEXT) == [parted]
    assert asked == [TEXT, "线程"]
    assert _build("线程") == [["线程"]]  # the build between had it not
    assert _build(TEXT, "线程") == _build(TEXT, "线程") == [parted, ["线程"]]
    assert asked == [TEXT, "线程", "线程", TEXT]
    (file,) = (tmp_path / "words").iterdir()
    for broken in ("", "[1]", file.read_text(encoding="utf-8")[:-3]):
        file.write_text(broken, encoding="utf-8")
        assert _build("线程") == [["线程"]]
    assert len(asked) == 4 + 3


def test_site_without_a_search_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path))
    monkeypatch.delitem(sys.modules, segmented.PLUGIN, raising=False)
    segmented.begin()
    segmented.end()
    assert not [*tmp_path.iterdir()]
