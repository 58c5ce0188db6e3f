"""Ways of doing harm to a build. Each is made for one row of the table and is called with the stage."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faults.checkout import CONFIG
from faults.stage import KERNEL, MKDOCS, MODEL_MAKER, WORKER, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.stage import Running, Stage

OLD_SITE = "<p>旧站</p>"
NOTEBOOK_OPTIONS = (
    '{include: ["*.ipynb"], ignore: ["*.md"], execute: true, allow_errors: false, include_source: true}'
)
CELL = """\
import os, pathlib, time
(pathlib.Path(os.environ["BENCH_BUILD_DIR"]).parent / "cell").touch()
time.sleep(60)
"""
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# 题"},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "source": CELL,
            "outputs": [],
            "execution_count": None,
        },
    ],
    "metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
IN_A_WINDOW = (sys.executable, "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)")
"""Runs a command on a terminal of its own, which closes when this process ends."""


def measuring(pid: int) -> bool:
    """Whether a child has its input in hand: it is about to make its session, or runs it."""
    return ".npy" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")


def kill_child(number: int, *, times: int = 1, early: bool = False) -> Callable[[Stage], None]:
    """A signal for a child that takes a sample, as it starts or while it measures; and for its second try."""

    def inject(stage: Stage) -> None:
        running = stage.start_measuring()
        for turn in range(times):
            pid = running.child(WORKER, stage.observed + 1 + turn)
            wait_for(lambda pid=pid: early or measuring(pid), "a child that measures")
            os.kill(pid, number)
        stage.done = running.wait()

    return inject


def kill_company(stage: Stage) -> None:
    """The second of two processes that run side by side is not the one that is measured, if it comes first."""
    running = stage.start_measuring()
    running.child(WORKER, stage.observed + 2)
    company, _ = running.descendants(WORKER)
    os.kill(company, signal.SIGKILL)
    stage.done = running.wait()


def kill_run(
    moment: Callable[[Stage, Running], object], number: int = signal.SIGKILL
) -> Callable[[Stage], None]:
    """A signal for `bench run` at some moment."""

    def inject(stage: Stage) -> None:
        running = stage.start_measuring()
        moment(stage, running)
        stage.kill(running, number)

    return inject


def making_the_model(stage: Stage, running: Running) -> None:
    running.child(MODEL_MAKER)


def observing(stage: Stage, running: Running) -> None:
    running.child(WORKER)


def at_the_first_sample(stage: Stage, running: Running) -> None:
    running.child(WORKER, stage.observed + 1)


def at_the_second_sample(stage: Stage, running: Running) -> None:
    pid = running.child(WORKER, stage.observed + 2)
    wait_for(lambda: measuring(pid), "a child that measures")


def with_company(stage: Stage, running: Running) -> None:
    wait_for(lambda: len(running.descendants(WORKER)) == 2, "two processes side by side")


def cut_the_journal(leave: Callable[[bytes], bytes]) -> Callable[[Stage], None]:
    """A journal that ends in its first sample: what is left of that line looks as `leave` says."""

    def inject(stage: Stage) -> None:
        (path,) = stage.journals()
        lines = path.read_bytes().splitlines(keepends=True)
        stage.before = b"".join(lines[: stage.observed + 1])
        path.write_bytes(stage.before + leave(lines[stage.observed + 1]))

    return inject


def zeros_in_the_journal(stage: Stage) -> None:
    """A block that never reached the disk, with whole lines behind it."""
    (path,) = stage.journals()
    content = bytearray(path.read_bytes())
    content[512:1024] = bytes(512)
    path.write_bytes(content)
    stage.done = stage.measure()


def torn_scratch(stage: Stage) -> None:
    """A build interrupted after its first sample whose scratch files are halves of what they were."""
    running = stage.start_measuring()
    at_the_second_sample(stage, running)
    stage.kill(running)
    torn = [path for path in stage.folders.work.rglob("*") if path.is_file()]
    assert torn
    for path in torn:
        path.write_bytes(path.read_bytes()[:100])


def close_window(stage: Stage) -> None:
    running = stage.start_measuring(wrapper=IN_A_WINDOW)
    at_the_second_sample(stage, running)
    stage.kill(running)


def press_ctrl_c(times: int) -> Callable[[Stage], None]:
    """As fast as fingers can."""

    def inject(stage: Stage) -> None:
        running = stage.start_measuring(wrapper=IN_A_WINDOW)
        at_the_second_sample(stage, running)
        stage.orphans, stage.before = running.descendants(WORKER), stage.whole_lines()
        running.type(b"\x03" * times)
        stage.done = running.wait()

    return inject


def run_twice(stage: Stage) -> None:
    """The second one would measure as well if the first had left nothing."""
    first = stage.start_measuring()
    first.child(WORKER)
    stage.done = stage.measure("--reuse")
    assert first.wait().status == 0


def build_while_measuring(stage: Stage) -> None:
    first = stage.start_measuring()
    first.child(WORKER)
    second = stage.start_building()
    second.says("等它结束")
    assert not second.descendants(MKDOCS)
    assert first.wait().status == 0
    stage.done = second.wait()


def measure_while_building(stage: Stage) -> None:
    first = stage.start_building()
    first.child(MKDOCS)
    second = stage.start_measuring()
    second.says("等它结束")
    assert not second.descendants(WORKER)
    assert first.wait().status == 0
    stage.done = second.wait()


def old_site(stage: Stage) -> Path:
    page = stage.target / "index.html"
    page.parent.mkdir()
    page.write_text(OLD_SITE, encoding="utf-8")
    return page


def kill_mkdocs(stage: Stage) -> None:
    old_site(stage)
    running = stage.start_building()
    os.kill(_writing(stage, running), signal.SIGKILL)
    stage.done = running.wait()


def kill_builder(number: int = signal.SIGKILL) -> Callable[[Stage], None]:
    def inject(stage: Stage) -> None:
        old_site(stage)
        running = stage.start_building()
        _writing(stage, running)
        stage.kill(running, number)

    return inject


def _writing(stage: Stage, running: Running) -> int:
    """The id of mkdocs once it has begun to write the new site."""
    pid = running.child(MKDOCS)
    wait_for(lambda: any(stage.folders.work.glob("site-*/site/*")), "mkdocs writes")
    return pid


def kill_builder_in_a_notebook(stage: Stage) -> None:
    """In a cell that takes a minute."""
    stage.change(
        "mkdocs.yml", CONFIG.replace("plugins:", f"plugins:\n  - mkdocs-jupyter: {NOTEBOOK_OPTIONS}")
    )
    stage.change("docs/one.ipynb", json.dumps(NOTEBOOK))
    old_site(stage)
    running = stage.start_building()
    running.child(KERNEL)
    wait_for((stage.folder.parent / "cell").exists, "the cell runs")
    stage.kill(running)


def stop_between_the_two_renames(stage: Stage) -> None:
    """What a kill leaves then: the old site has another name, the new one not yet its own."""
    old_site(stage)
    stage.target.rename(stage.target.with_name(f".{stage.target.name}.old"))
    new = stage.target.with_name(f".{stage.target.name}.new")
    new.mkdir()
    (new / "index.html").write_text("半个新站", encoding="utf-8")
    stage.change("docs/index.md", '```python exce="on"\n```\n')
    stage.done = stage.build_site()
