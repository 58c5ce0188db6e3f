"""What the commands of `python -m bench` do, apart from talking to the terminal."""

from __future__ import annotations

import errno
import re
import secrets
import shutil
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from bench.cli import announce
from bench.cli.progress import Progress, progress
from bench.experiments import EXPERIMENTS
from bench.measure import campaign
from bench.measure import selftest as selftests
from bench.measure.campaign import CannotMeasure, Here
from bench.measure.earlier import find_valid, set_differently, with_seconds
from bench.measure.observer import TITLES
from bench.measure.profiles import PROFILES, Name, Profile
from bench.measure.runner import Runner
from bench.measure.trial import try_out
from bench.models import ModelError
from bench.results import store
from bench.results.summary import summarise
from bench.results.trust import Check, checks
from bench.system.ages import age
from bench.system.folders import BUILD_VARIABLE, ROOT, Folders
from bench.system.lock import alone
from bench.system.terminal import leaving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

HARMLESS = ("out_of_memory", "not_applicable")
"""Failures that say something of the machine, not of us."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No room on the disk, in our share of it, or in a file of ours."""
UNWRITABLE = (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST)
UNITS = {"s": 1, "m": 60, "h": 3600}
MOST_HOURS = 7 * 24
"""Longest budget; the thorough profile takes four hours."""
MAKE_ROOM = "腾出空间后再运行一次"


class Refused(Exception):
    """A command could not do its work; the message is one sentence for the user."""


def listing() -> Iterator[tuple[str, str, str]]:
    """(id, question, state of the newest result) of every experiment."""
    here, folders = Here.read(), Folders.here()
    for experiment in EXPERIMENTS.values():
        journal = find_valid(experiment, here, folders.results, lambda _: None)
        state = "没有本机的有效结果"
        if journal:
            state = f"{journal.header.profile}，{_ago(journal.header.started_at)}"
        yield experiment.id, experiment.question, state


def run(
    ids: Sequence[str], *, profile_name: str, budget: str | None, reuse: bool, fresh: bool, console: Console
) -> list[str]:
    """Measure. Returns a sentence for each case that failed and must not."""
    if reuse and fresh:
        raise Refused("--reuse 和 --fresh 不能一起用：一个留着已有的结果，一个从头开始")
    profile = _profile(profile_name)
    budget_s = profile.budget_s if budget is None else parse_duration(budget)
    wanted = _known(ids)
    folders = _writable_folders()
    go_on = f"用同一命令{'（不带 --fresh）' if fresh else ''}接着做"
    full = f"已测好的样本都在，腾出空间后{go_on}"
    with _refusals(full), progress(console) as teller, alone(folders.lock, teller.note):
        shutil.rmtree(folders.work, ignore_errors=True)  # a killed process may have left halves of files
        here = Here.read()
        if reuse:
            kept = {n: find_valid(EXPERIMENTS[n], here, folders.results, teller.note) for n in wanted}
            announce.drafts([journal for journal in kept.values() if journal], teller)
            wanted = tuple(name for name, journal in kept.items() if not journal)
            if not wanted:
                teller.note("全部实验都有本机的有效结果，不用再测")
                return []
        planned = with_seconds(campaign.plan(wanted, profile, here), here, folders.results)
        campaign.check_budget(planned, budget_s)
        announce.plan(planned, profile, folders, teller)
        if not ids and not reuse:  # the notebooks belong to the build: let the next site run them anew
            shutil.rmtree(folders.notebooks, ignore_errors=True)
        work = campaign.open_campaign(planned, here, folders, fresh=fresh, tell=teller.note)
        if profile.min_seconds:
            teller.note("试跑：每种输入各跑一次默认设置，估要多久")
            try_out(work.tasks)
        planned = tuple(task.planned for task in work.tasks)
        campaign.check_budget(planned, budget_s)
        announce.time(planned, profile, budget_s, teller)
        runner = Runner(tasks=work.tasks, seed=work.seed, budget_s=budget_s, reporter=teller)
        announce.resumed(work, runner.remaining_s(0), teller)
        with leaving(f"测好的样本都在，24 小时内可以{go_on}。"):
            if profile.name in selftests.WITH_SELFTEST:
                _look_at_itself(work.build, here, folders, teller)
            runner.run()
        shutil.rmtree(folders.work / work.build, ignore_errors=True)
        teller.note(f"测完，构建 {work.build}")
        announce.quiet([task.writer.journal for task in work.tasks], teller)
        return [sentence for task in work.tasks for sentence in _failures(task.writer.journal)]


