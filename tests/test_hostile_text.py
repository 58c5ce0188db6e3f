"""Names of processors, messages of libraries, labels: whatever they hold, they end up as text of a bounded length.

The table of texts is in `faults.texts`. Each is put wherever text of others can come from, and is
looked for wherever it can go: every function that pages may call, published files, the terminal, and
the real site as a whole.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from faults.texts import HARMLESS, HOSTILE, MARK, Hostile, Structure, is_bounded, odd_characters
from made_up import MadeUp
from rich.console import Console

import bench
from bench import __main__ as cli
from bench.cli.console import Progress
from bench.experiments import EXPERIMENTS
from bench.facts.options import Option, Source, Trap
from bench.measure import records
from bench.measure.campaign import Here
from bench.measure.child import clean_text
from bench.measure.plan import resolve
from bench.measure.profiles import PROFILES
from bench.pages import api, markup, source, vega
from bench.pages import options as option_tables
from bench.results import published, schema, store
from bench.site import publish
from bench.spec import BASELINE, CONTROL
from bench.system import harmless
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from conftest import Make

THREADS = EXPERIMENTS["intra_op_num_threads"]
LONGEST, LONGEST_LABEL = 4000, 150
"""What the schema lets through: of text, and of a label with a number in front."""
FEW = ("arena", "recommended")
"""Experiments with everything that a page can show: curves, reports, claims, scenarios."""
BUILD = ("machine", "freshness", "certificate", "downloads", "rules", "mill", "licences")
OVERVIEW = ("hero", "chooser", "surprises", "findings", "findings_summary")
RULES = publish._rules()
USUAL: dict[tuple[str, ...], dict[str, str]] = {}
"""What pages show where nothing is wrong, once made."""
any_text = pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.what)


def _exports(text: str, names: Iterable[str]) -> dict[str, published.Export]:
    """Results in which everything that can be text of others is this text."""
    long, label = text[:LONGEST], text[:LONGEST_LABEL]
    trace = schema.TraceSummary(
        case=BASELINE,
        model="tiny",
        input=label,
        runs=3,
        run_microseconds=20.0,
        operators=[schema.Cost(name=label, operator=label, nodes=1, microseconds=10.0, share=1.0)],
        nodes=[schema.Cost(name=label, operator=label, nodes=1, microseconds=10.0, share=1.0)],
    )
    return {
        name: harmless.record(
            MadeUp(
                experiment=name,
                machine={"cpu": long, "arch": long, "system": long, "governor": long, "isa": [long]},
                failures={(None, one.cases(2)[-1].id): long},
                titles={case.id: long for case in one.cases(2)},
                model_title=long,
                input=label,
                busy=True,
                transcripts={BASELINE: {"error": [long], "warning": [long], "table": [long]}},
                traces=[trace],
                choices=[_choice(scenario, long) for scenario in one.scenarios],
            ).export()
        )
        for name, one in EXPERIMENTS.items()
        if name in names
    }


def _choice(scenario: Any, text: str) -> published.Choice:
    rows = [
        published.CandidateRow(case=case, score=None, refused=text if case != BASELINE else "")
        for case in scenario.candidates
    ]
    return published.Choice(
        scenario=scenario.id,
        winner=BASELINE,
        reason=text,
        rounds=4,
        candidates=rows,
        left_out=[text],
        vote=0.5,
        stable=False,
    )


def _pages(patch: pytest.MonkeyPatch, text: str, names: Iterable[str]) -> dict[str, str]:
    """Everything that a page may call, told of such results of these experiments."""
    exports = _exports(text, names)
    patch.setattr(api, "EXPERIMENTS", {name: EXPERIMENTS[name] for name in exports})
    patch.setattr(source, "load", exports.__getitem__)
    patch.setattr(source, "status", lambda: dict.fromkeys(exports, "valid"))
    patch.setattr(source, "has_trace", lambda _: True)
    patch.setattr(source, "selftests", lambda: {one.build.id: one for one in exports.values()})
    patch.setattr(source, "rules", lambda: dict.fromkeys(RULES, 1.0))
    patch.setattr(source, "chart_specs", lambda name: vega.specs(EXPERIMENTS[name], exports[name]))
    _options(patch, text)
    pages = {f"build {part}": bench.build(part) for part in BUILD}
    pages |= {f"overview {part}": bench.overview(part) for part in OVERVIEW}
    pages |= {f"options {which}": bench.options(which) for which in ("keys", "traps", "original")}
    for name in exports:
        one = EXPERIMENTS[name]
        pages |= {f"{call} {name}": getattr(bench, call)(name) for call in ("show", "conclusion")}
        for which in api.REPORTS:
            heading = harmless.text(text)
            pages[f"{which} {name}"] = bench.report(
                name, which, error=heading, warning=heading, table=heading
            )
        pages |= {f"claim {name} {claim.id}": bench.claim(name, claim.id) for claim in one.claims}
        for scenario in one.scenarios:
            for part in ("card", "answer", "line"):
                pages[f"{part} {scenario.id}"] = bench.scenario(scenario.id, part)
    return pages


def _options(patch: pytest.MonkeyPatch, text: str) -> None:
    """One option and one trap, made of it; without what means code in these texts, or where code may break."""
    long = re.sub(r"[`_.,=(/]", "", harmless.text(text))
    texts = dict.fromkeys(("does", "since", "default", "latency", "memory", "startup", "trap", "kind"), long)
    sources = (Source(long, "https://example.org"), Source(long))
    option = Option(name=long, topic="other", sources=sources, **texts)
    trap = Trap(id="trap", belief=long, fact=long, remedy=long, sources=sources)
    patch.setitem(option_tables.OPTIONS, "keys", (option,))
    patch.setattr(option_tables, "TRAPS", (trap,))
    patch.setattr(option_tables, "IRRELEVANT", {"keys": {long: [long]}})
    rapidocr = {"version": long, "settings": {"log_severity_level": long}}
    installed = {
        "onnxruntime": long,
        "rapidocr": rapidocr,
        "keys": {"attributes": {"x": long}, "methods": []},
    }
    patch.setattr(option_tables, "installed", lambda: installed)


def _same_structure(patch: pytest.MonkeyPatch, text: str, names: Iterable[str]) -> None:
    """The same elements with the same attributes as with any other text, and nothing that escaping cannot help."""
    usual, shown = USUAL.get(tuple(names)) or _pages(patch, HARMLESS, names), 0
    USUAL[tuple(names)] = usual
    for name, html in _pages(patch, text, names).items():
        page, harmless_page = Structure(html), Structure(usual[name])
        assert page.elements == harmless_page.elements, name
        assert page.links == harmless_page.links, name
        assert not odd_characters(html), name
        assert is_bounded(html), name
        shown += HARMLESS in harmless_page.text
    assert shown > len(usual) // 2


@any_text
def test_pages(monkeypatch: pytest.MonkeyPatch, hostile: Hostile) -> None:
    _same_structure(monkeypatch, hostile.text, FEW)


def test_every_template_is_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    used, get = set[str](), markup.ENVIRONMENT.get_template

    def noted(name: str, *rest: Any) -> Any:
        used.add(name)
        return get(name, *rest)

    markup.ENVIRONMENT.cache.clear()
    monkeypatch.setattr(markup.ENVIRONMENT, "get_template", noted)
    _pages(monkeypatch, HARMLESS, FEW)
    assert used >= {*markup.ENVIRONMENT.list_templates()} - {
        f"{name}.html.j2" for name in ("no_selftest", "no_trace", "scrolled")
    }


def test_pages_of_every_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All texts in one."""
    _same_structure(monkeypatch, "".join(hostile.text for hostile in HOSTILE), EXPERIMENTS)


