"""`python -m bench`: list, run, selftest, check, compare, export, site, links.

Errors are one sentence on stderr and a non-zero status: 1 could not, 2 wrong usage, 3 measured but
a case failed, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import CycloptsError, Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from bench.cli import commands, usage
from bench.cli.commands import Refused
from bench.system import harmless
from bench.system.parent import follow
from bench.system.terminal import CannotPrint, Stopped, drop_output, listen, notice_full_output, speak_chinese

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

app = usage.app(
    "bench",
    "测量 ONNX Runtime 的 CPU 推理设置，并把结果变成网页。先 `run`，再 `site`；`nox -s docs` 两步都做。",
)
out = Console()
err = Console(stderr=True)
TARGET_HELP = "成品放在哪里；不写就是 site。"
SITE_HELP = "建好的网站在哪里；不写就是 site。"
NARROW, WIDE = 60, 1000
"""Columns: a terminal with fewer has no room for a table; and those of a table that is not folded."""

PROFILES_HELP = "smoke（只为测试）、quick（草稿）、default、thorough；不写就是 default。"
BUDGET_HELP = "时间预算，如 90s、10m、1h；不够就均匀减少轮数。"
BUILD_HELP = "构建编号（认得出的前几个字也行），或 data 文件夹。"


def say(sentence: str, console: Console = out) -> None:
    """As it is, whatever brackets and paths it holds; what it quotes of others must not steer the terminal."""
    console.print(harmless.lines(sentence), markup=False, highlight=False, soft_wrap=True)


def show(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table that cuts nothing: it folds on a terminal with room for it, and has a line for each row elsewhere."""
    first, *others = (Column(title, overflow="fold") for title in titles)
    first.no_wrap = True
    table = Table(first, *others)
    for row in rows:
        table.add_row(*(escape(harmless.text(cell)) for cell in row))
    fits = out.is_terminal and out.width >= NARROW
    (out if fits else Console(width=WIDE)).print(table)


@app.command(name="list")
def list_() -> None:
    """列出全部实验，以及每个实验最近一次的结果。"""
    show(("实验", "问题", "结果"), commands.listing())


@app.command
def run(
    *ids: Annotated[str, Parameter(name="实验", help="实验名；不写就是全部。")],
    profile: Annotated[str, Parameter(metavar="档位", help=PROFILES_HELP)] = "default",
    budget: Annotated[str | None, Parameter(metavar="时间", help=BUDGET_HELP)] = None,
    reuse: Annotated[bool, Parameter(negative="", help="已有本机有效结果的实验不再测。")] = False,
    fresh: Annotated[bool, Parameter(negative="", help="不接着做上次中断的测量，从头开始。")] = False,
) -> None:
    """测量。先打印计划（时间、内存、磁盘），再一个子进程一个子进程地测，每个样本立刻存盘。

    Ctrl-C 会保留已测的样本；24 小时内再次运行同一命令会接着做。

    例：`python -m bench run arena --profile quick --budget 5m`
    """
    failures = commands.run(ids, profile_name=profile, budget=budget, reuse=reuse, fresh=fresh, console=out)
    _tell_failures(failures)


@app.command
def selftest() -> None:
    """测几件事先知道答案的事，看测量程序看不看得见：睡眠、运算、内存、相同的设置、多 10% 的运算。约半分钟。

    默认档和细致档开测前都会先做一遍，结果写在网站的构建证书上。
    """
    found = commands.selftest(out)
    marks = {True: "✓", False: "✗", None: "本机读不到"}
    rows = ((one.title, one.expected, one.seen, marks[one.passed]) for one in found)
    show(("量什么", "应当看到", "实际看到", "通过"), rows)
    if any(one.passed is False for one in found):
        sys.exit(1)


@app.command
def check() -> None:
    """检查已存的结果：能不能读，是不是本机、这套代码和这个 ORT 测的。

    旧结果旁边有了有效的，就不算错。
    """
    good = True
    for mark, sentence in commands.check():
        good = good and mark != "✗"
        say(f"{mark} {sentence}")
    if not good:
        sys.exit(1)


@app.command
def compare(
    first: Annotated[str, Parameter(name="甲", help=BUILD_HELP)],
    second: Annotated[str, Parameter(name="乙", help=BUILD_HELP)],
    /,
) -> None:
    """两次构建的数字是否一致。可以是构建编号（见 build/results），也可以是下载来的 data 文件夹。

    机器或软件不同的，只比各自对默认设置的比值和内存。结论反了，或延迟区间重合不到 95%，就以非零状态结束。
    """
    told, agrees = commands.compare(first, second)
    for line in told:
        say(line)
    if not agrees:
        sys.exit(1)


@app.command
def export(
    *,
    stale_ok: Annotated[
        bool, Parameter(negative="", help="没有有效结果时用旧的（只给实时预览用）。")
    ] = False,
) -> None:
    """把结果写成 JSON、CSV、pyperf 和图表文件，放在 build/export/。"""
    status = commands.export(stale_ok=stale_ok, tell=lambda text: say(text, err))
    if not status:
        say("没有可以导出的结果：先运行 nox -s docs", err)
    for name, state in status.items():
        say(f"{name}：{'有效' if state == 'valid' else '过期'}")


@app.command
def site(*, target: Annotated[Path, Parameter(metavar="目录", help=TARGET_HELP)] = Path("site")) -> None:
    """构建网站：先在临时目录里建好、检查，再换掉旧的；失败时旧的网站原封不动。

    什么也不测：页面要用的结果缺了哪个，就不建，并说出来。
    """
    pages, failures = commands.site(target, say)
    say(f"网站已写好：{target}/index.html（{pages} 页）")
    _tell_failures(failures)


@app.command
def links(*, site: Annotated[Path, Parameter(metavar="目录", help=SITE_HELP)] = Path("site")) -> None:
    """列出网站里通向别处的链接和它们所在的页面，供人复查；站内的链接每次构建都会检查。"""
    for address, pages in commands.outward_links(site).items():
        say(f"{address}  {'、'.join(pages)}")


def _tell_failures(sentences: list[str]) -> None:
    """Failed cases are data: everything else is there, but the status says that something is wrong."""
    for sentence in sentences:
        say(f"失败：{sentence}", err)
    if sentences:
        sys.exit(3)


def main() -> None:
    """Run a command; known refusals are one sentence, without a traceback."""
    speak_chinese()
    notice_full_output()
    follow()
    listen()
    try:
        app()
    except CycloptsError as error:
        say(usage.wrong(error), err)
        sys.exit(2)
    except Refused as refusal:
        say(str(refusal), err)
        sys.exit(1)
    except CannotPrint as refusal:
        say(str(refusal), err)
        drop_output()
        sys.exit(1)
    except Stopped as stopped:
        with suppress(OSError, CannotPrint):  # the terminal may be gone
            say(f"已中断。{stopped.leaves}", err)
            sys.stdout.flush()
        os._exit(stopped.status)  # everything is put away; a timer that is left over must not hold us up


if __name__ == "__main__":
    main()
