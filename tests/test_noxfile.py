"""What the sessions install, with a nox that does nothing: `nox -s tests` does not install nox itself."""

from __future__ import annotations

import runpy
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Session:
    """Counts what it is asked to install, and fails on demand."""

    def __init__(self, folder: Path) -> None:
        self.virtualenv = SimpleNamespace(location=str(folder))
        self._runner = SimpleNamespace(global_config=SimpleNamespace(no_install=False))
        self.installed, self.fails = list[tuple[str, ...]](), False

    def install(self, *wanted: str, env: object) -> None:  # noqa: ARG002
        if self.fails:
            raise ConnectionError
        self.installed.append(wanted)

    def log(self, text: str) -> None: ...


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """That of the noxfile, in a folder with files of its own."""
    nox: Any = SimpleNamespace(
        options=SimpleNamespace(),
        project=SimpleNamespace(load_toml=lambda _: {}, dependency_groups=lambda _, *groups: groups),
        Session=Session,
    )
    nox.session = lambda function=None, **_: function or (lambda one: one)
    monkeypatch.setitem(sys.modules, "nox", nox)
    monkeypatch.chdir(tmp_path)
    for name in ("constraints.txt", "pyproject.toml"):
        (tmp_path / name).write_text("a==1\n", encoding="utf-8")
    found: Callable[..., None] = runpy.run_path(str(ROOT / "noxfile.py"))["install"]
    return found


@pytest.fixture
def session(tmp_path: Path) -> Session:
    (tmp_path / "venv").mkdir()
    return Session(tmp_path / "venv")


def test_nothing_is_installed_again_until_pins_or_groups_change(
    install: Callable[..., None], session: Session, tmp_path: Path
) -> None:
    install(session)
    session.fails = True  # there is no network
    install(session)
    session.fails = False
    for number, name in enumerate(("constraints.txt", "pyproject.toml"), 2):
        (tmp_path / name).write_text("a==2\n", encoding="utf-8")
        install(session)
        assert len(session.installed) == number
    install(session, "test")
    assert [wanted[-1] for wanted in session.installed] == [".", ".", ".", "test"]


def test_what_was_not_installed_is_tried_again(install: Callable[..., None], session: Session) -> None:
    session.fails = True
    with pytest.raises(ConnectionError):
        install(session)
    session.fails, session._runner.global_config.no_install = False, True  # `nox -R`
    install(session)
    session._runner.global_config.no_install = False
    install(session)
    assert len(session.installed) == 2