def selftest(console: Console) -> list[Check]:
    """Measure things of known cost, now. Returns what was seen of each."""
    folders = _writable_folders()
    again = leaving("自检没有做完，下次从头做。")
    with _refusals(), progress(console) as teller, alone(folders.lock, teller.note), again:
        return _look_at_itself(campaign.new_build_id(), Here.read(), folders, teller)


def _look_at_itself(build: str, here: Here, folders: Folders, teller: Progress) -> list[Check]:
    """Whether the harness sees what is there; what it misses is told, and stands on the certificate."""
    teller.note("自检：先测几件事先知道答案的事，约半分钟")
    journal = selftests.measure(build, secrets.randbelow(1 << 31), here, folders, teller)
    found = list(checks(summarise(selftests.EXPERIMENT, journal)))
    for one in found:
        if one.passed is False:
            teller.note(f"自检没有通过：{one.title}，应当 {one.expected}，实际 {one.seen}")
    return found


def check() -> Iterator[tuple[str, str]]:
    """(mark, sentence) for every stored result: ✓ valid, ✗ bad, · not used and no harm."""
    here, folders = Here.read(), Folders.here()
    empty = True
    for experiment in (selftests.EXPERIMENT, *EXPERIMENTS.values()):
        keys = {name: here.key(experiment, profile) for name, profile in PROFILES.items()}
        found = [_check_one(path, keys, here) for path in store.journals(folders.results, experiment.id)]
        replaced = any(mark == "✓" for mark, _ in found)
        for mark, sentence in found:
            empty = False
            yield (
                ("·", f"{sentence}；已有有效的，可以删掉它") if replaced and mark == "✗" else (mark, sentence)
            )
    if empty:
        yield "✗", "还没有任何结果：先运行 nox -s docs"


def export(*, stale_ok: bool, tell: Callable[[str], None]) -> dict[str, str]:
    """Write the published files. Returns id -> state."""
    from bench.site.publish import publish

    folders = _writable_folders()
    with _refusals(), alone(folders.lock, tell):  # it works for seconds: whoever measures must not notice
        return publish(Here.read(), folders, tell, stale_ok=stale_ok)


def compare(first: str, second: str) -> tuple[list[str], bool]:
    """(lines to print, whether the second build repeats the first)."""
    from bench.cli import builds, compared
    from bench.results.compare import Incomparable
    from bench.results.compare import compare as hold_together

    folders = Folders.here()
    try:
        one, other = (builds.load(name, folders) for name in (first, second))
        found = hold_together(one, other)
    except (builds.NoSuchBuild, Incomparable) as refusal:
        raise Refused(str(refusal)) from refusal
    same = {export.build.id for export in one} == {export.build.id for export in other}
    told = ["两边是同一次构建，当然一致。"] if same else []
    return [*told, *compared.lines(found)], found.agrees


def site(target: Path, tell: Callable[[str], object]) -> tuple[int, list[str]]:
    """Build, check and put in place the site. Returns the number of pages, and the failed cases that they show."""
    from bench.site.build import BrokenSite, build

    folders = _writable_folders()
    try:
        with _refusals():
            pages = build(ROOT / "mkdocs.yml", target, folders, tell)
    except BrokenSite as broken:
        raise Refused(f"网站没有建成，旧的保持不变：{broken}") from broken
    here = Here.read()
    shown = (find_valid(one, here, folders.results, lambda _: None) for one in EXPERIMENTS.values())
    return pages, [sentence for journal in shown if journal for sentence in _failures(journal)]


