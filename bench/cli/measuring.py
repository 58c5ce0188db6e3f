"""The commands that measure: `run` and `selftest`."""

from __future__ import annotations

import re
import secrets
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, cast

from cyclopts import Parameter

from bench.cli import announce
from bench.cli.console import Progress, progress, say
from bench.cli.refusals import MAKE_ROOM, Refused, refuse_faulty, tell_failures, working
from bench.cli.usage import meant
from bench.experiments import BROKEN, EXPERIMENTS, OF_A_BUILD
from bench.measure import campaign
from bench.measure import selftest as known_things
from bench.measure.campaign import Here
from bench.measure.earlier import find_valid, with_seconds
from bench.measure.profiles import PROFILES
from bench.measure.runner import Runner
from bench.results.summary import summarise
from bench.results.trust import Check, checks
from bench.site.draft import Drafts
from bench.spec import Importance
from bench.system import leftovers
from bench.system.lock import alone
from bench.system.terminal import leaving

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from bench.measure.campaign import Campaign
    from bench.measure.profiles import Name, Profile
    from bench.system.folders import Folders

UNITS = {"s": 1, "m": 60, "h": 3600}
MOST_HOURS = 7 * 24
"""Longest budget; the thorough profile takes four hours."""
IDS_HELP = "实验名；不写就是一次构建要的全部。另要时间的（versions、upstream）写了名字才测。"
PROFILES_HELP = "smoke（只为测试）、quick（草稿）、default、thorough；不写就是 default。"
BUDGET_HELP = "时间预算，如 90s、10m、1h。不够时先少测几组，测的每组都够轮数；有余就再测还分不出快慢的。"


def run(
    *ids: Annotated[str, Parameter(name="实验", help=IDS_HELP)],
    profile: Annotated[str, Parameter(metavar="档位", help=PROFILES_HELP)] = "default",
    budget: Annotated[str | None, Parameter(metavar="时间", help=BUDGET_HELP)] = None,
    reuse: Annotated[bool, Parameter(negative="", help="已有本机有效结果的实验不再测。")] = False,
    fresh: Annotated[bool, Parameter(negative="", help="不接着做上次中断的测量，从头开始。")] = False,
) -> None:
    """测量。先打印计划（时间、内存、磁盘），再一个子进程一个子进程地测，每个样本立刻存盘。

    Ctrl-C 会保留已测的样本；24 小时内再次运行同一命令会接着做。测全部实验时，第一轮之后就有网站的草稿。

    例：`python -m bench run arena --profile quick --budget 5m`
    """
    if reuse and fresh:
        raise Refused("--reuse 和 --fresh 不能一起用：一个留着已有的结果，一个从头开始")
    check_known("档位", [profile], PROFILES)
    chosen = PROFILES[cast("Name", profile)]
    check_known("实验", ids, (*EXPERIMENTS, *BROKEN))
    refuse_faulty(ids)
    budget_s = _budget_s(ids, chosen) if budget is None else parse_duration(budget)
    go_on = f"用同一命令{'（不带 --fresh）' if fresh else ''}接着做"
    with measuring(f"已测好的样本都在，腾出空间后{go_on}") as (folders, teller):
        here, wanted = Here.read(), tuple(dict.fromkeys(ids)) or OF_A_BUILD
        if reuse:
            wanted = _not_measured(wanted, here, folders, teller)
        if not wanted:
            return
        planned = with_seconds(campaign.plan(wanted, chosen, here), here, folders.results)
        campaign.check_budget(planned, budget_s)
        announce.plan(planned, chosen, folders, teller)
        if not ids and not reuse:  # the notebooks belong to the build: let the next site run them anew
            shutil.rmtree(folders.notebooks, ignore_errors=True)
        work = campaign.open_campaign(
            planned, here, folders, budget_s=budget_s, fresh=fresh, tell=teller.note
        )
        runner = _ready(work, chosen, budget_s, teller)
        drafts = Drafts(work.build, folders, runner)
        if not ids:
            runner.headlines, runner.at_look = _headlines(wanted), drafts.update
        left = f"测好的样本都在，24 小时内可以{go_on}。"
        with leaving(lambda: left + (drafts.told() if drafts.last else "")):
            if profile in known_things.WITH_SELFTEST:
                _look_at_itself(work.build, here, folders, teller)
            runner.run()
        shutil.rmtree(folders.work / work.build, ignore_errors=True)
        announce.finished(work, teller)
    tell_failures(task.writer.journal for task in work.tasks)


