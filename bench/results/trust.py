"""May the numbers of a site be quoted? What a self-test measured, held against what it must be, and one answer for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.results import stats
from bench.results.stats import Estimate
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from bench.results.published import Export, Row

SELFTEST = "selftest"
"""Id of the experiment; it answers no reader's question and is not listed among the others."""
MORE, SLEEP, ALLOCATED, HELD = "more", "sleep", "allocated", "held"
SLEEP_MS = 20
ALLOCATED_MIB = 128
TENTH = 1.1
TIME_TOLERANCE = 0.05
MEMORY_TOLERANCE = 0.02
ONE_CORE = (0.9, 1.1)
IDLE_CORES = 0.05


@dataclass(frozen=True, slots=True)
class Check:
    """One thing known beforehand, and what was seen of it."""

    title: str
    expected: str
    seen: str
    passed: bool | None
    """None: this machine does not show it."""


def checks(export: Export) -> tuple[Check, ...]:
    """Everything that the self-test can tell."""
    rows = {(row.case, row.metric): row for row in export.rows}
    slack = ALLOCATED_MIB * MEMORY_TOLERANCE
    around = (ALLOCATED_MIB - slack, ALLOCATED_MIB + slack)
    asleep = (SLEEP_MS * (1 - TIME_TOLERANCE), SLEEP_MS * (1 + TIME_TOLERANCE))
    return (
        _within(f"睡 {SLEEP_MS} 毫秒", rows.get((SLEEP, "latency_ms")), "ms", *asleep),
        _within("睡着时用到的核", rows.get((SLEEP, "cores_used")), "个", 0, IDLE_CORES),
        _within("单线程运算用到的核", rows.get((BASELINE, "cores_used")), "个", *ONE_CORE),
        _judged(
            "多 10% 的运算",
            f"判为更慢，区间含 {TENTH:.2f}（或中位数偏离不到 2%）",
            rows.get((MORE, "ratio")),
            _is_a_tenth,
        ),
        _judged("两个名字、同样的运算", "不判为更快或更慢", rows.get((CONTROL, "ratio")), _is_none),
        _gained(rows, ALLOCATED, "peak_mib", "一次调用里分配再放掉：最多占的增加", *around),
        _gained(rows, ALLOCATED, "kept_mib", "一次调用里分配再放掉：做完后还占的增加", -slack, slack),
        _gained(rows, HELD, "kept_mib", "分配并留着：做完后还占的增加", *around),
    )


def _is_a_tenth(found: Estimate) -> bool:
    """A tenth more must be called slower, and the interval must not miss it."""
    near = abs(found.value / TENTH - 1) <= stats.MIN_EFFECT
    holds = found.low is not None and found.high is not None and found.low <= TENTH <= found.high
    return stats.verdict(found, stats.MIN_EFFECT) == "slower" and (near or holds)


def _is_none(found: Estimate) -> bool:
    """Two names of the same thing are not told apart; judged without the allowance that it earns itself."""
    return stats.verdict(found, stats.MIN_EFFECT) in ("same", "unclear")


def _judged(title: str, expected: str, row: Row | None, holds: Callable[[Estimate], bool]) -> Check:
    if row is None or row.value is None:
        return Check(title, expected, "没有测成", passed=False)
    found = Estimate(row.value, row.low, row.high, row.rounds)
    return Check(title, expected, _ratio(found), passed=holds(found))


def _within(title: str, row: Row | None, unit: str, low: float, high: float) -> Check:
    expected = f"{low:.3g}–{high:.3g} {unit}"
    if row is None or row.value is None:
        return Check(title, expected, "没有测成", passed=False)
    return Check(title, expected, f"{row.value:.3g} {unit}", passed=low <= row.value <= high)


def _gained(
    rows: Mapping[tuple[str, str], Row], case: str, metric: str, title: str, low: float, high: float
) -> Check:
    """MiB above what was resident before the first call."""
    expected = f"{ALLOCATED_MIB} MiB ± 2%" if low > 0 else f"不超过 {high:.1f} MiB"
    base, after = rows.get((case, "base_mib")), rows.get((case, metric))
    if base is None or after is None:
        return Check(title, expected, "本机读不到", passed=None)
    if base.value is None or after.value is None:
        return Check(title, expected, "没有测成", passed=False)
    gained = after.value - base.value
    return Check(title, expected, f"{gained:.1f} MiB", passed=low <= gained <= high)


def _ratio(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:.3f}（{found.rounds} 轮，没有区间）"
    return f"{found.value:.3f}（{found.low:.3f}–{found.high:.3f}）"


@dataclass(frozen=True, slots=True)
class Standing:
    """`except`: all but the groups that are named."""

    word: Literal["yes", "except", "no"]
    reasons: tuple[str, ...]
    """Chinese, one sentence each."""


def standing(exports: Sequence[Export], selftests: Mapping[str, Export], stale: Collection[str]) -> Standing:
    """Drafts, old results and a harness that does not see what is there are not to be quoted.

    `selftests`: id of a build -> its own self-test, which vouches for no other build.
    """
    grave = tuple(_grave(exports, selftests, stale))
    timed = ((export, group) for export in exports for group in export.groups if group.load.timed)
    rows = [((export.build.id, group.block), group.noisy) for export, group in timed]
    blocks, noisy = {block for block, _ in rows}, {block for block, bad in rows if bad}  # one A/A row each
    told = f"{len(blocks)} 种模型和输入里，有 {len(noisy)} 种受扰或噪声太大"
    if not grave and 2 * len(noisy) > len(blocks):
        grave = (told,)
    if grave:
        return Standing("no", grave)
    if noisy:
        return Standing("except", (f"{told}，快慢不要引用",))
    return Standing("yes", ())


def _grave(
    exports: Sequence[Export], selftests: Mapping[str, Export], stale: Collection[str]
) -> Iterator[str]:
    drafts = [export for export in exports if export.draft or not export.build.complete]
    if drafts:
        yield f"{len(drafts)} 个实验只是草稿" if len(drafts) < len(exports) else "只是草稿"
    if stale:
        yield f"{len(stale)} 个实验是旧结果"
    final = [export for export in exports if export not in drafts]
    untested = [export for export in final if export.build.id not in selftests]
    if untested and len(untested) == len(exports):
        yield "测量程序没有做自检"
    elif untested:
        yield f"{len(untested)} 个实验所在的那次测量没有自检"
    builds = dict.fromkeys(export.build.id for export in exports if export.build.id in selftests)
    failed = [one.title for build in builds for one in checks(selftests[build]) if one.passed is False]
    if failed:
        yield f"测量程序的自检没有通过：{'、'.join(dict.fromkeys(failed))}"
