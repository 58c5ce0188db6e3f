"""The frame of everything: templates escape, regions scroll, code breaks where it may, what is asked for in vain is told.

Whatever results and facts hold ends up as text: every call of the page API, every template, with all hostile texts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import markdown
import pytest
from faults.texts import HARMLESS, HOSTILE, Structure, is_bounded, odd_characters
from jinja2 import UndefinedError
from made_up import MadeUp
from markupsafe import Markup
from prose import markup_faults, text_of
from samples import Make

import bench
from bench.experiments import EXPERIMENTS
from bench.facts.options import Option, Source, Trap
from bench.pages import api, machines, markup, sentence_layout, source, vega
from bench.pages import evidence as evidence_pages
from bench.pages import options as option_tables
from bench.pages.markup import ENVIRONMENT, Row, code, marked, table
from bench.results import bundle, published, records
from bench.results.choice import choose
from bench.results.store import Journal
from bench.site import publish
from bench.spec import BASELINE, Machine
from bench.system import harmless

TWO = "| 列 | <含义> |\n| --- | --- |\n| a | b |\n\n文字\n\n| 甲 | 乙 |\n| --- | --- |\n| c | d |\n"
WIDE = "| 甲 | <乙> | `丙` |\n| --- | --- | --- |\n| a | b | c |\n| d | e | f |\n"
SHARP = "<script>\"&'`x`"
EVIL = "".join(hostile.text for hostile in HOSTILE)
ADVISED = {*api.ADVISED.values(), "container"}
LONGEST, LONGEST_LABEL = 4000, 150
"""What result files let through: of text, and of a label with a number in front."""
UNUSED = {*(f"{name}.html.j2" for name in ("no_selftest", "no_trace", "not_yet", "scrolled", "evidence_index")), "memory_over_runs.json.j2"}  # fmt: skip
"""Templates that say that there is nothing, that no page calls, or that draw curves, which these results have not."""


def test_what_is_not_html_is_escaped_and_what_is_stays() -> None:
    rows = [Row(SHARP, [SHARP, Markup("<b>x</b>")], {"class": SHARP})]
    html = table(SHARP, SHARP, [SHARP] * 3, rows, attributes={"class": SHARP})
    assert "<script" not in html
    assert "><b>x</b></td>" in html
    assert html.count("<td data-label=") == 2
    assert markup_faults(html) == []
    assert text_of(html).count(SHARP) == 6
    (name,) = re.findall(r'id="([^"]*)"', html)  # needs no escape in an address
    assert f'href="#{name}"' in html
    assert not re.search(r"[\s\"'<>&`]", name)
    for environment in (ENVIRONMENT, sentence_layout.environment()):
        assert environment.loader
        for name in environment.list_templates():
            text = environment.loader.get_source(environment, name)[0]
            assert not re.search(r"\|\s*safe\b|autoescape", text), name


def test_lines_of_a_template_leave_no_space_and_keep_their_numbers_and_every_name_must_be_given() -> None:
    assert ENVIRONMENT.from_string("甲\n  乙{{ 1 }}\n").render() == "甲乙1"
    with pytest.raises(ZeroDivisionError) as broken:
        ENVIRONMENT.from_string("甲\n乙\n{{ 1 // 0 }}").render()
    assert broken.traceback[-1].lineno + 1 == 3
    with pytest.raises(UndefinedError):
        markup.render("no_selftest")


def test_long_code_breaks_at_its_joints_and_tables_of_markdown_have_frames_and_where_wide_labels() -> None:
    assert code("a.b_c") == "<code>a.b_c</code>"
    assert code("session.use_env_allocators") == "<code>session.<wbr>use_<wbr>env_<wbr>allocators</code>"
    assert code('providers=["<CPU>"]&more') == "<code>providers=[&#34;&lt;CPU&gt;&#34;]&amp;more</code>"
    assert marked("见 `a<b`，<i>") == "见 <code>a&lt;b</code>，&lt;i&gt;"
    html = markup.scroll_plain(markdown.markdown(TWO, extensions=["tables"]))
    assert html.count('<div class="bench-table" role="region" tabindex="0"') == 2
    assert 'aria-label="表：甲、乙"' in html
    assert html.count('<table class="bench-plain">') == html.count("</table></div>") == 2
    assert markup.scroll_plain(html) == html  # generated tables are left as they are
    html = markup.scroll_plain(markdown.markdown(WIDE, extensions=["tables"]))
    assert '<table class="bench-plain bench-cards">' in html
    row = re.findall(r"<td[^>]*>", html)
    assert row == ["<td>", '<td data-label="&lt;乙&gt;">', '<td data-label="丙">'] * 2


@pytest.mark.parametrize(
    ("call", "arguments", "offered"),
    [
        ("table", ("weather",), "arena"),
        ("claim", ("arena", "weather"), "13_percent"),
        ("claim", ("container", "weather"), "（一个也没有）"),
        (
            "report",
            ("arena", "weather"),
            "denormal_threads、forks、traps、upstream、rows_alone、line_memory、wide_line、log_lines、trace",
        ),
        ("snippet", ("arena", "weather"), "arena_off"),
        ("scenario", ("weather", "line"), "general"),
        ("scenario", ("general", "weather"), "answer、english、line、code"),
        ("overview", ("weather",), "hero、advice、chooser、surprises、findings、findings_summary"),
        (
            "build",
            ("weather",),
            "freshness、certificate、machine、downloads、rules、stopping、mill、licences",
        ),
        ("options", ("weather",), "session、run、keys、run_keys、environment、traps、upstream、original"),
    ],
)
def test_unknown_name_is_told_with_the_known_ones(
    call: str, arguments: tuple[str, ...], offered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "load", lambda name: MadeUp(experiment=name).export())
    with pytest.raises(LookupError) as refused:
        getattr(bench, call)(*arguments)
    told = str(refused.value)
    assert "“weather”，可用的有：" in told
    assert offered in told
    assert "\n" not in told


def _export(name: str, text: str) -> published.Export:
    """A result in which everything that can be text of others is this text."""
    long, label, one = text[:LONGEST], text[:LONGEST_LABEL], EXPERIMENTS[name]
    cost = records.Cost(name=label, operator=label, nodes=1, microseconds=10.0, share=1.0)
    trace = records.TraceSummary(
        case=BASELINE, model="tiny", input=label, runs=3, run_microseconds=20.0, operators=[cost], nodes=[cost]
    )  # fmt: skip
    choice = {
        "winner": BASELINE, "reason": long, "rounds": 4, "left_out": [long], "vote": 0.5, "stable": False,
        "candidates": [published.CandidateRow(case="one", score=None, refused=long)],
    }  # fmt: skip
    cases = one.cases(Machine(cores=2))
    machine = dict.fromkeys(("cpu", "arch", "system", "governor", "physical_cores"), long) | {"isa": [long]}
    made_up = MadeUp(
        experiment=name, machine=machine, failures={(None, cases[-1].id): long}, time=1.6, memory=0.5, input=label,
        titles={case.id: long for case in cases}, model_title=long, traces=[trace],
        operators={"disable_all": {"Conv": 1}, BASELINE: {label: 1}},
        transcripts={BASELINE: {"error": [long], "warning": [long]}},
        choices=[published.Choice(scenario=scenario.id, **choice) for scenario in one.scenarios],
    )  # fmt: skip
    return harmless.record(made_up.export())


def _options(patch: pytest.MonkeyPatch, text: str) -> None:
    """One option and one trap, made of it; without what means code in these texts, or where code may break."""
    long = re.sub(r"[`_.,=(/]", "", harmless.text(text))
    texts = dict.fromkeys(("does", "since", "default", "latency", "memory", "startup", "trap", "kind"), long)
    sources = (Source(long, "https://example.org"), Source(long))
    option = Option(name=long, topic="other", sources=sources, **texts)
    trap = Trap(id="trap", belief=long, fact=long, remedy=long, sources=sources)
    installed = {
        "onnxruntime": long,
        "rapidocr": {"version": long, "settings": {"log_severity_level": long}},
        "keys": {"attributes": {"x": long}, "methods": []},
    }
    patch.setitem(option_tables.OPTIONS, "keys", (option,))
    patch.setattr(option_tables, "TRAPS", (trap,))
    patch.setattr(option_tables, "IRRELEVANT", {"keys": {long: [long]}})
    patch.setattr(option_tables, "installed", lambda: installed)


def _left_out(name: str, text: str) -> published.Export:
    """No time was left for any of its groups."""
    one, nothing = EXPERIMENTS[name], Journal(Path("nothing.jsonl"), Make().header(groups=[]))
    export = MadeUp(experiment=name, groups=(), choices=[*choose(one, nothing)]).export()
    return export.model_copy(update={"build": export.build.model_copy(update={"dropped": [text]})})


def _pages(patch: pytest.MonkeyPatch, text: str, export: Any = _export) -> dict[str, str]:
    """Everything that a page may call, told of such results."""
    exports = {name: export(name, text) for name in EXPERIMENTS}
    rules = publish._rules()
    specs = {name: vega.specs(EXPERIMENTS[name], export) for name, export in exports.items()}
    for name, found in {
        "load": exports.__getitem__,
        "status": lambda: dict.fromkeys(exports, "stale"),
        "has_trace": lambda _: True,
        "selftests": lambda: {one.build.id: one for one in exports.values()},
        "rules": lambda: rules,
        "chart_specs": specs.__getitem__,
    }.items():
        patch.setattr(source, name, found)
    elsewhere = [one.model_copy(update={"machine": {**one.machine, "cores": 99}}) for one in exports.values()]
    another = bundle.Bundle.model_construct(made_at="", exports=elsewhere, selftests={})
    patch.setattr(bundle.Bundle, "votes", True)
    patch.setattr(machines, "found", lambda: ({"x.json.gz": another}, {"y.json.gz": harmless.text(text)}))
    _options(patch, text)
    parts = {
        "build": (
            "machine",
            "freshness",
            "certificate",
            "downloads",
            "rules",
            "stopping",
            "mill",
            "licences",
        ),
        "overview": (
            "hero",
            "advice",
            "chooser",
            "surprises",
            "findings",
            "findings_summary",
            "machines",
            "systems",
        ),
        "options": ("keys", "traps", "upstream", "original"),
    }
    calls = {f"{call} {part}": getattr(bench, call)(part) for call, all_ in parts.items() for part in all_}
    for name, one in EXPERIMENTS.items():
        for call in ("conclusion", "table"):
            calls[f"{call} {name}"] = getattr(bench, call)(name)
        calls[f"evidence {name}"] = f'<div class="bench">{evidence_pages.page(one)}</div>'
        calls[f"points {name}"] = bench.conclusion(name, "points")
        calls |= {f"{drawn} {name}": bench.figure(name, "", drawn) for drawn in ("time", "memory")}
        told = {report.subject for report in one.reports} | {"trace", "log_lines"}
        for which in told & {*api.REPORTS}:
            calls[f"{which} {name}"] = bench.report(name, which)
        if name in ADVISED:
            calls[f"advice {name}"] = bench.advice(name)
        calls |= {f"claim {name} {claim.id}": bench.claim(name, claim.id) for claim in one.claims}
        for scenario in one.scenarios:
            for part in ("answer", "english", "line"):
                calls[f"{part} {scenario.id}"] = bench.scenario(scenario.id, part)
    return calls


def test_pages_have_the_same_structure_whatever_the_text_and_every_template_is_used(
    monkeypatch: pytest.MonkeyPatch, used_templates: set[str]
) -> None:
    """The same elements with the same attributes as with any other text, and nothing that escaping cannot help."""
    usual, shown = _pages(monkeypatch, HARMLESS), 0
    others = {name for name in ENVIRONMENT.list_templates() if name.startswith(("tuned", "doctor"))}
    assert {
        *ENVIRONMENT.list_templates()
    } - used_templates - others == UNUSED  # those have tests of their own
    for name, html in _pages(monkeypatch, EVIL).items():
        page, harmless_page = Structure(html), Structure(usual[name])
        assert page.elements == harmless_page.elements, name
        assert page.links == harmless_page.links, name
        assert not odd_characters(html), name
        assert is_bounded(html), name
        shown += HARMLESS in harmless_page.text
    assert shown > len(usual) // 2


def test_pages_of_what_was_left_out_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = _pages(monkeypatch, "时间预算不够", _left_out)
    for name in EXPERIMENTS:
        for call in ("evidence", "conclusion"):
            html = pages[f"{call} {name}"]
            assert "没有测：时间预算不够" in text_of(html), (call, name)
            assert not markup_faults(html), (call, name)
