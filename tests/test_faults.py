"""Interruptions, full disks, small and strange machines: one fault of each kind, and what must hold afterwards.

Everything is real: the command line, the children, ONNX Runtime, mkdocs, signals, a full disk; only the questions
asked are small. What single parts make of the same faults stands in their own tests.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from faults.stage import KERNEL, MKDOCS, MODEL_MAKER, WORKER, Stage, is_running, of_process, wait_for
from filelock import FileLock

from bench.experiments import EXPERIMENTS
from bench.experiments._common import TINY
from bench.measure import campaign
from bench.measure.campaign import Here
from bench.measure.plan import MEMORY_SHARE
from bench.measure.profiles import PROFILES
from bench.models import MODELS, ModelError
from bench.models.prepared import prepare
from bench.system import cgroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faults.stage import Running
    from samples import Make

pytest_plugins = ["faults.fixtures"]
KILL, SEGV, TERM = signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM
MIB, GIB = 1 << 20, 1 << 30
IN_A_WINDOW = (sys.executable, "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)")
"""Runs a command on a terminal of its own, which closes when this process ends."""
ENTER = ("sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"')
BARE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "", "TERM": "dumb", "HOME": "/dev/null/heimstatt"}  # fmt: skip
"""As bad as it gets: Python itself would fall back to UTF-8 in the locale C, and not even root can make that home."""
CELL = "import os, pathlib, time; (pathlib.Path(os.environ['BENCH_BUILD_DIR']).parent / 'cell').touch(); time.sleep(60)"
NOTEBOOKS = 'mkdocs-jupyter: {include: ["*.ipynb"], ignore: ["*.md"], execute: true, allow_errors: false, include_source: true}'


def _holds(pid: int, name: str) -> None:
    """Wait until a process has a file of that name in hand: a library, or its input just before it makes its session."""
    wait_for(lambda: name in of_process(pid, "maps"))


def _sample(running: Running, number: int) -> int:
    """The child that takes a sample, as it measures. The first of a run observes the default's case."""
    pid = running.child(WORKER, 1 + number)
    _holds(pid, ".npy")
    return pid


def _ended(stage: Stage, status: int, last: str = "") -> None:
    """Nothing more is to be said after a reason to end."""
    assert stage.done.status == status, stage.done.output
    assert "Traceback" not in stage.done.output
    assert last in stage.done.output.splitlines()[-1], stage.done.output
    assert not last or stage.done.output.count(last) == 1, stage.done.output


def _whole(stage: Stage, experiment: str, *failures: tuple[str, str]) -> None:
    """A complete journal with every sample of the round; as many of them failed, of that kind, for that reason."""
    journal = stage.journal(experiment)
    (end,) = journal.final_rounds(0)
    assert (journal.complete, len(journal.samples_of(end))) == (True, len(journal.header.cases))
    found = [sample.failure for sample in journal.samples if sample.failure]
    assert [one.kind for one in found] == [kind for kind, _ in failures]
    assert all(reason in one.reason for one, (_, reason) in zip(found, failures, strict=True)), found


def _goes_on(stage: Stage) -> None:
    """The same command finishes the same build; every line that was whole is still there."""
    stage.done = (running := stage.start_measuring("slow")).wait()
    _ended(stage, 0)
    stage.note(running)
    _whole(stage, "slow")


def _nothing_is_left(stage: Stage) -> None:
    """Neither processes nor scratch files."""
    assert not [pid for pid in stage.orphans if is_running(pid)]
    work = stage.folders.work
    assert not (list(work.iterdir()) if work.exists() else [])
    assert not list(stage.folder.rglob("*.new"))
    assert not [path.name for path in stage.target.parent.glob(f".{stage.target.name}*")]


def _old_site_stands(stage: Stage) -> None:
    (page,) = stage.target.iterdir()
    assert (page.name, page.read_text(encoding="utf-8")) == ("index.html", "旧站")


def test_children_are_hit_while_they_measure(stage: Stage) -> None:
    """One is tried once more; hit again, it is a cell with its reason, and the build goes on."""
    running = stage.start_measuring("slow")
    for number, hit in ((1, KILL), (3, SEGV), (4, SEGV)):
        os.kill(_sample(running, number), hit)
    stage.done = running.wait()
    _ended(stage, 3)
    assert "失败：" in stage.done.output
    _whole(stage, "slow", ("crashed", "SIGSEGV"))
    _nothing_is_left(stage)


