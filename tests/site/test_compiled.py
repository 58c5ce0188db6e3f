"""Templates are compiled once for all builds, and anew by other code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import DictLoader, Environment

from bench.pages import markup, sentence_layout
from bench.site import compiled
from bench.system.folders import BUILD_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType

SOURCES = {"a.html": "{{ 1 + 1 }}"}


def _theme() -> Environment:
    made = Environment(loader=DictLoader(SOURCES))  # noqa: S701 - a number
    compiled.keep(made)
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is kept; environments of this process are put back."""
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path))
    for one in (markup.ENVIRONMENT, sentence_layout.ours()):
        monkeypatch.setattr(one, "bytecode_cache", None)
    return tmp_path / "templates"


def test_next_build_compiles_nothing_until_a_template_or_code_or_a_library_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = folder.parent / "code" / "pages" / "filters.py"
    code.parent.mkdir(parents=True)
    code.write_text("before")
    monkeypatch.setattr(compiled, "SOURCES", code.parents[1])
    compiling: list[str | None] = []
    real: Any = Environment.compile

    def compile_(self: Environment, source: str, name: str | None = None, *rest: object) -> CodeType:
        compiling.append(name)
        return real(self, source, name, *rest)  # type: ignore[no-any-return]

    monkeypatch.setattr(Environment, "compile", compile_)
    for _ in range(2):
        assert _theme().get_template("a.html").render() == "2"
    assert compiling == ["a.html"]
    monkeypatch.setitem(SOURCES, "a.html", "{{ 1 + 2 }}")
    assert _theme().get_template("a.html").render() == "3"
    assert compiling == ["a.html"] * 2
    (before,) = folder.iterdir()
    code.write_text("after")
    assert _theme().get_template("a.html").render() == "3"
    assert compiling == ["a.html"] * 3
    assert not before.exists()
    monkeypatch.setattr(compiled, "version", lambda _: "99")
    assert _theme().get_template("a.html").render() == "3"
    assert compiling == ["a.html"] * 4
    assert len([*folder.iterdir()]) == 1


def test_templates_of_pages_are_kept_as_well(folder: Path) -> None:
    _theme()
    caches = {id(one.bytecode_cache) for one in (markup.ENVIRONMENT, sentence_layout.ours())}
    assert len(caches) == 1
    assert markup.ENVIRONMENT.bytecode_cache
