"""The source as a file: all that is needed, nothing that lies about, the same bytes for the same source."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from bench.site import archive

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FILES = ("README.md", "noxfile.py", "pyproject.toml", "bench/a.py", "docs/index.md", "docs/machines/x.gap")
BESIDE = ("secret.txt", "bench/__pycache__/a.pyc", "docs/.hidden/x", "docs/.swp", "site/index.html")


def test_archive_holds_the_source_and_nothing_that_lies_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ROOT", tmp_path / "project")
    for name in (*FILES, *BESIDE):
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    found = []
    for site in ("one", "two"):
        archive.publish(tmp_path / site)
        found.append((tmp_path / site / archive.NAME).read_bytes())
    assert found[0] == found[1]
    with zipfile.ZipFile(tmp_path / "one" / archive.NAME) as opened:
        names = opened.namelist()
        assert {name.partition("/")[2] for name in names} == {*FILES}
        assert {name.partition("/")[0] for name in names} == {"onnxruntime-cpu-guide"}
        assert opened.read("onnxruntime-cpu-guide/bench/a.py") == b"bench/a.py"


def test_the_parts_are_there() -> None:
    assert [part for part in archive.PARTS if not (archive.ROOT / part).exists()] == []
