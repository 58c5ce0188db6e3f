"""What must not be published is found, and links that leave are listed for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from bench.site import check

if TYPE_CHECKING:
    from pathlib import Path


def _page(site: Path, body: str, name: str = "index.html") -> None:
    path = site / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<html><body><article>{body}</article></body></html>", encoding="utf-8")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<p>Traceback (most recent call last):</p>", "traceback"),
        ("<code>import bench</code>", "没执行"),
        ('<code>python exec="on"</code>', "没执行"),
        ('<a data-link="data/x.json">x</a>', "没解析"),
        ('<a href="gone.html">x</a>', "死链接 gone.html"),
        ('<img src="gone.png">', "死链接 gone.png"),
        ('<a href="#gone">x</a>', "死链接 #gone"),
        ('<a href="two.html#gone">x</a>', "死链接 two.html#gone"),
        ('<a href="empty">x</a>', "死链接 empty"),
    ],
)
def test_what_must_not_be_published_is_found(tmp_path: Path, body: str, found: str) -> None:
    _page(tmp_path, body)
    _page(tmp_path, '<p id="here">x</p>', "two.html")
    (tmp_path / "empty").mkdir()
    assert found in "".join(check.site(tmp_path, set()))


def test_what_may_be_published_is_not(tmp_path: Path) -> None:
    good = ["#", "#甲", "two.html#%E4%B8%99", "two.html", "data.json#x", "/x", "https://x/#y"]
    links = "".join(f'<a href="{link}">x</a>' for link in good)
    quoted = '<div class="bench"><div>x</div>Traceback (most recent call last)</div>'
    _page(tmp_path, f'<p id="甲">x</p>{links}{quoted}')
    _page(tmp_path, '<p id="丙">x</p>', "two.html")
    (tmp_path / "data.json").write_text("{}", encoding="utf-8")
    assert list(check.site(tmp_path, set())) == []
    assert list(check.site(tmp_path, {"arena"})) == ["没有哪一页显示实验 arena 的表"]


def test_links_that_leave_are_listed_once_with_their_pages(tmp_path: Path, whole: Path) -> None:
    _page(tmp_path, '<a href="https://b.example/">x</a><a href="a.html">y</a>', "b.html")
    _page(tmp_path, '<a href="https://a.example/">x</a><a href="https://b.example/">y</a>' * 2, "a/c.html")
    assert check.leaving(tmp_path) == {
        "https://a.example/": ["a/c.html"],
        "https://b.example/": ["a/c.html", "b.html"],
    }
    found = check.leaving(whole)
    assert any(address.startswith("https://github.com/microsoft/onnxruntime/") for address in found)
    assert not [address for address in found if not urlsplit(address).netloc]