def selftest() -> None:
    """测几件事先知道答案的事，看测量程序看不看得见：睡眠、运算、内存、相同的设置、多 10% 的运算。约半分钟。

    默认档和细致档开测前都会先做一遍，结果写在网站的“这次测得准不准”里。
    """
    with measuring() as (folders, teller), leaving("自检没有做完，下次从头做。"):
        found = _look_at_itself(campaign.new_build_id(), Here.read(), folders, teller)
    for one in found:
        mark = {True: "✓", False: "✗", None: "· 本机读不到"}[one.passed]
        say(f"{mark} {one.title}：应当 {one.expected}，实际 {one.seen}")
    if any(one.passed is False for one in found):
        sys.exit(1)


@contextmanager
def measuring(full: str = MAKE_ROOM) -> Iterator[tuple[Folders, Progress]]:
    """Nobody else measures meanwhile, and nothing of a killed run is left."""
    with working(full) as folders, progress() as teller, alone(folders.lock, teller.note):
        shutil.rmtree(folders.work, ignore_errors=True)  # halves of files
        if gone := leftovers.sweep(folders.leftovers):
            teller.note(f"上次没有正常结束，留在系统里的已经清掉：{'、'.join(gone)}")
        yield folders, teller


def _budget_s(ids: Sequence[str], profile: Profile) -> float:
    """The profile's; of experiments that have a time of their own, that."""
    own = [EXPERIMENTS[name].own_budget_s for name in dict.fromkeys(ids)]
    return sum(filter(None, own)) if own and all(own) else profile.budget_s


def _not_measured(wanted: Sequence[str], here: Here, folders: Folders, teller: Progress) -> tuple[str, ...]:
    """Those without a valid result, or left out for want of time."""
    found = {name: find_valid(EXPERIMENTS[name], here, folders.results, teller.note) for name in wanted}
    kept = {name: journal for name, journal in found.items() if journal and journal.header.groups}
    announce.drafts([*kept.values()], teller)
    if len(kept) == len(found):
        teller.note("全部实验都有本机的有效结果，不用再测")
    return tuple(name for name in found if name not in kept)


def _ready(work: Campaign, profile: Profile, budget_s: float, teller: Progress) -> Runner:
    """A runner, and how long it takes."""
    announce.time([task.planned for task in work.tasks], profile, budget_s, teller)
    runner = Runner(tasks=work.tasks, seed=work.seed, budget_s=budget_s, reporter=teller)
    announce.resumed(work, runner.remaining_s(), teller)
    return runner


def _headlines(ids: Sequence[str]) -> frozenset[str]:
    """What home and article show first: measured first, so that the first draft says something."""
    return frozenset(name for name in ids if EXPERIMENTS[name].importance is Importance.HEADLINE)


def _look_at_itself(build: str, here: Here, folders: Folders, teller: Progress) -> list[Check]:
    """Whether the harness sees what is there; what it misses is told, and stands on the certificate."""
    teller.note("自检：先测几件事先知道答案的事，约半分钟")
    journal = known_things.measure(build, secrets.randbelow(1 << 31), here, folders, teller)
    found = list(checks(summarise(known_things.EXPERIMENT, journal)))
    for one in found:
        if one.passed is False:
            teller.note(f"自检没有通过：{one.title}，应当 {one.expected}，实际 {one.seen}")
    return found


def parse_duration(text: str) -> float:
    """Seconds from `90s`, `10m`, `1h`, or a bare number of seconds."""
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match:
        raise Refused(f"看不懂的时间“{text}”：请写成 90s、10m 或 1h")
    seconds = float(match[1]) * UNITS[match[2] or "s"]
    if not 0 < seconds <= MOST_HOURS * UNITS["h"]:
        raise Refused(f"时间“{text}”{'太长，最多' if seconds > 0 else '要大于 0，最多'} {MOST_HOURS}h")
    return seconds


def check_known(what: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise Refused(f"没有{what}“{name}”{meant(name, known)}，可用的有：{'、'.join(known)}")
