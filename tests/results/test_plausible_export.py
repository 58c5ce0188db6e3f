"""Downloaded exports: what contradicts itself, or the published schema, is refused with its name and the reason."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from made_up import MadeUp
from pydantic import ValidationError

from bench.cli import comparing
from bench.cli.refusals import Refused
from bench.results import downloads, kinds, plausible, plausible_export, published, records, store
from bench.results.plausible import Implausible

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[dict[str, Any]], object]

NAME = "arena"
SCHEMA = jsonschema.Draft202012Validator(json.loads(downloads.export_schema()))


@pytest.fixture(scope="module")
def intact() -> dict[str, Any]:
    """With every kind of thing that the rules look at."""
    export = MadeUp(experiment=NAME, memory=0.5, values={(None, "arena_off", "ratio"): 1.5}).export()
    case, group = export.cases[0].id, export.groups[0]
    where = {"case": case, "model": group.model, "input": group.input}
    cost = records.Cost(name="Conv", operator="Conv", nodes=1, microseconds=10.0, share=1.0)
    trace = {"runs": 1, "run_microseconds": 12.0, "operators": [cost], "nodes": [cost]}
    choice = {"scenario": "need", "winner": case, "reason": "", "rounds": 6, "vote": 1.0, "stable": True}
    able = published.CandidateRow(case=case, score=1.0, refused="")
    more = {
        "curves": [published.Curve(name="rss_mib", **where, x=[1, 2], y=[1.0, 2.0])],
        "outputs": [published.OutputRow(**where, identical=True, difference=0.0)],
        "traces": [records.TraceSummary(**where, **trace)],
        "choices": [published.Choice(**choice, candidates=[able], left_out=[])],
    }
    found: dict[str, Any] = json.loads(export.model_copy(update=more).model_dump_json())
    return found


def _row(metric: str, of: str = "arena_off", **changes: Any) -> Change:
    def change(export: dict[str, Any]) -> None:
        row = next(row for row in export["rows"] if (row["metric"], row["case"]) == (metric, of))
        row.update(changes)

    return change


def _in(part: str, **changes: Any) -> Change:
    return lambda export: export[part][0].update(changes)


def _again(part: str) -> Change:
    return lambda export: export[part].append(copy.deepcopy(export[part][0]))


# fmt: off
LIES: dict[str, tuple[Change, ...]] = {
    "里面有别的实验的行": (_row("ratio", experiment="container"),),
    "有两行、两组或两个设置同名": (_again("rows"), _again("groups"), _again("cases")),
    "提到了没有列出的设置、模型或输入": (_row("ratio", case="three"),
        *(_in(part, model="other") for part in ("curves", "outputs", "traces", "proofs")),
        lambda export: export["choices"][0]["candidates"][0].update(case="three")),
    "完成的轮数超过计划": (lambda export: export["build"].update(rounds=10), _in("groups", dirty_rounds=10)),
    "草稿却有结论": (lambda export: export["build"].update(profile="quick"),),
    "曲线的横坐标与纵坐标个数不同，或次序不对": (_in("curves", x=[1]), _in("curves", x=[2, 1])),
    "胜出的不在候选里": (_in("choices", winner="arena_off"),),
    "应当或有数、或有失败原因，二者必居其一": (_row("latency_ms", failure="x"), _row("latency_ms", value=None)),
    "数不在自己的区间里": (_row("ratio", value=1.6), _row("ratio", high=None)),
    "轮数与数对不上": (_row("ratio", rounds=0), _row("ratio", rounds=10)),
    "不该有负数": (_row("latency_ms", value=-1.0),),
    "没有这个指标，或单位不是它的": (_row("peak_mib", unit="GiB"), lambda export: export["rows"][0].update(metric="luck")),
    "这个指标没有这样的结论": (_row("latency_ms", verdict="same"), _row("ratio", verdict="less"),
        _row("kept_mib", verdict="faster")),
    "结论与区间矛盾": (_row("ratio", verdict="faster"), _row("ratio", value=1.0, low=0.99, high=1.01),
        _row("ratio", low=None, high=None), _row("ratio", "pattern_off", low=0.94),
        _row("ratio", "pattern_off", high=1.06), _row("peak_mib", verdict="more"),
        lambda export: export.update(rows=[row for row in export["rows"] if (row["metric"], row["case"]) != ("peak_mib", "default")])),
    "草稿或机器繁忙时测的，却有结论": (lambda export: [group.update(verdicts=False) for group in export["groups"]],),
    "内存峰值小于留下的内存": (_row("kept_mib", value=801.0),),
    "各类算子的占比加起来不是 1": (lambda export: export["traces"][0]["operators"][0].update(share=0.5),),
}
# fmt: on


def _check(content: dict[str, Any]) -> None:
    export = published.Export.model_validate_json(json.dumps(content), strict=True)
    plausible_export.check_export(export)


def test_intact_export_is_believed_and_loaded(tmp_path: Path, intact: dict[str, Any]) -> None:
    _check(intact)
    SCHEMA.validate(intact)
    (found,) = _download(tmp_path, json.dumps(intact).encode())
    assert json.loads(found.model_dump_json()) == intact


def test_every_relation_has_a_lie() -> None:
    assert set(LIES) == {*plausible_export.EXPORT, *plausible_export.CELLS, next(iter(plausible.TRACE))}


@pytest.mark.parametrize("reason", LIES)
def test_contradiction_is_refused_with_its_reason(intact: dict[str, Any], reason: str) -> None:
    for change in LIES[reason]:
        content = copy.deepcopy(intact)
        change(content)
        with pytest.raises(Implausible) as refusal:
            _check(content)
        assert str(refusal.value) == reason


def _download(folder: Path, content: bytes) -> Any:
    (folder / f"{NAME}.json").write_bytes(content)
    return comparing.load(str(folder), folder)


def test_unbelievable_download_is_refused(tmp_path: Path, intact: dict[str, Any]) -> None:
    for content in (b"", b"{", b"[]", b"\xff\xfe{}", b"[" * 10_000, b'{"a":' * 10_000, b"NaN"):
        with pytest.raises(Refused, match=rf"{NAME}\.json：不是这个版本的结果文件（[^a-z]*(JSON)?[^a-z]*）$"):
            _download(tmp_path, content)
    lie = copy.deepcopy(intact)
    _row("kept_mib", value=801.0)(lie)
    with pytest.raises(Refused, match=rf"{NAME}\.json：内存峰值小于留下的内存"):
        _download(tmp_path, json.dumps(lie).encode())
    with (tmp_path / f"{NAME}.json").open("wb") as file:
        file.truncate(store.MOST_BYTES + 1)
    with pytest.raises(Refused, match="太大"):
        comparing.load(str(tmp_path), tmp_path)
    (tmp_path / f"{NAME}.json").rename(tmp_path / "container.json").write_text(json.dumps(intact))
    with pytest.raises(Refused, match=r"container\.json：里面是另一个实验的结果"):
        comparing.load(str(tmp_path), tmp_path)


def test_every_error_of_a_broken_file_is_told_in_chinese(intact: dict[str, Any]) -> None:
    """Every place of the export in turn gets every kind of wrong value: none may be told in pydantic's words."""
    wrong = (None, True, -1, 10**30, 0.5, "x" * 5000, "\x1b[31m", [], {}, [None] * 3)
    small = {name: part[:1] if isinstance(part, list) else part for name, part in intact.items()}
    for holder, key in list(_places(small)):
        kept = holder[key]
        for value in wrong:
            holder[key] = value
            try:
                published.Export.model_validate_json(json.dumps(small), strict=True)
            except ValidationError as error:
                told = kinds.complaint(error)
                assert "不合格式" not in told, (key, value)
                assert re.search("[一-鿿]", told), (key, value)
        holder[key] = kept


def _places(found: Any) -> Any:
    if isinstance(found, dict):
        for key, value in found.items():
            yield found, key
            yield from _places(value)
    elif isinstance(found, list):
        for value in found:
            yield from _places(value)
