"""The command `compare`: the results of two builds, found by id or in a folder of downloaded files, as lines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import ValidationError

from bench.cli.console import say
from bench.cli.refusals import Refused
from bench.experiments import EXPERIMENTS
from bench.pages.numbers import plain
from bench.pages.words import VERDICTS
from bench.results import store
from bench.results.compare import MEMORY, RATIOS, TIMES, Comparison, Incomparable, Pair
from bench.results.compare import compare as hold_together
from bench.results.kinds import complaint
from bench.results.plausible import Implausible
from bench.results.plausible_export import check_export
from bench.results.published import Export, Row
from bench.results.summary import summarise
from bench.results.verdicts import DECIDED
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILD_HELP = "构建编号（认得出的前几个字也行），或 data 文件夹。"
GROUPS = (("延迟区间", TIMES), ("比值区间", RATIOS), ("内存", MEMORY))
MOST_LINES = 20


def compare(
    first: Annotated[str, Parameter(name="甲", help=BUILD_HELP)],
    second: Annotated[str, Parameter(name="乙", help=BUILD_HELP)],
    /,
) -> None:
    """两次构建的数字是否一致。可以是构建编号（见 build/results），也可以是下载来的 data 文件夹。

    机器或软件不同的，只比各自对默认设置的比值和内存。结论反了，或延迟区间重合不到 95%，就以非零状态结束。
    """
    one, other = (load(name, Folders.here().results) for name in (first, second))
    try:
        found = hold_together(one, other)
    except Incomparable as refusal:
        raise Refused(str(refusal)) from refusal
    if {export.build.id for export in one} == {export.build.id for export in other}:
        say("两边是同一次构建，当然一致。")
    say("\n".join(lines(found)))
    if not found.agrees:
        sys.exit(1)


def load(name: str, results: Path) -> list[Export]:
    """Everything that one build measured; the beginning of its id will do. Raises Refused."""
    if not name:
        raise Refused("缺构建编号：看 build/results")
    folder = Path(name)
    if folder.is_dir():  # `data/` of a site, where other JSON files are no results
        paths = (folder / f"{experiment}.json" for experiment in EXPERIMENTS)
        found, none = [_export(path) for path in paths if path.exists()], "这个文件夹里没有导出的结果文件"
    else:
        found, none = list(_stored(name, results)), "没有这个编号的完整结果"
    if not found:
        raise Refused(f"{name}：{none}")
    return found


def _export(path: Path) -> Export:
    """One downloaded file. Raises Refused when it cannot be believed."""
    if path.stat().st_size > store.MOST_BYTES:
        raise Refused(f"{path.name}：文件太大，超过 {store.MOST_BYTES >> 20} MiB")
    try:
        export = Export.model_validate_json(path.read_bytes(), strict=True)
        check_export(export)
    except ValidationError as error:
        raise Refused(f"{path.name}：不是这个版本的结果文件（{complaint(error)}）") from error
    except Implausible as broken:
        raise Refused(f"{path.name}：{broken}") from broken
    if export.experiment != path.stem:
        raise Refused(f"{path.name}：里面是另一个实验的结果")
    return export


def _stored(name: str, results: Path) -> Iterator[Export]:
    """Of the only build whose id begins like this."""
    paths = [(one, path) for one in EXPERIMENTS.values() for path in store.journals(results, one.id)]
    builds = sorted({path.stem for _, path in paths if path.stem.startswith(name)})
    if len(builds) > 1 and name not in builds:
        raise Refused(f"{name}：这样开头的构建不止一个：{'、'.join(builds)}")
    for experiment, path in paths:
        if path.stem == (name if name in builds else next(iter(builds), None)):
            try:
                journal = store.read(path)
            except store.DamagedJournal as damage:
                raise Refused(str(damage)) from damage
            if journal.complete:
                yield summarise(experiment, journal)


def lines(comparison: Comparison) -> Iterator[str]:
    """Shares that repeat, verdicts that turned around, figures that did not repeat."""
    if not comparison.same_place:
        yield "两次构建的机器或软件不同：只比各自对默认设置的比值和内存，不比绝对时间。"
    for title, metrics in GROUPS:
        share = comparison.share_repeating(metrics)
        if share is not None:
            count = sum(pair.key[-1] in metrics for pair in comparison.pairs)
            yield f"{title}：{count} 对，{share:.1%} 重合"
    if comparison.only_once:
        yield f"有 {comparison.only_once} 个数只在一次构建里有。"
    yield from (f"结论反了：{_told(pair)}" for pair in comparison.flips)
    apart = [pair for pair in comparison.pairs if not pair.repeats]
    yield from (f"不重合：{_told(pair)}" for pair in apart[:MOST_LINES])
    if len(apart) > MOST_LINES:
        yield f"……另有 {len(apart) - MOST_LINES} 对不重合。"
    yield "两次构建一致。" if comparison.agrees else "两次构建不一致。"


def _told(pair: Pair) -> str:
    return f"{' / '.join(pair.key)}：{_figure(pair.first)} 与 {_figure(pair.second)}"


def _figure(row: Row) -> str:
    word = f"，{VERDICTS[row.verdict]}" if row.verdict and row.verdict in DECIDED else ""
    value, low, high = (plain(one or 0.0, row.low, row.high) for one in (row.value, row.low, row.high))
    ends = "" if row.low is None or row.high is None else f"（{low}–{high}）"
    return f"{value}{ends}{word}"