def outward_links(site: Path) -> dict[str, list[str]]:
    """Addresses that a built site links to elsewhere, and the pages that do."""
    from bench.site.check import leaving

    if not (site / "index.html").exists():
        raise Refused(f"{site} 里没有建好的网站：先运行 nox -s docs")
    return leaving(site)


def parse_duration(text: str) -> float:
    """Seconds from `90s`, `10m`, `1h`, or a bare number of seconds."""
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match:
        raise Refused(f"看不懂的时间“{text}”：请写成 90s、10m 或 1h")
    seconds = float(match[1]) * UNITS[match[2] or "s"]
    if not 0 < seconds <= MOST_HOURS * UNITS["h"]:
        raise Refused(f"时间“{text}”{'太长，最多' if seconds > 0 else '要大于 0，最多'} {MOST_HOURS}h")
    return seconds


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise Refused(f"没有档位“{name}”，可用的有：{'、'.join(PROFILES)}")
    return PROFILES[name]


def _known(ids: Sequence[str]) -> tuple[str, ...]:
    for name in ids:
        if name not in EXPERIMENTS:
            raise Refused(f"没有实验“{name}”，可用的有：{'、'.join(EXPERIMENTS)}")
    return tuple(dict.fromkeys(ids)) or tuple(EXPERIMENTS)


def _writable_folders() -> Folders:
    """The folders, below one that is there."""
    folders = Folders.here()
    try:
        folders.lock.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(_unwritable(folders.lock.parent)) from error
    return folders


def _unwritable(path: str | Path) -> str:
    return f"不能写入 {path}：请检查权限，或用环境变量 {BUILD_VARIABLE} 把结果放到别处"


@contextmanager
def _refusals(full: str = MAKE_ROOM) -> Iterator[None]:
    """Turn what can go wrong outside our code into one sentence; `full` says what to do about a full disk."""
    try:
        yield
    except (CannotMeasure, ModelError) as error:
        raise Refused(str(error)) from error
    except OSError as error:
        if error.errno in FULL:
            raise Refused(f"磁盘已满：{full}") from error
        if error.errno in UNWRITABLE:
            raise Refused(_unwritable(error.filename or Folders.here().lock.parent)) from error
        raise


def _failures(journal: store.Journal) -> Iterator[str]:
    """Cases whose failure makes the build end non-zero: not those stopped for lack of memory or not applicable."""
    tolerated = {case.id for case in journal.header.cases if case.may_fail}
    groups = {group.index: f"{group.model} {group.input}" for group in journal.header.groups}
    found = [(sample.case, groups[sample.group], sample.failure) for sample in journal.samples]
    found += [(record.case, "验证设置", record.failure) for record in journal.untimed]
    found += [(record.case, TITLES[record.script], record.failure) for record in journal.reports]
    told = (
        f"{journal.header.experiment} / {where} / {case}：{failure.reason}"
        for case, where, failure in found
        if failure and case not in tolerated and failure.kind not in HARMLESS
    )
    yield from dict.fromkeys(told)


def _ago(started_at: str) -> str:
    return f"{age(datetime.fromisoformat(started_at))}前"


def _check_one(path: Path, keys: Mapping[Name, str], here: Here) -> tuple[str, str]:
    name = f"{path.parent.name}/{path.name}"
    try:
        journal = store.read(path)
    except store.DamagedJournal as error:
        return "✗", f"{name}：损坏（{error}）"
    if not journal.complete:
        return "·", f"{name}：没有测完，{len(journal.samples)} 个样本"
    if journal.header.key != keys[journal.header.profile]:
        return "✗", f"{name}：不是这台机器、这套代码或这个 ORT 的结果"
    if changed := set_differently(journal.header, here):
        return "✗", f"{name}：不沿用，{changed}"
    return "✓", f"{name}：有效，{journal.header.profile}，{_ago(journal.header.started_at)}"