def test_run_goes_on_whatever_ended_it(stage: Stage) -> None:
    """Its children end at once; the next run loses what was under way, nothing else, whatever is left of files."""
    shutil.rmtree(stage.folders.models)
    running = stage.start_measuring("slow")
    _holds(running.child(MODEL_MAKER), "numpy")
    stage.kill(running)
    for keys in (3, 1):  # somebody is in a hurry, or not
        running = stage.start_measuring("slow", wrapper=IN_A_WINDOW)
        _sample(running, 2)
        stage.note(running)
        assert running.process.stdin
        running.process.stdin.write(b"\x03" * keys)  # as fast as fingers can
        stage.done = running.wait()
        wait_for(
            lambda: not any(map(is_running, stage.orphans)), 1.0
        )  # the kernel ends them after it, if it had to
    _ended(stage, 130, "已中断。测好的样本都在")
    running = stage.start_measuring("slow", wrapper=IN_A_WINDOW)
    _sample(running, 2)
    stage.kill(running)  # the terminal closes
    assert not stage.folders.lock.with_name("lock.holder").exists(), "it ended in order"
    running = stage.start_measuring("slow")
    _sample(running, 2)
    stage.kill(running)
    torn = [path for path in stage.folders.work.rglob("*") if path.is_file()]
    assert torn
    for path in torn:  # the power fails as well
        path.write_bytes(path.read_bytes()[:100])
    with stage.journal("slow").path.open("ab") as file:
        file.write(b'{"kind":"sample"' + bytes(100))
    _goes_on(stage)
    _nothing_is_left(stage)
    footer = stage.journal("slow").footer
    assert footer
    assert footer.resumed == 4, "the first sample of each run that was ended within the second"


def _small_disk(stage: Stage) -> Path:
    """Put all that is written on a disk of its own. Returns the file that can fill it."""
    disk = stage.place / "小 盘"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={400 * MIB}", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("这里不允许挂载小盘")
    stage.undo.append(lambda: subprocess.run(["umount", str(disk)], check=True))
    stage.folder = shutil.copytree(stage.folder, disk / stage.folder.name)
    stage.target = disk / stage.target.name
    return disk / "ballast"


def _fill(ballast: Path) -> None:
    """Take all the room that there is; others may be taking some at the same time."""
    disk = os.statvfs(ballast.parent)
    most = disk.f_bavail * disk.f_frsize * 15 // 16
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, most)
        file.seek(most)
        while file.write(bytes(4096)):
            pass


def test_disk_fills_up(stage: Stage) -> None:
    """While a model is written, while samples are taken, while a site is built: one sentence; with room, it goes on."""
    ballast = _small_disk(stage)
    _fill(ballast)
    with pytest.raises(ModelError, match="模型 tiny 的文件写不下来：磁盘已满"):
        prepare(MODELS["tiny"], (TINY,), stage.folder / "other")
    ballast.unlink()
    prepare(MODELS["tiny"], (TINY,), stage.folder / "other")
    running = stage.start_measuring("slow")
    running.child(WORKER)
    _fill(ballast)
    stage.done = running.wait()
    stage.note(running)
    _ended(stage, 1, "磁盘已满")
    ballast.unlink()
    _goes_on(stage)
    stage.give()
    _fill(ballast)
    os.truncate(ballast, ballast.stat().st_size - MIB)  # room for a beginning
    stage.done = stage.start_building().wait()
    _ended(stage, 1)
    _old_site_stands(stage)
    ballast.unlink()
    _nothing_is_left(stage)


def test_building_is_interrupted(stage: Stage) -> None:
    """The old site stays as it is; nothing of the builds is left once one gets through, which waits for its turn."""
    stage.give()
    running = stage.start_building()
    wait_for(lambda: any(stage.folders.work.glob("site-*/site/*")))  # mkdocs writes
    stage.kill(running, TERM)
    _ended(stage, 143, "没有动")
    _old_site_stands(stage)
    _nothing_is_left(stage)
    config, notebook = stage.checkout / "mkdocs.yml", stage.checkout / "docs" / "one.ipynb"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("plugins: [", f"plugins: [{NOTEBOOKS}, "), encoding="utf-8")
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)]), notebook)
    running = stage.start_building()
    running.child(KERNEL)
    wait_for((stage.place / "cell").exists)
    stage.kill(running)
    _ended(stage, -KILL)
    _old_site_stands(stage)
    notebook.unlink()
    config.write_text(text, encoding="utf-8")
    with FileLock(stage.folders.lock):
        running = stage.start_building()
        wait_for(lambda: "等它结束" in running.output)
        assert not running.descendants(MKDOCS)
    stage.done = running.wait()
    _ended(stage, 0)
    assert 'data-experiment="toy"' in (stage.target / "index.html").read_text(encoding="utf-8")
    _nothing_is_left(stage)


