"""More than ten thousand spoilt files: none may end in anything but a refusal, or be believed with a number that cannot be.

What is believed is judged here a second time, from the bytes, by code that shares nothing with the reader.
"""

from __future__ import annotations

import copy
import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from broken import BROKEN
from mutations import MUTATIONS
from whole_journal import write

from bench.results import store
from bench.results.store import DamagedJournal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from broken import Change
    from conftest import Make
    from mutations import Mutation

DAY_NS = 86_400 * 10**9
NAME = re.compile(r"[a-z0-9_.-]{1,64}")
THROUGH_FILES = 25
"""Of each kind of damage: written to a real file and read from it."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, make: Make) -> tuple[Path, bytes]:
    path = write(tmp_path_factory.mktemp("whole"), make)
    return path, path.read_bytes()


def test_ten_thousand_files_are_spoilt() -> None:
    assert sum(MUTATIONS.values()) >= 10_000


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_spoilt_file_is_refused_or_still_obeys(whole: tuple[Path, bytes], mutation: Mutation) -> None:
    path, content = whole
    believed = 0
    for seed in range(MUTATIONS[mutation]):
        spoilt = mutation(content, random.Random(f"{mutation.__name__}/{seed}"))
        try:
            journal = store.parse(path, spoilt)
        except DamagedJournal as refusal:
            _is_told(str(refusal), seed)
            continue
        believed += 1
        _obeys(spoilt, journal, f"{mutation.__name__}/{seed}")
    assert believed < MUTATIONS[mutation]  # it does spoil


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_spoilt_file_on_disk_reads_as_its_bytes_do(
    whole: tuple[Path, bytes], mutation: Mutation, tmp_path: Path
) -> None:
    source, content = whole
    path = tmp_path / source.parent.name / source.name
    path.parent.mkdir()
    for seed in range(THROUGH_FILES):
        path.write_bytes(mutation(content, random.Random(f"{mutation.__name__}/{seed}")))
        assert _outcome(lambda: store.read(path)) == _outcome(lambda: store.parse(path, path.read_bytes()))


def _outcome(read: Any) -> str:
    try:
        return repr(read())
    except DamagedJournal as refusal:
        return str(refusal)


@pytest.mark.parametrize("name", BROKEN)
def test_change_that_breaks_a_rule_is_refused_whatever_else_is_spoilt_behind_it(
    whole: tuple[Path, bytes], name: str
) -> None:
    """Also in a file that was cut short afterwards, as long as the lie is in it."""
    path, content = whole
    intact = [json.loads(line) for line in content.splitlines()]
    for change in BROKEN[name]:
        lines = [json.dumps(line).encode() + b"\n" for line in _changed(intact, change)]
        first = next(n for n in range(len(lines) + 1) if _is_refused(path, lines[:n]) and n)
        for end in range(first, len(lines) + 1):
            assert _is_refused(path, lines[:end])


def _changed(intact: list[dict[str, Any]], change: Change) -> list[dict[str, Any]]:
    lines = copy.deepcopy(intact)
    change(lines)
    return lines


def _is_refused(path: Path, lines: list[bytes]) -> bool:
    try:
        store.parse(path, b"".join(lines))
    except DamagedJournal:
        return True
    return False


def _is_told(told: str, seed: int) -> None:
    assert told.isprintable(), seed
    assert len(told) < 400, seed


def _obeys(content: bytes, journal: store.Journal, where: str) -> None:
    header, *lines = [json.loads(line, parse_constant=_no_number) for line in content.split(b"\n")[:-1]]
    assert json.loads(journal.header.model_dump_json()) == _with_defaults(header), where
    groups = {group["index"]: group for group in header["groups"]}
    assert len(groups) == len(header["groups"]), where
    kinds = [line["kind"] for line in lines]
    assert "header" not in kinds, where
    assert "footer" not in kinds[:-1], where
    counted = {"sample": journal.samples, "round": journal.rounds, "untimed": journal.untimed}
    for kind, found in counted.items():
        assert len(found) == kinds.count(kind), where
    for line in lines:
        if "case" in line:
            assert NAME.fullmatch(line["case"]), where
        if "group" in line:
            group = groups[line["group"]]
            assert "case" not in line or line["case"] in group["cases"], where
            if "round" in line:
                assert 0 <= line["round"] < (1 if group["memory_only"] else header["rounds"]), where
                assert 0 <= line["attempt"] < 10_000, where
        if line["kind"] == "sample":
            _sample_obeys(line, group, header, where)
    _order_is_right(lines, where)
    if kinds and kinds[-1] == "footer":
        _is_complete(lines, header, where)


def _no_number(constant: str) -> None:
    raise AssertionError(constant)


def _with_defaults(header: dict[str, Any]) -> dict[str, Any]:
    for group in header["groups"]:
        group.setdefault("note", "")
    return {"schema_version": 3, "dropped": [], **header}


def _sample_obeys(line: dict[str, Any], group: dict[str, Any], header: dict[str, Any], where: str) -> None:
    figures = line.get("figures")
    assert (figures is None) != (line.get("failure") is None), where
    assert 0 <= line["wall_s"] <= 1e7, where
    if figures is None:
        return
    for name, value in figures.items():
        if name.endswith("_ns") and name not in ("cpu_ns", "idle_cpu_ns"):
            assert type(value) is int, (where, name)
            assert 0 < value <= DAY_NS, (where, name)
        if name.endswith("_bytes") and name != "rss_bytes":
            assert value is None or (type(value) is int and 0 <= value < 1 << 50), (where, name)
        if isinstance(value, (int, float)):
            assert value >= 0, (where, name)
    feeds = len(group["shapes"])
    if figures["peak_bytes"] is not None and figures["kept_bytes"] is not None:
        assert figures["kept_bytes"] <= figures["peak_bytes"], where
    assert figures["fastest_ns"] <= figures["latency_ns"] <= figures["slowest_ns"], where
    assert figures["fastest_ns"] * figures["calls"] <= figures["loop_ns"], where
    assert (figures["fastest_ns"] + figures["latency_ns"]) * figures["calls"] / 2 <= figures["loop_ns"], where
    assert figures["calls"] >= feeds, where
    assert figures["calls"] % feeds == 0, where
    assert figures["session_calls"] > figures["calls"], where
    assert figures["loop_ns"] + figures["session_ns"] < figures["worker_ns"], where
    assert figures["session_calls"] >= figures["calls"] + 2 * feeds, where
    cores = header["machine"].get("logical_cores")
    if type(cores) is int and 0 < cores <= 64:
        assert figures["cpu_ns"] * figures["calls"] <= cores * (1.2 * figures["loop_ns"] + 1e8), where
        marks = ("base_bytes", "after_first_bytes", "after_second_bytes", "before_steady_bytes")
        seen = [*(figures[mark] for mark in marks), *figures["rss_bytes"]]
        highest = max((value for value in seen if value is not None), default=0)
        peak = figures["peak_bytes"]
        assert peak is None or highest <= peak + (100 << 20), where
    assert figures["outputs_finite"] is True, where
    if figures["outputs_identical"]:
        assert figures["outputs_difference"] == 0, where


def _order_is_right(lines: list[dict[str, Any]], where: str) -> None:
    """No sample after the end of its round, no place taken twice, no round ended twice."""
    ended: set[tuple[int, ...]] = set()
    places: set[tuple[int, ...]] = set()
    for line in lines:
        if line["kind"] in ("sample", "round"):
            attempt = (line["group"], line["round"], line["attempt"])
            assert attempt not in ended, where
            if line["kind"] == "round":
                ended.add(attempt)
            else:
                assert (*attempt, line["position"]) not in places, where
                places.add((*attempt, line["position"]))


def _is_complete(lines: list[dict[str, Any]], header: dict[str, Any], where: str) -> None:
    footer = lines[-1]
    assert 1 <= footer["rounds"] <= header["rounds"], where
    for group in header["groups"]:
        done = sorted(_final_rounds(lines, group["index"]))
        assert done == list(range(len(done))), where
        assert len(done) >= (1 if group["memory_only"] else footer["rounds"]), where


def _final_rounds(lines: list[dict[str, Any]], group: int) -> Iterator[int]:
    for line in lines:
        if line["kind"] == "round" and line["group"] == group and line["final"]:
            yield line["round"]
