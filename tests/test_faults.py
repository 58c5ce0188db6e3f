"""Interruptions, full disks, small and strange machines: one fault of each kind, and what must hold afterwards.

Everything is real: the command line, the children, ONNX Runtime, mkdocs, signals, a full disk. Only the questions
asked are small, see `faults.checkout`. What single parts make of the same faults stands in their own tests.
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
from faults.checkout import CONFIG, INPUTS
from faults.stage import IN_A_WINDOW, KERNEL, MKDOCS, MODEL_MAKER, WORKER, Stage, is_running, wait_for

from bench.experiments import EXPERIMENTS
from bench.measure import campaign
from bench.measure.campaign import Here
from bench.measure.machine import cgroup_folders
from bench.measure.plan import MEMORY_SHARE
from bench.measure.profiles import PROFILES
from bench.models import MODELS, ModelError
from bench.models.prepared import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faults.stage import Running
    from samples import Make

pytest_plugins = ["faults.fixtures"]
ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="信号、cgroup 和子进程的结束只有在 Linux 上是这样"
)
KILL, SEGV, TERM, HUP = signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGHUP
MIB, GIB = 1 << 20, 1 << 30
OLD_SITE = "旧站"
OBSERVERS = 1
"""Children that observe the default's case, before the first sample."""
STOPPED = "已中断。测好的样本都在"
ENTER = ("sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"')
ON_ONE = "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execvp(sys.argv[1], sys.argv[1:])"
ONE_CORE = (sys.executable, "-c", ON_ONE)
BARE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "", "TERM": "dumb", "HOME": "/dev/null/heimstatt"}  # fmt: skip
"""As bad as it gets: Python itself would fall back to UTF-8 in the locale C, and not even root can make that home."""
CELL = "import os, pathlib, time; (pathlib.Path(os.environ['BENCH_BUILD_DIR']).parent / 'cell').touch(); time.sleep(60)"
NOTEBOOKS = (
    '{include: ["*.ipynb"], ignore: ["*.md"], execute: true, allow_errors: false, include_source: true}'
)


def _holds(pid: int, name: str) -> None:
    """Wait until a process has a file of that name in hand: a library, or its input just before it makes its session."""
    maps = Path(f"/proc/{pid}/maps")
    wait_for(lambda: name in maps.read_text(encoding="utf-8"), name)


def _sample(running: Running, number: int) -> int:
    """The child that takes a sample, as it measures."""
    pid = running.child(WORKER, OBSERVERS + number)
    _holds(pid, ".npy")
    return pid


def _ended(stage: Stage, status: int) -> None:
    assert stage.done.status == status, stage.done.output
    assert "Traceback" not in stage.done.output


def _told_last(stage: Stage, text: str) -> None:
    """Nothing more is to be said after a reason to end."""
    assert stage.done.output.count(text) == 1, stage.done.output
    assert text in stage.done.output.splitlines()[-1], stage.done.output


def _whole(stage: Stage, *failures: tuple[str, str]) -> None:
    """A complete journal with every sample of the round; as many of them failed, of that kind, for that reason."""
    journal = stage.journal()
    assert journal.complete
    (end,) = journal.final_rounds(0)
    assert len(journal.samples_of(end)) == len(journal.header.cases)
    found = [sample.failure for sample in journal.samples if sample.failure]
    assert [one.kind for one in found] == [kind for kind, _ in failures]
    assert all(reason in one.reason for one, (_, reason) in zip(found, failures, strict=True)), found


def _goes_on(stage: Stage) -> None:
    """The same command finishes the same build; every line that was whole is still there."""
    done = stage.measure()
    assert done.status == 0, done.output
    _whole(stage)
    (path,) = stage.journals()
    assert path.read_bytes().startswith(stage.before)


def _nothing_is_left(stage: Stage) -> None:
    """Neither processes nor scratch files."""
    assert not [pid for pid in stage.orphans if is_running(pid)]
    work = stage.folders.work
    assert not (list(work.iterdir()) if work.exists() else [])
    assert not list(stage.folder.rglob("*.new"))
    assert not [path.name for path in stage.target.parent.glob(f".{stage.target.name}*")]