def _limited(stage: Stage, limit: int) -> Sequence[str]:
    """Start of a command that runs it in a cgroup with so much memory, below the one that we are in."""
    with suppress(OSError, IndexError):
        group = cgroup.folders(Path("/"), "memory")[0] / f"bench-test-{os.getpid()}"
        group.mkdir()
        stage.undo.append(group.rmdir)
        for path in filter(Path.exists, (group / "memory.max", group / "memory.limit_in_bytes")):
            path.write_text(str(limit))
            return (*ENTER, str(group))
    pytest.skip("这里不允许建内存 cgroup")


def test_little_memory_chooses_the_batch_and_ends_what_takes_more(stage: Stage) -> None:
    """The page is told why."""
    limited = _limited(stage, 256 * MIB)
    stage.done = stage.start_measuring("glutton", "greedy", wrapper=limited).wait()
    _ended(stage, 0)
    _whole(stage, "glutton", *[("out_of_memory", "多半是内存不足")] * 2)
    _whole(stage, "greedy")
    (group,) = stage.journal("greedy").header.groups
    assert 1 <= group.shapes[0]["x"][0] <= 7
    assert "六成放得下的最大 batch" in group.note
    assert group.input in stage.done.output


def test_strange_machine(stage: Stage) -> None:
    """No /proc, as on macOS: who reads it is told to look elsewhere; one core, the locale C, no home, nobody who reads."""
    for name in ("counters", "machine", "noise"):
        path = stage.checkout / "bench" / "measure" / f"{name}.py"
        text = path.read_text("utf-8").replace('"/proc/', '"/absent/').replace('Path("/")', 'Path("/absent")')
        path.write_text(text, encoding="utf-8")
    stage.env, one_core = BARE, ("taskset", "-c", str(min(os.sched_getaffinity(0))))
    stage.done = stage.start_measuring("toy", "capped", wrapper=(*one_core, *IN_A_WINDOW)).wait()
    _ended(stage, 0)
    _whole(stage, "capped", *[("out_of_memory", "Failed to allocate memory")] * 2)
    _whole(stage, "toy")
    assert "\x1b" not in stage.done.output
    assert "验证设置生效" in stage.done.output
    journal = stage.journal("toy")
    assert {"cores": 1, "affinity_cores": 1}.items() <= journal.header.machine.items()
    (end,) = journal.final_rounds(0)
    assert {end.noise.others, end.noise.steal, end.noise.pressure} == {None}
    unknown = {
        (one.figures.peak_bytes, one.figures.threads_created) for one in journal.samples if one.figures
    }
    assert unknown == {(None, None)}
    stage.done = stage.start_building(one_core).wait()
    _ended(stage, 0, "网站已写好")
    page = (stage.target / "evidence" / "toy.html").read_text(encoding="utf-8")
    assert 'data-experiment="toy"' in page
    assert 'data-metric="peak_mib"' not in page
    assert "本机读不到：最多占（" in page
    assert "时间预算" in stage.start("run", "--help").wait().output
    stage.done = stage.start("list", wrapper=("sh", "-c", 'exec 1>&- ; exec "$0" "$@"')).wait()
    assert (stage.done.status, "Traceback" in stage.done.output) == (0, False)


def test_whole_site_is_planned_for_little_memory(monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    """No experiment is given up, and none may take more than its share."""
    for profile, gib, cores in (("quick", 1, 1), ("default", 1, 1), ("quick", 1, 2), ("default", 2, 2)):
        monkeypatch.setattr(campaign, "free_memory", lambda gib=gib: gib * GIB)
        machine = make.machine(memory_gib=gib, cores=cores, affinity_cores=cores, logical_cores=cores)
        planned = campaign.plan(tuple(EXPERIMENTS), PROFILES[profile], Here(machine=machine, software={}))
        assert [one.experiment.id for one in planned if one.groups] == list(EXPERIMENTS)
        assert campaign.memory_needed(planned) <= gib * GIB * MEMORY_SHARE
