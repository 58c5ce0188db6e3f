"""What is measured apart from builds: its absence is told, with the command, and is no fault; a build rests on none of it."""

from __future__ import annotations

import pytest

import bench
from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.pages import api, evidence, source

APART = [name for name in EXPERIMENTS if name not in OF_A_BUILD]


@pytest.fixture(autouse=True)
def nothing_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "status", dict)
    monkeypatch.setattr(source, "draft", lambda: None)


@pytest.mark.parametrize("experiment", APART)
def test_pages_say_what_to_run_where_it_was_not_measured(experiment: str) -> None:
    command = f"<code>python -m nox -s bench -- run {experiment}</code>"
    for shown in (bench.conclusion(experiment), str(evidence.page(EXPERIMENTS[experiment]))):
        assert "还没测" in shown
        assert command in shown


def test_only_what_belongs_to_a_build_is_missed() -> None:
    source.require({*APART})
    with pytest.raises(source.MissingResult, match="：arena。先运行"):
        source.require({"arena", *APART})
    with pytest.raises(source.MissingResult):
        source.load("arena")


def test_a_build_rests_on_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "status", lambda: dict.fromkeys(EXPERIMENTS, "stale"))
    monkeypatch.setattr(source, "load", str)
    assert {*api._all()} == api._stale() == {*OF_A_BUILD}