def _old_site(stage: Stage) -> None:
    stage.target.mkdir()
    (stage.target / "index.html").write_text(OLD_SITE, encoding="utf-8")


def _old_site_stands(stage: Stage) -> None:
    assert [path.name for path in stage.target.iterdir()] == ["index.html"]
    assert (stage.target / "index.html").read_text(encoding="utf-8") == OLD_SITE


def _site_stands(stage: Stage) -> None:
    assert 'data-experiment="toy"' in (stage.target / "index.html").read_text(encoding="utf-8")


@ON_LINUX
@pytest.mark.parametrize(
    ("number", "times", "status"), [(KILL, 1, 0), (SEGV, 2, 3)], ids=["killed once", "crashes twice"]
)
def test_child_is_hit_while_it_measures(stage: Stage, number: int, times: int, status: int) -> None:
    """It is tried once more; then it is a cell with its reason, and the build goes on."""
    stage.experiment = "slow"
    running = stage.start_measuring()
    for turn in range(times):
        os.kill(_sample(running, 1 + turn), number)
    stage.done = running.wait()
    _ended(stage, status)
    assert ("失败：" in stage.done.output) is (times == 2)
    _whole(stage, *[("crashed", "SIGSEGV")] * (times - 1))
    _nothing_is_left(stage)


@ON_LINUX
@pytest.mark.parametrize("moment", ["making the model", "second sample"])
def test_run_is_killed(stage: Stage, moment: str) -> None:
    """Its children end at once; the next run loses what was under way, nothing else, whatever is left of files."""
    stage.experiment = "slow"
    if moment == "making the model":
        shutil.rmtree(stage.folders.models)
    running = stage.start_measuring()
    if moment == "making the model":
        _holds(running.child(MODEL_MAKER), "numpy")
    else:
        _sample(running, 2)
    stage.kill(running)
    assert stage.orphans
    assert stage.ended_within_s < 1.0
    if moment == "second sample":  # the power fails as well
        torn = [path for path in stage.folders.work.rglob("*") if path.is_file()]
        assert torn
        for path in torn:
            path.write_bytes(path.read_bytes()[:100])
        with stage.journals()[0].open("ab") as file:
            file.write(b'{"kind":"sample"' + bytes(100))
    _goes_on(stage)
    _nothing_is_left(stage)
    footer = stage.journal().footer
    assert footer
    assert footer.resumed == (moment == "second sample")


@ON_LINUX
@pytest.mark.parametrize(
    ("keys", "number", "status"),
    [(1, 0, 130), (3, 0, None), (0, HUP, 129), (0, KILL, -KILL)],
    ids=["Ctrl-C", "Ctrl-C three times", "asked to end", "terminal is closed"],
)
def test_run_is_interrupted(stage: Stage, keys: int, number: int, status: int | None) -> None:
    """In order, with one sentence, unless somebody is in a hurry."""
    stage.experiment = "slow"
    running = stage.start_measuring(wrapper=() if number == HUP else IN_A_WINDOW)
    _sample(running, 2)
    if keys:
        stage.orphans, stage.before = running.descendants(WORKER), stage.whole_lines()
        running.type(b"\x03" * keys)  # as fast as fingers can
        stage.done = running.wait()
    else:
        stage.kill(running, number)
        assert stage.orphans
        assert stage.ended_within_s < 1.0
    if status is not None:
        _ended(stage, status)
    if status in (129, 130):
        _told_last(stage, STOPPED)
    assert not [pid for pid in stage.orphans if is_running(pid)]
    if keys != 1:
        _goes_on(stage)
        _nothing_is_left(stage)


def _small_disk(stage: Stage, size: int) -> Path:
    """Put the build folder on a disk of its own. Returns the file that can fill it."""
    disk = stage.folder.parent / "小 盘"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("这里不允许挂载小盘")
    stage.undo.append(lambda: subprocess.run(["umount", str(disk)], check=True))
    with suppress(shutil.Error, OSError):
        shutil.copytree(stage.folder, disk / stage.folder.name)
    stage.folder = disk / stage.folder.name
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


