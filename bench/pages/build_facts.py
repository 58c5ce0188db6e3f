"""What else a build tells of itself: the numbers in its rules, its downloads, its packages, the truth mill's count."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import metadata, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.pages import source
from bench.pages.markup import Row, code, render, table
from bench.results import choice, compare, looks, stats, view
from bench.results.metrics import ENOUGH_CALLS, METRICS
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.metadata import PackageMetadata

    from markupsafe import Markup

    from bench.spec import Experiment

FORMATS = {"csv": "CSV", "json": "JSON", "pyperf.json": "pyperf"}
TRACE = {"trace.json": "性能分析文件（Perfetto）"}
MILL = Path(__file__).with_name("truth_mill.json")
"""Written by `tests/speed/truth_mill.py --write`: made-up builds of known truth, and what was said of them."""
STOPPING = Path(__file__).with_name("stopping.json")
"""Written by `tests/speed/stopping.py --write`: rows of known truth that stopped at looks, and what was said of them."""
NOISES = {"quiet": "安静", "noisy": "嘈杂"}
LONGEST = 40
"""Characters. Some packages put the whole licence text where its name belongs."""
HOMES = ("homepage", "source", "repository", "documentation")
"""Labels of a package's links, the best first."""
UNKNOWN = "没有写明"


def links(experiment: Experiment) -> Markup:
    """One line: every format of the data, and the file that says how it was measured."""
    formats = FORMATS | (TRACE if source.has_trace(experiment.id) else {})
    return render("links", experiment=experiment, formats=formats)


def downloads() -> Markup:
    """All downloads."""
    missing = EXPERIMENTS.keys() - source.status().keys()
    waiting = missing if source.draft() else missing - {*OF_A_BUILD}
    found = (
        (one.title, render("not_yet", experiment=name) if name in waiting else links(one))
        for name, one in EXPERIMENTS.items()
    )
    return render("downloads", experiments=list(found))


def mill() -> Markup:
    """How often a sentence was false on made-up builds of known truth, with date and command."""
    found: dict[str, Any] = json.loads(MILL.read_text(encoding="utf-8"))
    caption = f"{found['builds']} 次编出来的构建，跑于 {found['date']}：" + code(found["command"])
    rows = [Row(title, cells) for title, *cells in found["rows"]]
    attributes = {"class": "bench-mill bench-cards"}
    return table("truth-mill", caption, found["head"], rows, attributes=attributes, label="说错的有多少")


def stopping() -> Markup:
    """What becomes of rows that stop at looks, by noise, truth and rule, with date and command."""
    found: dict[str, Any] = json.loads(STOPPING.read_text(encoding="utf-8"))
    by_row: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for cell in found["cells"]:
        by_row.setdefault((cell["noise"], cell["truth"]), []).append(cell)
    rules = [cell["looks"] for cell in next(iter(by_row.values()))]
    heads = ["噪声，真值", *(f"第 {'、'.join(map(str, looks))} 轮看" for looks in rules), "区间不含真值"]
    rows = [
        Row(f"{NOISES[noise]}，{truth:g}", [*map(_stopped, cells), f"至多 {max(map(_missed, cells)):.1%}"])
        for (noise, truth), cells in by_row.items()
    ]
    sd, (short, long), (little, much) = found["process_sd"], found["spell_s"], found["slower"]
    opposite = sum(cell["opposite"] for cell in found["cells"])
    caption = (
        f"每格 {found['rows']} 行模拟的比值里，更快或更慢 / 没有差别 / 分不出各占多少，平均几轮；方向说反的共 {opposite} 行。"
        f"安静：一个进程的噪声（对数的标准差）{sd['quiet']:.1%}；嘈杂：{sd['noisy']:.1%}，另有慢 {little:g} 到 {much:g} 倍的时段，"
        f"每段 {short:g} 到 {long:g} 秒，平均隔 {found['quiet_s']:g} 秒。跑于 {found['date']}："
    ) + code(found["command"])
    attributes = {"class": "bench-stopping bench-cards"}
    return table("stopping-rows", caption, heads, rows, attributes=attributes, label="停在第几轮，会不会说错")


def _stopped(cell: Mapping[str, Any]) -> str:
    shares = " / ".join(f"{cell[name] / cell['rows']:.1%}" for name in ("told", "same", "open"))
    return f"{shares}，{cell['rounds'] / cell['rows']:.1f} 轮"


def _missed(cell: Mapping[str, Any]) -> float:
    share: float = cell["missed"] / cell["rows"]
    return share


def rules(measuring: Mapping[str, float]) -> Markup:
    """The numbers in the rules, as the code has them: nobody types them into prose.

    `measuring`: those by which samples are taken, as the exporter wrote them down.
    """
    numbers = [Row(title, [number]) for title, number in _numbers(measuring)]
    tolerances = [
        Row(scenario.title, ["；".join(limit.text for limit in scenario.limits) or "没有，取最小的"])
        for experiment in EXPERIMENTS.values()
        for scenario in experiment.scenarios
    ]
    return _rules("numbers", "规则里的数，取自这次构建的代码", ("规则", "数"), numbers) + _rules(
        "tolerances", "推荐设置的限制：每一组都要满足，选的和核对的轮次都要满足", ("场景", "限制"), tolerances
    )


