"""Whose numbers these are and what else a build tells of itself: certificate, rules, licences, the truth mill.

When numbers may be quoted at all, `results/test_trust.py` says.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from importlib.metadata import distribution
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import material
import pytest
from made_up import MadeUp
from prose import markup_faults, text_of

from bench.experiments import EXPERIMENTS
from bench.measure.plan import NEAR_SECONDS, resolve
from bench.measure.profiles import PROFILES
from bench.pages import build_facts, certificates, source
from bench.results import choice, looks, stats, view
from bench.results.trust import Check
from bench.site import publish
from bench.spec import Machine
from bench.system.folders import ROOT

ARENA, SELFTEST = (MadeUp(experiment=name).export() for name in ("arena", "log_severity"))
OWN = {SELFTEST.build.id: SELFTEST}
"""All made-up results are of one build."""
LATER = "20260103-030405-abcd"
DRAFT, BUSY = {"profile": "quick", "rounds": 3}, {"busy": True}
CUT = {"rounds": 6, "planned_rounds": 10, "resumed": 12, "dropped": ["内存只有 1 GiB"]}
OPEN = {"time": 1.05, "half_width": 0.2, "rounds": 6, "looks": (6, 10)}
"""Nothing can be told yet, and the budget did not reach further than the first look."""
EARLIEST, LATEST = "来自 2 次测量，最早的测于 2026 年 1 月 2 日 03:00 UTC", "测于 2026 年 1 月 2 日 09:00 UTC"
TIMED = sum(group.load.timed for name in ("arena", "profiling") for group in EXPERIMENTS[name].groups)
DOCS = ROOT / "docs"
PAGE = DOCS / "reference" / "licenses.md"
TEXTS = DOCS / "assets" / "licenses"
THEME = Path(material.__file__ or "").parent / "templates"
TAKEN = re.compile(rb"Original file: /npm/((?:@[\w.-]+/)?[\w.-]+)@([\d.]+)")
"""How a bundler marks the packages that it put into vl-convert's library."""


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    checks = [
        Check(title="睡 20 毫秒", expected="19–21 ms", seen="20.1 ms", passed=True),
        Check(title="峰值", expected="128 MiB", seen="本机读不到", passed=None),
    ]
    for module in ("bench.pages.certificates.checks", "bench.results.trust.checks"):
        monkeypatch.setattr(module, lambda _: checks)
    return checks


def _page(*exports: Any, selftests: Any = OWN) -> str:
    return certificates.page(exports, selftests, ())


def _of_build(build: str, export: Any, **changes: Any) -> Any:
    return export.model_copy(update={"build": export.build.model_copy(update={"id": build, **changes})})


@pytest.mark.parametrize(
    ("world", "build", "selftests", "quotable", "told", "untold"),
    [
        ({}, {}, OWN, "yes", "机器安静|算子内线程数|—", "机器繁忙|intra_op_num_threads"),
        (BUSY, {}, OWN, "no", "机器繁忙|不作快慢结论", "机器安静"),
        (DRAFT, {}, {}, "no", "只是草稿|机器安静|没有做自检", "受扰太多"),
        ({}, {}, {LATER: _of_build(LATER, SELFTEST)}, "no", "没有做自检", "睡 20 毫秒|受扰太多"),
        ({"farthest_baseline_s": 13.37}, {}, OWN, "yes", "两者最远隔了 13.4 秒", "机器繁忙"),
        ({}, CUT, OWN, "yes", "内存只有 1 GiB|12 个样本|6 / 10", "机器繁忙|预算"),
        (OPEN, CUT, OWN, "yes", "因时间预算，4 组还分不出的没有接着测|6 / 10", "机器繁忙"),
    ],
)
def test_build_is_told_as_it_was(world: Any, build: Any, selftests: Any, quotable: str, told: str, untold: str) -> None:  # fmt: skip
    """Only other pages link to the certificate."""
    export = MadeUp(experiment="intra_op_num_threads", **world).export()
    html = _page(_of_build(export.build.id, export, **build), selftests=selftests)
    assert f'data-quotable="{quotable}"' in html
    assert ('data-dirty-rounds="0"' in html) is ("busy" not in world)
    assert f'data-farthest-s="{world.get("farthest_baseline_s", 2.0)}"' in html
    assert [one for one in told.split("|") if one not in text_of(html)] == []
    assert [one for one in untold.split("|") if one in text_of(html)] == []
    line = certificates.of_site([export], selftests, ())
    assert ("certificate.html" in html, "certificate.html" in line) == (False, True)
    assert f'data-quotable="{quotable}"' in line.partition("</p>")[0]