@ON_LINUX
def test_disk_fills_up_while_measuring(stage: Stage) -> None:
    """One sentence; once there is room, it goes on."""
    stage.experiment = "slow"
    ballast = _small_disk(stage, 400 * MIB)
    running = stage.start_measuring()
    running.child(WORKER)
    _fill(ballast)
    stage.done, stage.before = running.wait(), stage.whole_lines()
    _ended(stage, 1)
    _told_last(stage, "磁盘已满")
    ballast.unlink()
    _goes_on(stage)


@ON_LINUX
def test_disk_is_too_small_for_a_model(stage: Stage) -> None:
    shutil.rmtree(stage.folders.models)
    ballast = _small_disk(stage, 8 * MIB)
    _fill(ballast)
    with pytest.raises(ModelError, match="模型 tiny 的文件写不下来：磁盘已满"):
        prepare(MODELS["tiny"], INPUTS[:1], stage.folders.models)
    ballast.unlink()
    prepare(MODELS["tiny"], INPUTS[:1], stage.folders.models)


@ON_LINUX
def test_disk_fills_up_while_a_site_is_written(stage: Stage) -> None:
    shutil.rmtree(stage.folders.models)
    stage.give("results", "export")
    ballast = _small_disk(stage, 24 * MIB)
    _old_site(stage)
    _fill(ballast)
    os.truncate(ballast, ballast.stat().st_size - MIB)  # room for a beginning
    stage.done = stage.build_site()
    _ended(stage, 1)
    _old_site_stands(stage)
    ballast.unlink()
    _nothing_is_left(stage)


@ON_LINUX
@pytest.mark.parametrize(
    ("number", "status"), [(SEGV, 1), (TERM, 143), (KILL, -KILL)],
    ids=["mkdocs crashes", "asked to end", "killed while a notebook runs"],
)  # fmt: skip
def test_building_is_interrupted(stage: Stage, number: int, status: int) -> None:
    """The old site stays as it is, and the next build replaces it."""
    stage.give("results", "export")
    _old_site(stage)
    if number == KILL:
        stage.change("mkdocs.yml", CONFIG.replace("plugins:", f"plugins:\n  - mkdocs-jupyter: {NOTEBOOKS}"))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
        stage.change("docs/one.ipynb", nbformat.writes(notebook))
    running = stage.start_building()
    if number == KILL:
        running.child(KERNEL)
        wait_for((stage.folder.parent / "cell").exists, "the cell runs")
    else:
        mkdocs = running.child(MKDOCS)
        wait_for(lambda: any(stage.folders.work.glob("site-*/site/*")), "mkdocs writes")
    if number == SEGV:
        os.kill(mkdocs, number)
        stage.done = running.wait()
    else:
        stage.kill(running, number)
        assert stage.orphans
        assert stage.ended_within_s < 1.0
    _ended(stage, status)
    _old_site_stands(stage)
    if number == TERM:
        _told_last(stage, "没有动")
    if number == KILL:
        (stage.checkout / "docs" / "one.ipynb").unlink()
        stage.change("mkdocs.yml", CONFIG)
        stage.done = stage.build_site()
        _site_stands(stage)
    _nothing_is_left(stage)


@ON_LINUX
def test_building_waits_for_measuring(stage: Stage) -> None:
    stage.give("results")
    stage.experiment = "slow"
    first = stage.start_measuring()
    child = first.child(WORKER)
    os.kill(child, signal.SIGSTOP)  # until somebody waits for it
    second = stage.start_building()
    second.says("等它结束")
    assert not second.descendants(MKDOCS)
    os.kill(child, signal.SIGCONT)
    assert first.wait().status == 0
    stage.done = second.wait()
    _ended(stage, 0)
    _whole(stage)
    _site_stands(stage)


def _limited(stage: Stage, limit: int) -> Sequence[str]:
    """Start of a command that runs it in a cgroup with so much memory, below the one that we are in."""
    for own in cgroup_folders(Path("/"), "memory")[:1]:
        group = own / f"bench-test-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            stage.undo.append(group.rmdir)
            for name in ("memory.max", "memory.limit_in_bytes"):
                if (group / name).exists():
                    (group / name).write_text(str(limit))
                    return (*ENTER, str(group))
    pytest.skip("这里不允许建内存 cgroup")


@ON_LINUX
def test_kernel_kills_a_child_for_its_memory(stage: Stage) -> None:
    stage.experiment = "glutton"
    stage.done = stage.measure(wrapper=_limited(stage, 256 * MIB))
    _ended(stage, 0)
    _whole(stage, *[("out_of_memory", "多半是内存不足")] * 2)


