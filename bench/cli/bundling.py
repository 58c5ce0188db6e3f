"""Results for others: the command `bundle`, and the look at files that others have sent."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - cyclopts reads it
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from bench.cli.console import say
from bench.cli.refusals import Refused, refuse_faulty, working
from bench.experiments import OF_A_BUILD
from bench.results.bundle import BadBundle, pack, read
from bench.system.folders import ROOT, write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

MACHINES = ROOT / "docs" / "machines"
TARGET_HELP = "放在哪个文件夹；不写就是 docs/machines，网站从那里读。"


def bundle(*, target: Annotated[Path, Parameter(metavar="目录", help=TARGET_HELP)] = MACHINES) -> None:
    """把本机的全部结果打成一个文件，和别的机器的放在一起看；名字由处理器、核数、系统和指纹组成。

    里面是各实验的数字、自检、机器和软件的型号；没有主机名、用户名、路径和地址，日志的原文也不带。先用默认档测一遍。
    """
    from bench.pages import source

    refuse_faulty()
    with working():
        status = source.status()
        valid = [name for name in OF_A_BUILD if status.get(name) == "valid"]
        if not valid:
            raise Refused("没有可以打包的结果：先运行 nox -s docs，它会测量并导出")
        try:
            name, content = pack([source.load(one) for one in valid], source.selftests())
        except BadBundle as bad:
            raise Refused(f"这次的结果不能打包：{bad}") from bad
        path = target / name
        write_whole(path, content)
    say(f"{path}：{len(valid)} 个实验，{len(content) / 1024:.0f} KiB")


def check_files(paths: Sequence[Path]) -> None:
    """Say of every file whether it may be shown; status 1 unless all may."""
    bad = False
    for path in paths:
        try:
            found = read(path)
        except BadBundle as fault:
            bad = True
            say(f"✗ {path.name}：{fault}")
        else:
            noisy = "" if found.votes else "，噪声太大，只列出，不参加比较"
            say(f"✓ {path.name}：有效，{len(found.exports)} 个实验{noisy}")
    if bad:
        sys.exit(1)