def test_every_group_has_a_row_marked_where_it_must_not_be_quoted_and_named_where_it_was_busy() -> None:
    names, marked = ("arena", "container"), re.compile(r'data-group="(\w+/\d)" class="bench-noisy"')
    for noisy, expected in (((), []), ((0,), ["arena/0", "container/0"])):
        exports = [MadeUp(experiment=name, noisy=noisy).export() for name in names]
        html = _page(*exports)
        rows = re.findall(r'data-group="([^"]+)"', html)
        assert rows == [f"{one.experiment}/{group.index}" for one in exports for group in one.groups]
        assert marked.findall(html) == expected
    busy = MadeUp(experiment="profiling", busy=True).export()
    html = certificates.warnings(busy)
    assert [group.input for group in busy.groups if f"（{group.input}）" not in html] == []


def test_each_build_that_is_shown_has_its_own_selftest_check_by_check(found: list[Check]) -> None:
    later = _of_build(LATER, MadeUp(experiment="container").export())
    html = _page(ARENA, later, selftests=OWN | {LATER: _of_build(LATER, SELFTEST)})
    assert text_of(html).count("，1 个实验来自这次测量") == 2
    assert len(set(re.findall(r'<figure [^>]*id="(certificate-selftest-[^"]+)"', html))) == 2
    lacking = _page(ARENA, later)  # told beside the verdict, and above the tables
    assert text_of(lacking).count("1 个实验所在的那次测量没有自检") == 2
    found.append(Check(title="多 10% 的运算", expected="更慢", seen="1.00", passed=False))
    html = _page(ARENA)
    assert re.findall(r'data-passed="(\w+)"', html) == ["true", "none", "false"]
    assert 'data-quotable="no"' in html


@pytest.mark.parametrize(
    ("first", "second", "build", "stale", "counts"),
    [
        ({}, {}, "b1", (), {"测于": 1, "bench-warning": 0}),
        ({}, {}, "b2", (), {EARLIEST: 1, LATEST: 1}),
        (DRAFT, {}, "b2", (), {"草稿</strong>": 1}),
        (DRAFT, DRAFT, "b1", (), {"草稿</strong>": 1}),
        ({}, {}, "b1", ("profiling",), {"旧结果": 1}),
        (BUSY, BUSY, "b1", (), {"机器繁忙": 1, f"{TIMED} 组受扰": 1}),
    ],
)
def test_origin_of_a_site_is_told_with_every_reason_once(
    first: Any, second: Any, build: str, stale: tuple[str, ...], counts: dict[str, int]
) -> None:
    """Of two results, the second of this build and measured six hours later."""
    exports = [
        _of_build(of, MadeUp(experiment=name, **world).export(), finished_at=f"2026-01-02T{hour}:00:00+00:00")
        for name, world, of, hour in (("arena", first, "b1", "03"), ("profiling", second, build, "09"))
    ]
    quoted, _, html = certificates.of_site(exports, {}, stale).partition("</span>")
    assert quoted.startswith('<p class="bench-provenance"><span data-quotable=')
    assert {text: html.count(text) for text in counts} == counts


def test_what_the_budget_did_not_reach_is_one_sentence_on_a_site_and_named_in_the_certificate() -> None:
    """The page of an experiment names its own."""
    late = resolve(EXPERIMENTS["arena"], PROFILES["default"], Machine(cores=2), 1 << 40)
    dropped = list(late.without(late.groups[:2]).dropped)
    cut = MadeUp(experiment="intra_op_num_threads", **OPEN).export()
    world = {"late": dropped, "large": ["空闲内存 3 MiB，连 batch=1 也放不下"], "both": [*dropped, "放不下"]}
    told = {
        name: text_of(certificates.of_site([_of_build("b", ARENA, dropped=one), cut], OWN, ()))
        for name, one in world.items()
    }
    assert "时间预算不够：2 组没有测，4 组里还分不出的没有接着测，是哪些见测量记录。" in told["late"]
    assert "时间预算不够：4 组里还分不出的没有接着测；内存不够：1 组没有测，是哪些见" in told["large"]
    assert dropped[0] not in told["both"]
    only = text_of(certificates.of_site([_of_build("b", ARENA, dropped=dropped)], OWN, ()))
    assert "时间预算不够：2 组没有测，是哪些见测量记录。" in only
    lacking = _of_build("b", ARENA, dropped=dropped)
    assert all(dropped[0] in text_of(html) for html in (_page(lacking), certificates.warnings(lacking)))
    assert "是哪些" not in certificates.of_site([ARENA], OWN, ())