@ON_LINUX
def test_system_refuses_a_child_its_memory(stage: Stage) -> None:
    path, first, limit = "bench/measure/worker.py", "STARTED_NS = ", 330 * MIB
    capped = f"import resource\n\nresource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))\n{first}"
    text = (stage.checkout / path).read_text(encoding="utf-8")
    assert first in text
    stage.change(path, text.replace(first, capped))
    stage.experiment = "glutton"
    stage.done = stage.measure()
    _ended(stage, 0)
    _whole(stage, *[("out_of_memory", "Failed to allocate memory")] * 2)


@ON_LINUX
def test_one_gigabyte_chooses_the_batch(stage: Stage) -> None:
    """The page is told why."""
    stage.experiment = "greedy"
    stage.done = stage.measure(wrapper=_limited(stage, GIB))
    _ended(stage, 0)
    _whole(stage)
    (group,) = stage.journal().header.groups
    ((batch, _),) = group.shapes[0].values()
    assert 1 <= batch <= 6
    assert "六成放得下的最大 batch" in group.note
    assert group.input in stage.done.output


@ON_LINUX
def test_machine_without_proc(stage: Stage) -> None:
    """As on macOS: everything that reads those files is told to look elsewhere. The page says what is missing."""
    for path in ("counters", "machine", "noise"):
        file = f"bench/measure/{path}.py"
        text = (stage.checkout / file).read_text(encoding="utf-8")
        stage.change(file, text.replace('"/proc/', '"/absent/').replace('Path("/")', 'Path("/absent")'))
    for command in (stage.measure, stage.build_site):
        stage.done = command()
        _ended(stage, 0)
    _whole(stage)
    (end,) = stage.journal().final_rounds(0)
    assert {end.noise.others, end.noise.steal, end.noise.pressure} == {None}
    for sample in stage.journal().samples:
        assert sample.figures
        assert (sample.figures.peak_bytes, sample.figures.threads_created) == (None, None)
    page = (stage.target / "index.html").read_text(encoding="utf-8")
    assert 'data-metric="peak_mib"' not in page
    assert "本机读不到：峰值（" in page
    _site_stands(stage)


@ON_LINUX
def test_bare_surroundings(stage: Stage) -> None:
    """One core of several, the locale C, no home, a terminal that can do nothing, nobody who reads."""
    stage.env = BARE
    stage.done = stage.measure(wrapper=(*ONE_CORE, *IN_A_WINDOW))
    _ended(stage, 0)
    _whole(stage)
    assert "\x1b" not in stage.done.output
    assert "验证设置生效" in stage.done.output
    assert {"cores": 1, "affinity_cores": 1}.items() <= stage.journal().header.machine.items()
    stage.done = stage.start_building(ONE_CORE).wait()
    assert "网站已写好" in stage.done.output
    _site_stands(stage)
    stage.done = stage.bench("run", "--help")
    assert "时间预算" in stage.done.output
    stage.done = stage.bench("list", wrapper=("sh", "-c", 'exec 1>&- ; exec "$0" "$@"'))
    _ended(stage, 0)


@pytest.mark.parametrize("profile", ["quick", "default"])
def test_whole_site_is_planned_for_little_memory_and_one_core(
    monkeypatch: pytest.MonkeyPatch, make: Make, profile: str
) -> None:
    """No experiment is given up, and none may take more than its share."""
    for gib, cores in ((1, 1), (1, 2), (2, 2)):
        monkeypatch.setattr(campaign, "free_memory", lambda gib=gib: gib * GIB)
        machine = make.machine(memory_gib=gib, cores=cores, affinity_cores=cores, logical_cores=cores)
        planned = campaign.plan(tuple(EXPERIMENTS), PROFILES[profile], Here(machine=machine, software={}))
        assert len(planned) == len(EXPERIMENTS)
        for one in planned:
            assert one.groups, one.experiment.id
            ids = [case.id for case in one.cases]
            assert len(ids) == len(set(ids)), one.experiment.id
        assert campaign.memory_needed(planned) <= gib * GIB * MEMORY_SHARE
