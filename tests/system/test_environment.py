"""Environments with other packages: installed once, and whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.system import environment

if TYPE_CHECKING:
    from pathlib import Path

WANTED = ("engine==1.2", "numpy")


def test_it_is_made_once_and_anew_where_it_was_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def uv(*command: str) -> None:
        asked.append(command)
        if command[0] == "pip" and len(asked) == 2:
            raise environment.NotInstalled("no network")

    monkeypatch.setattr(environment, "_uv", uv)
    home = tmp_path / environment._name(WANTED)
    for version in ((), (">=3.8,<3.11",)):
        (tmp_path / environment._name([*WANTED, *version])).mkdir()
    with pytest.raises(environment.NotInstalled, match="no network"):
        environment.python_with(WANTED, tmp_path)
    first = environment.python_with(WANTED, tmp_path)
    assert first == environment.python_with(WANTED, tmp_path)
    assert [one[0] for one in asked] == ["venv", "pip", "venv", "pip"]
    assert {*WANTED} <= {*asked[1]}
    other = environment.python_with(WANTED, tmp_path, ">=3.8,<3.11")
    assert other.parents[1] != home
    assert asked[4][-3:-1] == ("--python", ">=3.8,<3.11")
    assert all("--no-python-downloads" in one for one in asked if one[0] == "venv")


def test_other_requirements_have_another_folder() -> None:
    assert len({environment._name(one) for one in (WANTED, WANTED[:1], ("engine<2", "numpy"))}) == 3