def test_rounds_that_experiments_share_count_once_by_the_largest_and_no_experiment_hides_another() -> None:
    first, other = (MadeUp(experiment="arena", rounds=rounds, groups=(0,)).export() for rounds in (9, 7))
    seen = (({"dirty_rounds": 2, "repeated_rounds": 1}, 5), ({"dirty_rounds": 1, "repeated_rounds": 3}, 0))
    exports = []
    for export, (counts, retaken) in zip((first, other), seen, strict=True):
        group = export.groups[0]
        noise = group.noise.model_copy(update={"retaken": retaken, "apart": 0})
        exports.append(
            export.model_copy(update={"groups": [group.model_copy(update=counts | {"noise": noise})]})
        )
    told = text_of(_page(*exports))
    assert "给出数字的 9 轮里，有 2 轮被别的进程或宿主机打扰；因为机器忙，重测过 3 次。" in told
    assert "因此重测过 5 个样本" in told
    apart = text_of(_page(exports[0], _of_build(LATER, exports[1])))
    assert "给出数字的 16 轮里，有 3 轮被别的进程或宿主机打扰；因为机器忙，重测过 4 次。" in apart


@pytest.mark.parametrize(
    ("fields", "licence", "home"),
    [
        ({"License-Expression": ["MIT AND 0BSD"], "License": ["x"], "Classifier": ["License :: OSI Approved :: Y"]}, "MIT AND 0BSD", ""),
        ({"License": ["Apache-2.0"], "Classifier": ["License :: OSI Approved :: Y"]}, "Apache-2.0", ""),
        ({"License": ["BSD\n\nCopyright"], "Classifier": ["License :: OSI Approved :: BSD License"]}, "BSD License", ""),
        ({"License": ["z" * 80], "Classifier": ["Topic :: A", "License :: B", "License :: C"]}, "B、C", ""),
        ({"License": [" "], "Project-URL": ["Source, https://b.example", "Homepage, https://a.example"]}, "没有写明", "https://a.example"),
        ({"Project-URL": ["Funding, https://b.example"], "Home-page": ["https://a.example"]}, "没有写明", "https://a.example"),
        ({"Project-URL": ["Homepage, javascript:alert(1)"], "Home-page": ["UNKNOWN"]}, "没有写明", ""),
    ],
)  # fmt: skip
def test_licence_is_the_most_exact_thing_declared_and_link_leads_to_a_page_of_the_package_or_nowhere(
    fields: dict[str, list[str]], licence: str, home: str
) -> None:
    about: Any = SimpleNamespace(get_all=fields.get)
    assert (build_facts.licence(about), build_facts.homepage(about)) == (licence, home)


def test_page_of_licences_names_every_package_and_every_script_style_and_picture_that_is_shipped() -> None:
    """What the theme, our own folder and the build put into `assets/`, named as in the published site."""
    html = build_facts.licences()
    assert markup_faults(html) == []
    packages = re.findall(r'<th scope="row">(?:<a href="[^"]*">)?([^<]+)<', html)
    assert len(packages) == len(build_facts.direct()) > 15
    assert {"onnxruntime", "mkdocs-material", "vl-convert-python"} <= set(packages)
    assert not re.search(rf"<(?:img|script|link|iframe)|\bsrc=|{build_facts.UNKNOWN}", html)
    page = PAGE.read_text(encoding="utf-8")
    found = [path.relative_to(THEME) for path in (THEME / "assets").rglob("*.*")]
    found += [path.relative_to(DOCS) for path in (DOCS / "assets").rglob("*.*") if TEXTS not in path.parents]
    names, patterns = [path.as_posix() for path in found], re.findall(r"`([^`]+)`", page)
    assert any(name.endswith("tinyseg.js") for name in names)
    names += ["assets/vega.js", "assets/new.js"]
    unnamed = [name for name in names if not any(fnmatch(name, pattern) for pattern in patterns)]
    assert unnamed == ["assets/new.js"]  # one that nobody named is noticed
    linked = set(re.findall(r"\(\.\./assets/licenses/([^)]+)\)", page))
    assert linked == {path.name for path in TEXTS.iterdir()}


def test_packages_in_the_chart_bundle_and_the_theme_are_those_whose_licences_we_ship() -> None:
    """Of Vega-Lite the library carries many versions; the bundle is made of the newest."""
    files = distribution("vl-convert-python").files or ()
    (library,) = (Path(path.locate()) for path in files if path.suffix in {".so", ".pyd"})
    taken = {(name.decode(), version.decode()) for name, version in TAKEN.findall(library.read_bytes())}
    vega_lite = [version for name, version in taken if name == "vega-lite"]
    newest = max(vega_lite, key=lambda version: tuple(map(int, version.split("."))))
    taken -= {("vega-lite", version) for version in vega_lite if version != newest}
    text = (TEXTS / "vega.txt").read_text(encoding="utf-8")
    heads = re.findall(r"^=+\n((?:[\w.@/-]+ [\d.]+\n)+)=+$", text, re.MULTILINE)
    assert {("vega-lite", newest)} < taken
    assert {found for head in heads for found in re.findall(r"(\S+) (\S+)\n", head)} == taken
    maps = (json.loads(path.read_text(encoding="utf-8")) for path in (THEME / "assets").rglob("*.map"))
    module = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)")
    found = {name for one in maps for source in one["sources"] for name in module.findall(source)[:1]}
    page = PAGE.read_text(encoding="utf-8").lower()
    assert {"rxjs", "lunr"} <= found
    assert [name for name in sorted(found) if name not in page] == []