def _settings(text: str) -> schema.Case:
    """As pages get it."""
    record = schema.Case(
        id="evil",
        title="x",
        settings={"session.x": text},
        run_settings={"y": text},
        shared_arena={},
        env={"NAME": text},
        saved_by={},
        since="1.16",
        may_fail=False,
    )
    return harmless.record(record)


@any_text
def test_snippets(hostile: Hostile) -> None:
    """The code that a reader copies does what it would do with any other value, and its block ends where it ends."""
    import ast

    from bench.pages import snippets

    def calls(code: str) -> list[str]:
        return [ast.unparse(node.func) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]

    code = snippets.of_case(_settings(hostile.text[:LONGEST]))
    assert calls(code) == calls(snippets.of_case(_settings(HARMLESS)))
    ticks, rest = api._fence(code).split("python", 1)
    assert rest.count(ticks) == 1
    assert rest.endswith(ticks)


@pytest.fixture(scope="module")
def here() -> Here:
    return Here.read()


def _publish(folders: Folders, make: Make, here: Here, cpu: str) -> None:
    """The published files of a result with each of the texts somewhere."""
    texts = [hostile.text[:LONGEST] for hostile in HOSTILE]
    fine = (BASELINE, CONTROL, "1", "2")
    failing = {f"evil_{number}": make.failure("crashed", text) for number, text in enumerate(texts)}
    groups = [
        make.group_record(
            index=index, cases=[*fine, *failing], model_title=text, input=text[:LONGEST_LABEL], note=text
        )
        for index, text in enumerate(texts)
    ]
    measured = {case: {"latency_ns": 10_000_000} for case in fine} | failing
    machine = {
        "cpu": cpu,
        "cores": 2,
        "isa": texts,
        **{f"fact {number}": text for number, text in enumerate(texts)},
    }
    header = make.header(
        [*fine, *failing],
        experiment=THREADS.id,
        key=here.key(THREADS, PROFILES["default"]),
        groups=groups,
        machine=machine,
        rounds=1,
    )
    writer = store.Writer.create(folders.results, header)
    for group in range(len(groups)):
        for position, (case, found) in enumerate(measured.items()):
            writer.append(make.sample(case, found, group=group, position=position))
        writer.append(make.end(group=group))
    writer.append(make.footer())
    assert publish.publish(here, folders, pytest.fail) == {THREADS.id: "valid"}


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        yield from found
        found = list(found.values())
    if isinstance(found, list):
        for one in found:
            yield from _texts(one)
    if isinstance(found, str):
        yield found


