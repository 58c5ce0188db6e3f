"""Names of processors, messages of libraries, labels: whatever they hold, they end up as text of a bounded length.

The table of texts is in `faults.texts`. Here they go into single places; the real site as a whole, told of machines,
models and failures with such names, is in `browser/test_hostile_site.py`.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from faults.texts import FORMULA, HARMLESS, HOSTILE, MARK, Hostile, is_bounded, odd_characters
from rich.console import Console
from stored import keep

from bench.cli.console import Progress, say
from bench.experiments import EXPERIMENTS
from bench.measure import header
from bench.measure.campaign import Here
from bench.measure.ending import clean_text
from bench.measure.plan import resolve
from bench.measure.profiles import PROFILES
from bench.pages import snippets
from bench.results.records import Header
from bench.site import publish
from bench.spec import BASELINE, CONTROL, Case, Place
from bench.system import harmless
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from samples import Make

THREADS = EXPERIMENTS["intra_op_num_threads"]
LONGEST, LONGEST_LABEL = 4000, 150
"""What the schema lets through: of text, and of a label with a number in front."""
ALL = "".join(one.text for one in (FORMULA, *HOSTILE))[:LONGEST]
"""The formula first, where alone it would be one; the megabyte last."""
any_text = pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.what)


@any_text
def test_snippets(hostile: Hostile) -> None:
    """The code that a reader copies does what it would do with any other value."""

    def calls(text: str) -> list[str]:
        text = harmless.text(text)  # as pages get it
        case = Case(
            id="evil",
            title="x",
            settings={"session.x": text},
            run_settings={"y": text},
            place=Place(env={"NAME": text}),
        )
        code = ast.walk(ast.parse(snippets.of_case(case)))
        return [ast.unparse(node.func) for node in code if isinstance(node, ast.Call)]

    assert calls(hostile.text[:LONGEST]) == calls(HARMLESS)


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
def test_published_files(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, cpu: str) -> None:
    """JSON, charts, CSV, pyperf; the name of the processor is in all of them."""
    monkeypatch.setattr(publish, "_write_options", lambda _: None)  # of ours alone, and slow
    monkeypatch.setattr(publish, "_write_bundle", lambda _: None)
    here, folders = Here.read(), Folders.below(tmp_path)
    found = {case: {"latency_ns": 10_000_000} for case in (BASELINE, CONTROL, "1", "2")}
    found |= {"evil": make.failure("crashed", ALL)}
    labels = {"model_title": ALL, "input": ALL[:LONGEST_LABEL], "note": ALL}
    journal = make.journal(
        [list(found.items())],
        experiment=THREADS.id,
        key=here.key(THREADS, PROFILES["default"]),
        groups=[make.group_record(cases=list(found), **labels)],
        machine={"cpu": cpu, "cores": 2, "isa": [ALL], ALL[:LONGEST_LABEL]: ALL},
    )
    keep(folders.results, journal)
    assert publish.publish(here, folders, pytest.fail) == {THREADS.id: "valid"}
    files = sorted(folders.export.rglob("*.json"))
    assert len(files) >= 5
    for path in files:
        for text in _texts(json.loads(path.read_bytes())):
            assert not odd_characters(text), path.name
            assert is_bounded(text), path.name
    table = (folders.export / "data" / f"{THREADS.id}.csv").read_text("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table)))
    assert len({len(row) for row in rows}) == 1
    cells = [cell for row in rows for cell in row if cell and not re.fullmatch(r"-?[\d.e+-]+", cell)]
    assert not [cell for cell in cells if cell.startswith(harmless.FORMULA) or odd_characters(cell)]
    assert [cell for cell in cells if cell.startswith("'=cmd")]


@any_text
@pytest.mark.parametrize("terminal", [True, False])
def test_terminal_and_reason_of_a_failure(hostile: Hostile, *, terminal: bool) -> None:
    """No code reaches it, no markup is interpreted, and a megabyte does not scroll everything away."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=80, color_system=None)
    say(f"甲{hostile.text}乙", console)
    Progress(console, None).note(f"甲{hostile.text}乙")
    printed, reason = file.getvalue(), clean_text(hostile.text)
    assert not odd_characters(printed + reason)
    assert is_bounded(printed)
    if hostile.what in ("rich markup", "HTML elements", "templates", "a formula"):
        assert printed.count(hostile.text) == 2
    assert "\n" not in reason
    assert len(reason) <= 300


@any_text
def test_journal_of_a_machine_with_such_a_name(make: Make, hostile: Hostile) -> None:
    """A processor may call itself anything: there must be a journal all the same, which can be read."""
    text = hostile.text
    machine = replace(make.machine(), cpu=text, system=text, kernel=text, governor=text)
    here = Here(machine=machine, software={"onnxruntime": "1.31.1"})
    facts = here.facts()
    planned = resolve(THREADS, PROFILES["smoke"], here.asked(), 1 << 40)
    models = {
        group.group.model: make.prepared([group.input.label], group.group.model) for group in planned.groups
    }
    found = header.first_line(planned, facts, "0" * 16, "20260102-030405-abcd", 7, models)
    line = found.model_dump_json()
    assert Header.model_validate_json(line).model_dump_json() == line
    assert is_bounded(json.dumps(asdict(facts), ensure_ascii=False))


def test_marks_are_in_what_would_do_something() -> None:
    """So that a table without them shows that nothing was looked for in vain."""
    assert all(MARK in hostile.text for hostile in HOSTILE if hostile.what != "a megabyte")
