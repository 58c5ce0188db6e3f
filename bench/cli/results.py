"""The commands about what has been measured: `list`, `check`, `export`, `site` and `links`."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path  # noqa: TC003 - cyclopts reads it
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from bench.cli.bundling import check_files
from bench.cli.console import complain, say
from bench.cli.refusals import Refused, faults, refuse_faulty, tell_failures, working
from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.measure import selftest
from bench.measure.campaign import Here
from bench.measure.earlier import find_valid, set_differently
from bench.measure.profiles import PROFILES, Name
from bench.results import store
from bench.system.ages import age
from bench.system.folders import DRAFT_VARIABLE, ROOT, SITE, Folders
from bench.system.lock import alone

if TYPE_CHECKING:
    from collections.abc import Mapping

STALE_HELP = "没有有效结果时用旧的（只给实时预览用）。"
FILES_HELP = "别的机器的结果包，如 docs/machines/*.json.gz；不写就检查本机的结果。"
TARGET_HELP = "成品放在哪里；不写就是 site。"
SITE_HELP = "建好的网站在哪里；不写就是 site。"


def list_() -> None:
    """列出全部实验，以及每个实验最近一次的结果；写得不对的实验也说出来，并以非零状态结束。"""
    here, results, faulty = Here.read(), Folders.here().results, faults()
    for name in sorted({*EXPERIMENTS} - {*faulty}):
        journal = find_valid(EXPERIMENTS[name], here, results, lambda _: None)
        state = _taken(journal) if journal else "没有本机的有效结果"
        say(f"{name}：{EXPERIMENTS[name].question}（{state}）")
    refuse_faulty()


def check(*files: Annotated[Path, Parameter(name="结果包", help=FILES_HELP)]) -> None:
    """检查已存的结果：能不能读，是不是本机、这套代码和这个 ORT 测的。旧结果旁边有了有效的，就不算错。

    写了文件，就只检查这些结果包：格式、数字有没有自相矛盾、自检有没有通过。
    """
    if files:
        check_files(files)
        return
    refuse_faulty()
    here, results, told = Here.read(), Folders.here().results, list[tuple[str, str]]()
    for experiment in (selftest.EXPERIMENT, *EXPERIMENTS.values()):
        keys = {name: here.key(experiment, profile) for name, profile in PROFILES.items()}
        found = [_check(path, keys, here) for path in store.journals(results, experiment.id)]
        valid = any(mark == "✓" for mark, _ in found)
        told += [
            ("·", f"{text}；已有有效的，可以删掉它") if valid and mark == "✗" else (mark, text)
            for mark, text in found
        ]
    for mark, sentence in told or [("✗", "还没有任何结果：先运行 nox -s docs")]:
        say(f"{mark} {sentence}")
    if not told or any(mark == "✗" for mark, _ in told):
        sys.exit(1)


def _check(path: Path, keys: Mapping[Name, str], here: Here) -> tuple[str, str]:
    """(mark, sentence): ✓ valid, ✗ bad, · not used and no harm."""
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
    return "✓", f"{name}：有效，{_taken(journal)}"


def _taken(journal: store.Journal) -> str:
    return f"{journal.header.profile}，{age(datetime.fromisoformat(journal.header.started_at))}前"


def export(*, stale_ok: Annotated[bool, Parameter(negative="", help=STALE_HELP)] = False) -> None:
    """把结果写成 JSON、CSV、pyperf 和图表文件，放在 build/export/。"""
    from bench.site.publish import publish

    refuse_faulty()
    with working() as folders, alone(folders.lock, complain):  # for seconds: whoever measures must not notice
        draft_of = os.environ.get(DRAFT_VARIABLE, "")
        status = publish(Here.read(), folders, complain, stale_ok=stale_ok, draft_of=draft_of)
    if not status:
        complain("没有可以导出的结果：先运行 nox -s docs")
    for name, state in status.items():
        say(f"{name}：{'有效' if state == 'valid' else '过期'}")


def site(*, target: Annotated[Path, Parameter(metavar="目录", help=TARGET_HELP)] = SITE) -> None:
    """构建网站：先在临时目录里建好、检查，再换掉旧的；失败时旧的网站原封不动。

    什么也不测：页面要用的结果缺了哪个，就不建，并说出来。
    """
    from bench.site.build import BrokenSite, build

    refuse_faulty()
    try:
        with working() as folders:
            pages = build(ROOT / "mkdocs.yml", target, folders, say)
    except BrokenSite as broken:
        raise Refused(f"网站没有建成，旧的保持不变：{broken}") from broken
    say(f"网站已写好：{target}/index.html（{pages} 页）")
    here = Here.read()
    # What is measured apart told its failures then: an old version opens no new model, whatever is built.
    shown = (find_valid(EXPERIMENTS[one], here, folders.results, lambda _: None) for one in OF_A_BUILD)
    tell_failures(journal for journal in shown if journal)


def draft(target: Path) -> None:
    """网站的草稿；由 `run` 调用，它说明在测的是哪一次。"""
    from bench.site.build import BrokenSite, build

    try:
        with working() as folders:
            build(ROOT / "mkdocs.yml", target, folders, complain)
    except BrokenSite as broken:
        raise Refused(str(broken)) from broken


def links(*, site: Annotated[Path, Parameter(metavar="目录", help=SITE_HELP)] = SITE) -> None:
    """列出网站里通向别处的链接和它们所在的页面，供人复查；站内的链接每次构建都会检查。"""
    from bench.site.check import leaving

    if not (site / "index.html").exists():
        raise Refused(f"{site} 里没有建好的网站：先运行 nox -s docs")
    for address, pages in leaving(site).items():
        say(f"{address}  {'、'.join(pages)}")