@pytest.mark.parametrize("cpu", [HOSTILE[0].text, "\u202e"], ids=["HTML elements", "nothing printable"])
def test_published_files(
    tmp_path: Path, make: Make, here: Here, monkeypatch: pytest.MonkeyPatch, cpu: str
) -> None:
    """JSON, charts, CSV, pyperf; the name of the processor is in all of them."""
    monkeypatch.setattr(publish, "_write_options", lambda _: None)  # of ours alone, and slow
    monkeypatch.setattr(publish, "_write_bundle", lambda _: None)
    folders = Folders.below(tmp_path)
    _publish(folders, make, here, cpu)
    files = sorted(folders.export.rglob("*.json"))
    assert len(files) >= 5
    for path in files:
        for text in _texts(json.loads(path.read_bytes())):
            assert not odd_characters(text), path.name
            assert is_bounded(text), path.name
    table = (folders.export / "data" / f"{THREADS.id}.csv").read_text("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table)))
    assert len({len(row) for row in rows}) == 1
    texts = [cell for row in rows for cell in row if cell and not _is_number(cell)]
    assert not [cell for cell in texts if cell.startswith(harmless.FORMULA) or odd_characters(cell)]
    assert [cell for cell in texts if cell.startswith("'=cmd")]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _printed(text: str, *, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80, color_system=None)
    cli.say(f"甲{text}乙", console)
    Progress(console).note(f"甲{text}乙")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@any_text
@pytest.mark.parametrize("terminal", [True, False])
def test_terminal(hostile: Hostile, *, terminal: bool) -> None:
    """No code reaches it, no markup is interpreted, and a megabyte does not scroll everything away."""
    printed = _printed(hostile.text, terminal=terminal)
    assert not odd_characters(printed)
    assert is_bounded(printed)
    if hostile.what in ("rich markup", "HTML elements", "templates", "a formula"):
        assert printed.count(hostile.text) == 2


@any_text
def test_reason_of_a_failure(hostile: Hostile) -> None:
    """What a library says, as it goes into a journal."""
    reason = clean_text(hostile.text)
    assert not odd_characters(reason)
    assert "\n" not in reason
    assert len(reason) <= 300


@any_text
def test_journal_of_a_machine_with_such_a_name(make: Make, hostile: Hostile) -> None:
    """A processor may call itself anything: there must be a journal all the same, which can be read."""
    text = hostile.text
    machine = replace(make.machine(), cpu=text, system=text, kernel=text, governor=text)
    facts = Here(machine=machine, software={"onnxruntime": "1.31.1"}).facts()
    planned = resolve(THREADS, PROFILES["smoke"], 2, 1 << 40)
    models = {
        group.group.model: make.prepared([group.input.label], group.group.model) for group in planned.groups
    }
    header = records.header(planned, facts, "0" * 16, "20260102-030405-abcd", 7, models)
    assert schema.Header.model_validate_json(header.model_dump_json()) == header
    assert is_bounded(json.dumps(asdict(facts), ensure_ascii=False))


def test_marks_are_in_what_would_do_something() -> None:
    """So that a table without them shows that nothing was looked for in vain."""
    assert all(MARK in hostile.text for hostile in HOSTILE if hostile.what != "a megabyte")