def _rules(name: str, caption: str, heads: tuple[str, str], rows: list[Row]) -> Markup:
    return table(f"rules-{name}", caption, heads, rows, attributes={"class": f"bench-rules-{name}"})


def _numbers(measuring: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    profile = {name: f"{measuring[name]:g}" for name in measuring}
    yield "计时循环至少", f"{profile['min_seconds']} 秒，{profile['min_calls']} 次"
    yield (
        "测到第几轮看一次，有了结果的不再测",
        f"{profile['first_look']}，以后每 {stats.ROUNDS_A_STEP} 轮一次；默认档到 {profile['last_look']}，细致档到 {profile['thorough_look']}",
    )
    yield (
        "选推荐设置的轮次",
        f"前 {view.CHOOSING_UNTIL} 轮里隔一轮用一轮；别的用来核对，给出数字，到第几轮看也只算它们",
    )
    yield "草稿（快速档）的轮数", profile["draft_rounds"]
    yield "一个样本到同它比较的默认样本，计划里至多隔", f"{profile['near_s']} 秒"
    yield "有区间、能作结论，至少", f"{stats.MIN_ROUNDS} 轮"
    yield (
        "区间：各轮的比值排好，两头各去掉",
        f"{stats.MIN_ROUNDS} 轮时不去，以后每多 {stats.ROUNDS_A_STEP} 轮多去一个",
    )
    yield (
        "更快、更慢：中位数偏离 1 超过",
        f"{stats.MIN_EFFECT:.0%}，并且超过默认测两遍的区间两端离 1 的最大偏离",
    )
    yield (
        "没有差别：整个区间在 1 的",
        f"±{stats.SAME_MARGIN:.0%} 之内，并且含 1 或偏离至多 {stats.MIN_EFFECT:.0%}",
    )
    yield "没有差别，不再测：中位数偏离还要至多", f"{looks.SURELY_SAME:.1%}"
    yield (
        "内存多、少：中位数相差超过",
        f"{stats.MEMORY_EFFECT:.0%} 和 {stats.MEMORY_EFFECT_MIB} MiB 中较大的（不到 {stats.MIN_ROUNDS} 轮的，要超过两倍），并且各轮的范围不相接",
    )
    yield "p95 算没有差别：在默认的", f"±{METRICS['p95_ratio'].floor:.0%} 之内"
    yield "给出 p95，各轮加起来至少", f"{ENOUGH_CALLS} 次推理"
    yield "推理之后看空转", f"{profile['idle_s']} 秒"
    yield (
        "一轮受扰：别的进程占 CPU 超过，或宿主机拿走超过",
        f"{measuring['others']:.0%}，{measuring['steal']:.0%}",
    )
    yield "受扰的轮重测，每个实验至多", f"{profile['repeats']} 轮"
    yield "一组不作快慢结论：受扰的轮超过", f"{view.MAX_DIRTY_SHARE:.0%}"
    yield "一组噪声太大：默认测两遍的偏离超过", f"{view.TOO_NOISY:.0%}，或被判为快慢不同"
    yield "选推荐设置：轮次重抽", f"{choice.RESAMPLES} 次"
    yield "选得稳：至少这么多次选中同一套", f"{choice.STABLE:.0%}"
    yield "选得不稳时，取其中最简单的：它至少被选中", f"{choice.PLAUSIBLE:.0%}"
    yield (
        "两次构建的内存算重合：相差至多",
        f"{compare.SAME_MEMORY:.0%} 和 {compare.SAME_MEMORY_MIB} MiB 中较大的",
    )
    yield "两次构建算一致：重合的至少", f"{compare.ENOUGH_OVERLAP:.0%}"
    yield "最大的 batch：至多用掉空闲内存的", f"{measuring['memory_share']:.0%}"


def licences() -> Markup:
    """A row for each package that this project asks for by name; what those need in turn is not listed."""
    packages = [(metadata(name), version(name)) for name in direct()]
    return render("licences", packages=packages, homepage=homepage, licence=licence)


def direct() -> list[str]:
    """From pyproject.toml itself: the metadata of an editable install can be older than the file."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    names = (re.match(r"[\w.-]+", one) for one in wanted)
    return sorted((found[0] for found in names if found), key=str.lower)


def licence(about: PackageMetadata) -> str:
    """The SPDX expression; from before packages had one: a short text, or else the classifiers."""
    texts = (text.strip() for text in about.get_all("License", []))
    short = (text for text in texts if "\n" not in text and len(text) <= LONGEST)
    classifiers = (one for one in about.get_all("Classifier", []) if one.startswith("License :: "))
    kinds = "、".join(one.rpartition(" :: ")[2] for one in classifiers)
    found: str = next(filter(None, (*about.get_all("License-Expression", []), *short, kinds, UNKNOWN)))
    return found


def homepage(about: PackageMetadata) -> str:
    """Where the package lives, or nothing; only what a browser opens as a page."""
    pairs = (one.partition(",") for one in about.get_all("Project-URL", []))
    links = {label.strip().lower(): url.strip() for label, _, url in pairs}
    found = [*(links.get(label, "") for label in HOMES), *about.get_all("Home-page", [])]
    return next((url for url in found if url.startswith(("https://", "http://"))), "")
