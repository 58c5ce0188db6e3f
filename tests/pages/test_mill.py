"""The figures of the truth mill, as they stand on the method page."""

from __future__ import annotations

import json

from prose import text_of

from bench.pages import mill


def test_figures_stand_with_date_and_command() -> None:
    found = json.loads(mill.FILE.read_text(encoding="utf-8"))
    html = mill.table()
    assert found["date"] in html
    assert found["command"] in text_of(html)
    assert html.count("<tr>") >= len(found["rows"]) > 0
    assert all(len(row) == len(found["head"]) for row in found["rows"])


def test_no_figure_is_beyond_its_limit() -> None:
    """What is shown was not allowed to be worse when it was written."""
    for title, looked, wrong, _, limit in json.loads(mill.FILE.read_text(encoding="utf-8"))["rows"]:
        share = float(limit.rstrip("%")) / 100
        assert int(wrong) <= share * int(looked), title
