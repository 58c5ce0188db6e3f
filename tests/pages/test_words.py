"""Quantities that print themselves, whatever was measured; and the templates of sentences: how they are laid out, what a
value cannot do in them, what is said of one that is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp
from markupsafe import escape
from prose import text_of

from bench.pages import numbers, sentence_layout, sentences
from bench.pages.measured import MeasuredCase
from bench.pages.sentence_layout import BadSentence
from bench.pages.words import Words
from bench.spec import BASELINE

if TYPE_CHECKING:
    from pathlib import Path

    from bench.pages.sentences import Told


def _case(case: str = "arena_off", export: Any = None, **world: Any) -> MeasuredCase:
    export = export or MadeUp(experiment="arena", **world).export()
    return MeasuredCase(Words(export), case, export.groups[0])


def _of(metric: str, **world: Any) -> dict[str, Any]:
    return {"values": {(None, case, metric): value for case, value in world.items()}}


FAILED, NO_DEFAULT = ({"failures": {(None, one): "<b>坏了</b>"}} for one in ("arena_off", BASELINE))
NOTHING, UNSEEN = ({"outcomes": {(None, "arena_off"): outcome}} for outcome in ("nothing", "unseen"))
SLOW, HALF, WILD = {"time": 1.5}, {"memory": 0.5}, {"noisy": (0,)}
DRAFT = {"profile": "quick"}


@pytest.mark.parametrize(
    ("metric", "how", "world", "shown"),
    [
        ("latency_ms", "", {}, "10 ms"),
        ("latency_ms", "", WILD, "10 ms※"),
        ("latency_ms", "brief", WILD, "10.0 ms※"),
        ("latency_ms", "", FAILED, "没有测成"),
        ("threads", "", {}, "2"),
        ("threads", "", FAILED, "没有测成"),
        ("ratio", "", SLOW, "1.50"),
        ("ratio", "", {**SLOW, "half_width": 0.2}, "1.5"),
        ("kept_mib", "", HALF, "800 MiB"),
        ("kept_mib", "", _of("kept_mib", arena_off=20000), "19.5 GiB"),
        ("kept_mib", "", WILD, "1.6 GiB"),
        ("kept_mib", "", FAILED, "没有测成"),
        ("kept_mib", "", {"absent": ("kept_mib",)}, "本机读不到"),
        ("trace_kib_per_run", "", {}, "本机读不到"),
        ("trace_kib_per_run", "brief", {}, "本机读不到"),
        *(("minor_faults", "brief", _of("minor_faults", arena_off=value), shown) for value, shown in ((0.0, "0"), (0.01234, "0.01"), (12.345, "12.3"), (1234.5, "1234"))),
        ("cpu_s", "times_default", _of("cpu_s", arena_off=0.03, default=0.02), "1.5"),
        ("cpu_s", "times_default", NO_DEFAULT, "None"),
        ("ratio", "change", SLOW, "慢 50%（49%–51%）"),
        ("ratio", "change", {"time": 0.8, "half_width": 0}, "快 20.0%（20.0%–20.0%）"),
        ("ratio", "change", {"time": 1.03, "half_width": 0.026}, "慢 3%（0.4%–5.6%）"),  # does not touch 0
        ("ratio", "change", {"time": 1.005}, "没有差别（不到 5%）"),
        ("ratio", "change", {"time": 1.05, "half_width": 0.1}, "还分不出快慢（还需约 27 轮）"),
        ("ratio", "change", {**SLOW, **DRAFT}, "约慢 50%（草稿，不作结论）"),
        ("ratio", "change", {**SLOW, **DRAFT, **WILD}, "约慢 50%（草稿，不作结论）"),
        ("ratio", "change", {"time": 1.002, **DRAFT}, "约相差不到 1%（草稿，不作结论）"),
        ("ratio", "change", {"time": 0.998, **DRAFT}, "约相差不到 1%（草稿，不作结论）"),
        ("ratio", "change", {**SLOW, "rounds": 3}, "约慢 50%（只有 3 轮，不作结论）"),
        ("ratio", "change", {**SLOW, "busy": True}, "约慢 50%（测量时机器繁忙，不作结论）※"),
        ("ratio", "change", {**SLOW, **WILD}, "约慢 50%（噪声太大，不作结论）※"),
        ("ratio", "change", {**SLOW, **NOTHING}, "设了和默认一样，什么都没有改变"),
        ("ratio", "change", {**SLOW, **UNSEEN}, "没有观察到它生效，不作结论"),
        ("ratio", "change", NO_DEFAULT, "没有默认的数字可比"),
        ("ratio", "change", FAILED, "没有测成（<b>坏了</b>）"),  # as text
        ("kept_mib", "change", HALF, "比默认少 50%（800 MiB 对 1.6 GiB）"),
        ("kept_mib", "change", {"memory": 1.5}, "比默认多 50%（2.3 GiB 对 1.6 GiB）"),
        ("kept_mib", "change", {"memory": 1.02}, "与默认没有值得一提的差别（1.6 GiB 对 1.6 GiB）"),
        ("kept_mib", "change", {"memory": 1.2, "memory_spread": 0.2}, "是 1.9 GiB，默认 1.6 GiB（分不出）"),
        ("kept_mib", "change", _of("kept_mib", default=20_000, arena_off=20), "比默认少 99.9%（20 MiB 对 19.5 GiB）"),
        ("kept_mib", "change", {**HALF, **WILD}, "比默认少 50%（800 MiB 对 1.6 GiB）"),
        ("kept_mib", "change", {**HALF, **UNSEEN}, "是 800 MiB，默认 1.6 GiB（没有观察到它生效，不作结论）"),
        ("kept_mib", "change", NO_DEFAULT, "没有默认的数字可比"),
        ("kept_mib", "change", FAILED, "没有测成（<b>坏了</b>）"),
        ("session_ms", "change", {}, "12 ms（默认 12 ms）"),
        ("session_ms", "change", NO_DEFAULT, "12 ms"),
        ("session_ms", "change", FAILED, "没有测成"),
    ],
)  # fmt: skip
def test_quantity_is_told_as_far_as_it_may_be(metric: str, how: str, world: Any, shown: str) -> None:
    quantity = _case(**world)[metric]
    told = getattr(quantity, how) if how else escape(quantity)
    assert text_of(f"{told:.3g}" if isinstance(told, float) else str(told)).replace("\u202f", " ") == shown


def test_nothing_rests_on_the_time_of_a_noisy_group_or_on_what_nobody_looked_for() -> None:
    """No proof at all proves nothing. An interval that excludes no difference is not shown to touch it."""
    case = _case(**SLOW, **HALF, **WILD)
    assert (case["ratio"].verdict, case["kept_mib"].verdict) == (None, "less")
    assert case.words.tied_with_best(case.group, ["arena_off"]) == []
    bare = MadeUp(experiment="arena", **SLOW).export().model_copy(update={"proofs": []})
    assert (_case(export=bare).outcome, _case(BASELINE, bare).outcome) == ("unseen", None)
    row = _case(time=1.3, half_width=0.2983)["ratio"].row
    assert numbers.interval(row) == "1.002–1.598"  # type: ignore[arg-type]


def test_memory_beside_another_case_is_not_judged_by_medians_alone() -> None:
    """Where one has no verdict, as the default has none, neither have both."""
    export = MadeUp(
        experiment="arena", **_of("kept_mib", default=800, arena_off=73, pattern_off=181)
    ).export()
    wide = {"low": 65.0, "high": 190.0}
    rows = [row.model_copy(update=wide if row.case == "pattern_off" else {}) for row in export.rows]
    off, base, near = (_case(case, export)["kept_mib"] for case in ("arena_off", BASELINE, "pattern_off"))
    far = _case("pattern_off", export.model_copy(update={"rows": rows}))["kept_mib"]
    assert (near.beside(off), far.beside(off), off.beside(base)) == ("more", "unclear", None)


def test_fastest_count_is_told_by_the_speed_up_not_by_the_scatter_of_the_default() -> None:
    """Both ratios to the default have wide intervals that meet; within rounds, two threads always win."""
    made_up = MadeUp(experiment="intra_op_num_threads", values={(0, "single", "ratio"): 1.8}, half_width=0.9)
    export, counts = made_up.export(), ["single", "usable"]
    rows = [row for row in export.rows if row.metric != "speed_up"]
    for case, (value, low, high) in {"single": (1.0, 1.0, 1.0), "usable": (1.8, 1.4, 1.9)}.items():
        like = next(row for row in rows if (row.case, row.metric) == (case, "ratio"))
        rows.append(like.model_copy(update={"metric": "speed_up", "value": value, "low": low, "high": high}))
    say = Words(export.model_copy(update={"rows": rows}))
    assert say.tied_with_best(export.groups[0], counts) == ["usable"]
    assert made_up.words().tied_with_best(export.groups[0], counts) == counts


CLAIMS = "".join(
    f"{{% block claim_{name} %}}\nholds: yes\nmeasured: 量。\nnow: 做。\n{{% endblock %}}\n"
    for name in ("kept_5618_5", "13_percent")
)
CONCLUSION = "{{% block conclusion %}}\n{}\n{{% endblock %}}\n"


def _tell(folder: Path, source: str, *, claims: str = CLAIMS, **world: Any) -> Told:
    (folder / "arena.j2").write_text(f"{source}{claims}", encoding="utf-8")
    made_up = MadeUp(experiment="arena", **world)
    return sentences.tell(made_up.spec, made_up.export(), sentence_layout.environment(folder))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("一句话，\n  折了行。\n\n另一句。", ["一句话，折了行。", "另一句。"]),
        ("{% if cores %}一句。{% endif %}\n\n另一句。", ["一句。", "另一句。"]),
        ("一句\n{% if cores %}\n，补充\n{% endif %}\n。", ["一句，补充。"]),
        ("设 enable_mem_pattern\nand spinning 为2个。", ["设 enable_mem_pattern and spinning 为 2 个。"]),
        ("<strong>关闭</strong>arena\n，<code>a关</code>。", ["<strong>关闭</strong>arena，<code>a 关</code>。"]),
        ("{{ cores / 3 }} 倍，{{ machine.unknown }}，{{ '<' }}。", ["0.667 倍，（没有数字），&lt;。"]),
        ("", []),
    ],
)  # fmt: skip
def test_lines_become_sentences(tmp_path: Path, source: str, told: list[str]) -> None:
    assert list(_tell(tmp_path, CONCLUSION.format(source)).conclusion) == told


@pytest.mark.parametrize("evil", ["<b>名\n\n字", "名\r\n\r\nnow: 字", "\x1d名\x1e\x1d字", "holds: no"])
def test_value_is_text_on_one_line_wherever_it_stands(tmp_path: Path, evil: str) -> None:
    block = "holds: yes\nmeasured:\n{{ groups[0].model_title }}\nnow: 做。"
    claims = CLAIMS.replace("holds: yes\nmeasured: 量。\nnow: 做。", block)
    source = CONCLUSION.format("{{ groups[0].model_title }}。")
    told = _tell(tmp_path, source, claims=claims, model_title=evil)
    assert len(told.conclusion) == 1
    assert "<b>" not in told.conclusion[0]
    assert {(one.holds, one.now) for one in told.answers.values()} == {("yes", "做。")}


@pytest.mark.parametrize(
    ("source", "claims", "reason"),
    [
        ("\n{{ groups[0].arena_of.time }}", CLAIMS, "arena.j2 第 3 行|没有 arena_of，可以用：default、default_again、arena_off"),
        ("{{ groups[0].arena_off.kept }}", CLAIMS, "arena.j2 第 2 行|没有 kept，可以用：latency_ms"),
        ("{{ groups[0].arena_off.kept_mib.verdit }}", CLAIMS, "第 2 行|没有 verdit，可以用：beside、beside_default、brief"),
        ("{% for g in groups %}{{ g.titel }}{% endfor %}", CLAIMS, "第 2 行|model_title"),
        ("{{ groups | map(attribute='arena_of.ratio') | list }}", CLAIMS, "第 2 行|没有 arena_of"),
        ("{{ cases.arena_of }}", CLAIMS, "第 2 行|arena_off"),
        ("{% if gruops %}{% endif %}", CLAIMS, "第 2 行|没有叫 gruops 的，可以用：groups、cases、cores、machine"),
        ("{{ groups[0].arena_off.settings.enable_cpu_arena }}", CLAIMS, "第 2 行|enable_cpu_mem_arena"),
        ("{% if cores %}", CLAIMS, "arena.j2 第 3 行|写法不对"),
        ("\n\n{{ cores | doubled }}", CLAIMS, "第 4 行|doubled"),
        ("{{ groups[0].arena_off.kept_mib.value + 1 }}", CLAIMS, "第 2 行|缺的数先用 known 判断"),
        ("{% include 'none.j2' %}", CLAIMS, "第 2 行|none.j2"),
        ("{% import '_shared.j2' as shared %}{{ shared.kept(groups[0]) }}", CLAIMS, "_shared.j2 第 2 行|arena_of"),
        ("{% endblock %}多余{% block conclusion_2 %}", CLAIMS, "“多余”不在任何 block 里"),
        ("{% endblock %}{% block claim_no %}", CLAIMS, "claim_no，可以用：conclusion、advice、points、claim_kept_5618_5、claim_13_percent"),
        ("", CLAIMS.partition("{% block claim_13")[0], "block claim_13_percent：缺这个 block"),
        ("", CLAIMS.replace("now: ", ""), "缺 now: 这一部分"),
        ("", CLAIMS.replace("yes", "maybe"), "holds 不能是 maybe，可以是：yes、half、no、unknown"),
    ],
)  # fmt: skip
def test_what_a_template_names_in_vain_is_told_with_its_place(
    tmp_path: Path, source: str, claims: str, reason: str
) -> None:
    """The innermost, if that is in a macro that others share."""
    shared = "\n{% macro kept(g) %}{{ g.arena_of }}{% endmacro %}"
    (tmp_path / "_shared.j2").write_text(shared, encoding="utf-8")
    with pytest.raises(BadSentence) as told:
        _tell(tmp_path, CONCLUSION.format(source), claims=claims, absent=("kept_mib",))
    assert [one for one in reason.split("|") if one not in str(told.value)] == []


def test_case_that_an_old_result_lacks_was_not_measured(tmp_path: Path) -> None:
    made_up = MadeUp(experiment="arena")
    export = made_up.export()
    cases = [one for one in export.cases if one.id != "arena_off"]
    rows = [one for one in export.rows if one.case != "arena_off"]
    old = export.model_copy(update={"cases": cases, "rows": rows})
    source = CONCLUSION.format("{{ groups[0].arena_off.kept_mib }}。")
    (tmp_path / "arena.j2").write_text(source + CLAIMS, encoding="utf-8")
    told = sentences.tell(made_up.spec, old, sentence_layout.environment(tmp_path))
    assert told.conclusion == ("没有测成。",)


def test_sentences_of_a_result_are_told_once_and_those_of_another_anew(tmp_path: Path) -> None:
    made_up, templates = MadeUp(experiment="arena"), sentence_layout.environment(tmp_path)
    (tmp_path / "arena.j2").write_text(CONCLUSION.format("{{ cores }} 核。") + CLAIMS, encoding="utf-8")
    export, more = made_up.export(), made_up.export()
    more.machine["cores"] = export.machine["cores"] + 1
    first, again, other = (sentences.tell(made_up.spec, one, templates) for one in (export, export, more))
    assert first is again
    assert other.conclusion != first.conclusion
