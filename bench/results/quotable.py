"""May the numbers of a site be quoted? One answer for all of them, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.results.selfchecks import checks
from bench.results.view import DRAFT_PROFILES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from bench.results.published import Export


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
    timed = [group for export in exports for group in export.groups if group.load.timed]
    noisy = [group for group in timed if group.noisy]
    if not grave and noisy and 2 * len(noisy) > len(timed):
        grave = (f"{len(timed)} 组里有 {len(noisy)} 组受扰或噪声太大",)
    if grave:
        return Standing("no", grave)
    if noisy:
        return Standing("except", (f"{len(timed)} 组里有 {len(noisy)} 组受扰或噪声太大，快慢不要引用",))
    return Standing("yes", ())


def _grave(
    exports: Sequence[Export], selftests: Mapping[str, Export], stale: Collection[str]
) -> Iterator[str]:
    drafts = [export for export in exports if export.build.profile in DRAFT_PROFILES]
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
