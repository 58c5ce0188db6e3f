"""Hostile text ends up as text of a bounded length, and a file that a power failure tore is taken for no whole one.

The real site, told of machines, models and failures with such names, is in `browser/test_hostile_site.py`. Journals cut
at any byte are in `results/test_round_trip.py` and `test_faults.py`, models in `models/test_prepared.py`.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from faults.texts import FORMULA, HARMLESS, HOSTILE, MARK, is_bounded, odd_characters
from rich.console import Console
from stored import keep

from bench.cli.console import Progress, say
from bench.experiments import EXPERIMENTS
from bench.measure.campaign import Here
from bench.measure.profiles import PROFILES
from bench.pages import snippets
from bench.site import publish
from bench.spec import BASELINE, CONTROL, Case, Place
from bench.system import harmless
from bench.system.folders import Folders, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make

THREADS = EXPERIMENTS["intra_op_num_threads"]
LONGEST, LONGEST_LABEL = 4000, 150
"""What the schema lets through: of text, and of a label with a number in front."""
ALL = "".join(one.text for one in (FORMULA, *HOSTILE))[:LONGEST]
"""The formula first, where alone it would be one; the megabyte last."""


def test_snippets() -> None:
    """The code that a reader copies does what it would do with any other value."""

    def calls(text: str) -> list[str]:
        text = harmless.text(text)  # as pages get it
        place, changes = (
            Place(env={"N": text}),
            {"settings": {"session.x": text}, "run_settings": {"y": text}},
        )
        code = ast.walk(ast.parse(snippets.of_case(Case(id="evil", title="x", place=place, **changes))))
        return [ast.unparse(node.func) for node in code if isinstance(node, ast.Call)]

    for hostile in HOSTILE:
        assert calls(hostile.text[:LONGEST]) == calls(HARMLESS), hostile.what


@pytest.mark.slow
def test_published_files(tmp_path: Path, make: Make) -> None:
    """JSON, charts, CSV, pyperf hold no such text, nor a processor that calls itself by nothing printable.

    After a power failure, all of them are made again: data, charts, the script that draws, options, stamps. A write
    that was killed or failed leaves the old content and nothing else.
    """
    here, folders = Here.read(), Folders.below(tmp_path)
    found = {case: {"latency_ns": 10_000_000} for case in (BASELINE, CONTROL, "1", "2")}
    found |= {"evil": make.failure("crashed", ALL)}
    labels = {"model_title": ALL, "input": ALL[:LONGEST_LABEL], "note": ALL}
    journal = make.journal(
        [list(found.items())],
        experiment=THREADS.id,
        key=here.key(THREADS, PROFILES["default"]),
        groups=[make.group_record(cases=list(found), **labels)],
        machine={"cpu": "\u202e", "cores": 2, "isa": [ALL], ALL[:LONGEST_LABEL]: ALL},
    )
    keep(folders.results, journal)
    assert publish.publish(here, folders, pytest.fail) == {THREADS.id: "valid"}
    whole = {path: path.read_bytes() for path in folders.export.rglob("*") if path.is_file()}
    texts = [json.loads(content) for path, content in whole.items() if path.suffix == ".json"]
    assert len(texts) > 8
    for text in texts:  # a list grows while we go through it
        if isinstance(text, dict | list):
            texts += [*text, *text.values()] if isinstance(text, dict) else text
        assert not (isinstance(text, str) and (odd_characters(text) or not is_bounded(text)))
    table = folders.export / "data" / f"{THREADS.id}.csv"
    rows = list(csv.reader(io.StringIO(whole[table].decode("utf-8-sig"))))
    assert len({len(row) for row in rows}) == 1
    cells = [cell for row in rows for cell in row if cell and not re.fullmatch(r"-?[\d.e+-]+", cell)]
    assert not [cell for cell in cells if cell.startswith(harmless.FORMULA) or odd_characters(cell)]
    assert [cell for cell in cells if cell.startswith("'=cmd")]
    for number, (path, content) in enumerate(whole.items()):
        half, zeros = content[: len(content) // 2], bytes(len(content))
        torn = (b"", half, content[:-1], zeros, half + zeros[len(half) :])
        path.write_bytes(torn[number % len(torn)])
    table.write_bytes(whole[table] + bytes(512))
    living, dead = (table.with_name(f".a.json.{process}.new") for process in (1, 999_999_999))
    for scratch in (living, dead):
        scratch.touch()
    publish.publish(here, folders, pytest.fail)
    with pytest.raises(UnicodeEncodeError):  # as a write that fails half way
        write_whole(table, "new \ud800")
    left = {path: path.read_bytes() for path in folders.export.rglob("*") if path.is_file()}
    assert left == whole | {living: b""}


def test_terminal() -> None:
    """No code reaches it, no markup is interpreted, and a megabyte does not scroll everything away."""
    for hostile in HOSTILE:
        assert MARK in hostile.text or hostile.what == "a megabyte"  # or its absence would say nothing
        for terminal in (True, False):
            file = io.StringIO()
            console = Console(file=file, force_terminal=terminal, width=80, color_system=None)
            say(f"甲{hostile.text}乙", console)
            Progress(console, None).note(f"甲{hostile.text}乙")
            assert not odd_characters(file.getvalue())
            assert is_bounded(file.getvalue())
            if hostile.what in ("rich markup", "HTML elements", "templates", "a formula"):
                assert file.getvalue().count(hostile.text) == 2


def test_journal_of_a_machine_with_such_a_name(make: Make) -> None:
    """A processor may call itself anything: a journal takes texts of a bounded length."""
    for hostile in HOSTILE:
        names = dict.fromkeys(("cpu", "system", "kernel", "governor"), hostile.text)
        facts = Here(machine=make.machine(**names), software={"onnxruntime": "1.31.1"}).facts()
        assert is_bounded(json.dumps(asdict(facts), ensure_ascii=False))