@pytest.mark.parametrize("trace", [True, False])
def test_trace_is_offered_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch, *, trace: bool) -> None:
    monkeypatch.setattr(source, "has_trace", lambda _: trace)
    html = build_facts.links(EXPERIMENTS["arena"])
    assert ("arena.trace.json" in html) is trace
    assert "data/arena.json" in html
    assert 'data-link="source/arena.py">怎么测的' in html


def test_rules_tell_the_numbers_of_code_and_exporter_and_every_limit_that_candidates_are_held_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    html, profile = build_facts.rules(publish._rules()), PROFILES["default"]
    told = text_of(html)
    assert not markup_faults(html)
    assert f"{profile.min_seconds:g} 秒，{profile.min_calls} 次" in told
    for one in (profile, PROFILES["thorough"]):  # as the sentence has it
        steps = range(stats.MIN_ROUNDS, one.looks[-1] + 1, stats.ROUNDS_A_STEP)
        assert (one.looks, f"档到 {one.looks[-1]}" in told) == (tuple(steps), True)
    assert f"{NEAR_SECONDS:g} 秒" in told
    for scenario in (scenario for one in EXPERIMENTS.values() for scenario in one.scenarios):
        assert scenario.title in told
        for limit in scenario.limits:
            assert limit.text in told
            assert (f"{limit.factor - 1:.0%}" in limit.text) is (limit.factor != 1), limit.text
    for home, name, value, text in (
        (stats, "MIN_EFFECT", 0.03, "3%，并且"),
        (stats, "SAME_MARGIN", 0.07, "±7% 之内"),
        (stats, "MEMORY_EFFECT_MIB", 99, "99 MiB 中较大的"),
        (stats, "MIN_ROUNDS", 77, "77 轮"),
        (stats, "ROUNDS_A_STEP", 8, "每多 8 轮多去一个"),
        (looks, "SURELY_SAME", 0.0123, "1.2%"),
        (view, "CHOOSING_UNTIL", 34, "前 34 轮里"),
        (view, "TOO_NOISY", 0.33, "33%，或被判为快慢不同"),
        (view, "MAX_DIRTY_SHARE", 0.44, "44%"),
        (choice, "RESAMPLES", 999, "999 次"),
        (choice, "STABLE", 0.66, "66%"),
    ):
        monkeypatch.setattr(home, name, value)
        assert (text in told, text in text_of(build_facts.rules(publish._rules()))) == (False, True), name


def test_figures_of_the_mill_stand_with_date_and_command_and_none_is_beyond_its_limit() -> None:
    """What is shown was not allowed to be worse when it was written."""
    found, html = json.loads(build_facts.MILL.read_text(encoding="utf-8")), build_facts.mill()
    assert found["date"] in html
    assert found["command"] in text_of(html)
    assert html.count("<tr>") >= len(found["rows"]) > 0
    for title, looked, wrong, _, limit in found["rows"]:
        assert int(wrong) <= float(limit.rstrip("%")) / 100 * int(looked), title


def test_figures_of_rows_that_stopped_stand_with_date_and_command_and_none_is_beyond_what_is_promised() -> (
    None
):
    found, html = json.loads(build_facts.STOPPING.read_text(encoding="utf-8")), build_facts.stopping()
    assert found["date"] in html
    assert found["command"] in text_of(html)
    assert html.count('<th scope="row">') == len({(one["noise"], one["truth"]) for one in found["cells"]}) > 1
    for cell in found["cells"]:
        shares = "{:.1%} / {:.1%} / {:.1%}".format(
            *(cell[n] / cell["rows"] for n in ("told", "same", "open"))
        )
        assert f"{shares}，{cell['rounds'] / cell['rows']:.1f} 轮" in html
        wrong = cell["told"] if cell["truth"] == 1 else cell["same"] if cell["truth"] >= 1.08 else 0
        assert wrong <= 0.01 * cell["rows"], cell
        assert cell["missed"] <= 0.05 * cell["rows"], cell
        assert cell["opposite"] == 0, cell
