"""The command `tune`: a proved setting for the reader's own model."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Parameter

from bench.cli.console import say
from bench.cli.measuring import check_known, measuring, parse_duration
from bench.cli.refusals import HARMLESS, Refused, tell_failures
from bench.measure.campaign import Here
from bench.pages import tuned as pages
from bench.system.folders import write_whole
from bench.system.terminal import leaving
from bench.tune import beginning, place
from bench.tune.own import CannotTune, Wanted, read
from bench.tune.unfinished import RESULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.results.tuned import Goal, Tuned
    from bench.tune.tuning import Tuning

ROOT = Path("tuned")
"""Where results are put, from where the command was given."""
OWN_RESULT = (*HARMLESS, "wrong_output")
"""Of a setting that is tried, other outputs are a reason to leave it, not a failure of ours."""
MOST_GAP_MS = 60_000
UNITS = {"": 1.0, "KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}
GOALS = ("latency", "peak", "kept", "cpu", "all")


def _option(metavar: str, help: str, **more: Any) -> Parameter:
    return Parameter(metavar=metavar, help=help, negative="", **more)


Goals = Annotated[
    str,
    _option(
        "目标",
        "看重什么：latency 求快，peak 推理途中内存少，kept 做完后内存少，cpu 省 CPU；不写是 all，都看。",
    ),
]
Budget = Annotated[str, _option("时间", "时间预算，如 5m、1h；不写是 10m。")]
Dims = Annotated[
    list[str] | None, _option("名=数", "可变的维取多少：seq=128。几个数就是几种尺寸轮着来：seq=32,64,128。")
]
Batch = Annotated[int | None, _option("数", "第一维可变时取多少，不写是 1。")]
Inputs = Annotated[
    list[Path] | None,
    _option("文件", "自己的输入：一个 .npz 是一次推理，键是输入名。", consume_multiple=True),
]
Ranges = Annotated[list[str] | None, _option("名=范围", "浮点输入的取值范围，如 x=0,1；不写是标准正态。")]
Every = Annotated[
    str | None, _option("时间", "每次推理之后停多久，如 100ms：请求隔一会儿才来。这时也看 p95 和 CPU。")
]
Callers = Annotated[int, _option("数", "几个线程同时调用一个会话，不写是 1。")]
Cores = Annotated[int | None, _option("数", "只用这么多个核。")]
Quota = Annotated[float | None, _option("核数", "像容器那样限定 CPU 配额，如 1.5（要能建 cgroup）。")]
Limits = Annotated[list[str] | None, _option("量=上限", "不许超过：peak=500MiB、kept=300MiB。")]
Ort = Annotated[str | None, _option("版本", "换一个 onnxruntime 版本测，如 1.29.0（装到单独的环境里）。")]
NoCompare = Annotated[bool, _option("", "不核对输出：模型里有随机算子时用。")]
Fusions = Annotated[bool, _option("", "图优化一项一项地关，看哪一项在这个模型上帮倒忙。")]
Fresh = Annotated[bool, _option("", "不接着做上次中断的。")]


def tune(
    model: Annotated[Path, Parameter(name="模型", help="ONNX 文件（.onnx 或 .ort）。")],
    /,
    *,
    goal: Goals = "all",
    budget: Budget = "10m",
    dim: Dims = None,
    batch: Batch = None,
    inputs: Inputs = None,
    range: Ranges = None,
    every: Every = None,
    callers: Callers = 1,
    cores: Cores = None,
    quota: Quota = None,
    limit: Limits = None,
    ort: Ort = None,
    fusions: Fusions = False,
    no_compare: NoCompare = False,
    fresh: Fresh = False,
) -> None:
    """给你自己的模型找设置，并证明它：先逐项试，再把好的合在一起，在新的轮次里和默认比。默认就好时会直说。

    结果在 `tuned/` 下：`settings.py` 拿来就能用，`index.html` 是全部数字，`tuned.json` 和 `rows.csv` 给程序读。
    Ctrl-C 之后，24 小时内再运行同一条命令会接着做。

    例：

    `python -m bench tune model.onnx`

    `python -m bench tune bert.onnx --dim seq=128 --goal latency --every 100ms`

    `python -m bench tune det.onnx --inputs a.npz b.npz --quota 1.5 --limit peak=500MiB`
    """
    check_known("目标", [goal], GOALS)
    wanted = Wanted(
        model=model,
        goal=cast("Goal", goal),
        budget_s=parse_duration(budget),
        gap_ms=_milliseconds(every) if every else 0,
        callers=_at_least_one("--callers", callers),
        cores=cores,
        quota=quota,
        dims={name: _sizes(name, text) for name, text in _pairs("--dim", dim, "seq=128")},
        inputs=tuple(inputs or ()),
        batch=None if batch is None else _at_least_one("--batch", batch),
        ranges={name: _bounds(name, text) for name, text in _pairs("--range", range, "x=0,1")},
        limits={_memory(name): _mib(text) for name, text in _pairs("--limit", limit, "peak=500MiB")},
        ort=ort,
        compare=not no_compare,
        every_fusion=fusions,
    )
    with _refusing(), measuring("已测好的样本都在，腾出空间后用同一命令接着做") as (folders, teller):
        scratch = folders.work / "tune"
        own = read(wanted, scratch)
        python = place.interpreter(ort, folders.work.with_name("runtimes"))
        with place.on_cores(cores), place.with_quota(quota, folders.leftovers):
            work = beginning.begin(wanted, own, _here(ort), ROOT, python, fresh=fresh, reporter=teller)
            with leaving("测好的样本都在，24 小时内可以用同一命令接着做。"):
                found = work.run()
        _write(work, found)
    for line in pages.told(found):
        say(line)
    say(f"全部数字：{work.folder / 'index.html'}；拿来就能用的：{work.folder / 'settings.py'}")
    tell_failures(work.journals(), OWN_RESULT)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except CannotTune as refusal:
        raise Refused(str(refusal)) from refusal


def _here(ort: str | None) -> Here:
    """This machine, with the software that is measured."""
    found = Here.read()
    return replace(found, software={**found.software, "onnxruntime": ort}) if ort else found


def _write(work: Tuning, found: Tuned) -> None:
    """`tuned.json` last: it says that all is there."""
    model = work.own.path.absolute()
    write_whole(work.folder / "settings.py", pages.settings_py(found, model))
    write_whole(work.folder / "index.html", pages.page(found))
    write_whole(work.folder / "rows.csv", pages.rows_csv(found))
    write_whole(work.folder / RESULT, found.model_dump_json(indent=1))
    shutil.rmtree(work.folder / "work", ignore_errors=True)


def _pairs(option: str, texts: Sequence[str] | None, example: str) -> Iterator[tuple[str, str]]:
    for text in texts or ():
        name, equals, value = text.rpartition("=")
        if not equals or not name or not value:
            raise Refused(f"看不懂 {option} {text}：请写成 {option} {example}")
        yield name.strip(), value.strip()


def _sizes(name: str, text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise Refused(
            f"--dim {name}={text}：要写不小于 0 的整数，如 --dim {name}=128 或 --dim {name}=32,64,128"
        )
    return tuple(int(part) for part in parts)


def _bounds(name: str, text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise Refused(f"--range {name}={text}：要写两个数，如 --range {name}=0,1") from None
    return low, high


def _memory(name: str) -> Goal:
    if name not in ("peak", "kept"):
        raise Refused(
            f"--limit {name}：能限定的是 peak（最多占）和 kept（做完后还占），如 --limit peak=500MiB"
        )
    return cast("Goal", name)


def _mib(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(|KiB|MiB|GiB)", text)
    if not match or float(match[1]) <= 0:
        raise Refused(f"看不懂的内存“{text}”：请写成 500MiB 或 2GiB")
    return float(match[1]) * UNITS[match[2]]


def _milliseconds(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(ms|s)", text)
    found = round(float(match[1]) * (1000 if match[2] == "s" else 1)) if match else 0
    if not 0 < found <= MOST_GAP_MS:
        raise Refused(f"看不懂 --every {text}：请写成 100ms 或 1s，最多 {MOST_GAP_MS // 1000}s")
    return found


def _at_least_one(option: str, number: int) -> int:
    if number < 1:
        raise Refused(f"{option} {number}：至少是 1")
    return number
