"""How templates are laid out, what a value cannot do in them, and what is said of one that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp

from bench.pages import sentences
from bench.pages.sentences import BadSentence, Told

if TYPE_CHECKING:
    from pathlib import Path

CLAIMS = "".join(
    f"{{% block claim_{name} %}}\nholds: yes\nmeasured: 量。\nnow: 做。\n{{% endblock %}}\n"
    for name in ("kept_5618_5", "13_percent")
)
NOTHING_KEPT = {"absent": ("kept_mib",)}


def _tell(folder: Path, source: str, *, claims: str = CLAIMS, **world: Any) -> Told:
    (folder / "arena.j2").write_text(f"{source}{claims}", encoding="utf-8")
    made_up = MadeUp(experiment="arena", **world)
    return sentences.tell(made_up.spec, made_up.export(), sentences.environment(folder))


def _conclusion(folder: Path, source: str, **world: Any) -> list[str]:
    return list(_tell(folder, f"{{% block conclusion %}}\n{source}\n{{% endblock %}}\n", **world).conclusion)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("一句话，\n  折了行。\n\n另一句。", ["一句话，折了行。", "另一句。"]),
        ("{% if cores %}一句。{% endif %}\n\n另一句。", ["一句。", "另一句。"]),
        ("一句\n{% if cores %}\n，补充\n{% endif %}\n。", ["一句，补充。"]),
        ("设 enable_mem_pattern\nand spinning 为2个。", ["设 enable_mem_pattern and spinning 为 2 个。"]),
        (
            "<strong>关闭</strong>arena\n，<code>a关</code>。",
            ["<strong>关闭</strong>arena，<code>a 关</code>。"],
        ),
        ("{{ cores / 3 }} 倍，{{ machine.unknown }}，{{ '<' }}。", ["0.667 倍，（没有数字），&lt;。"]),
        ("", []),
    ],
)
def test_lines_become_sentences(tmp_path: Path, source: str, told: list[str]) -> None:
    assert _conclusion(tmp_path, source) == told


@pytest.mark.parametrize("evil", ["<b>名\n\n字", "名\r\n\r\nnow: 字", "\x1d名\x1e\x1d字", "holds: no"])
def test_value_is_text_on_one_line_wherever_it_stands(tmp_path: Path, evil: str) -> None:
    block = "holds: yes\nmeasured:\n{{ groups[0].model_title }}\nnow: 做。"
    claims = CLAIMS.replace("holds: yes\nmeasured: 量。\nnow: 做。", block)
    source = "{% block conclusion %}{{ groups[0].model_title }}。{% endblock %}"
    told = _tell(tmp_path, source, claims=claims, model_title=evil)
    assert len(told.conclusion) == 1
    assert "<b>" not in told.conclusion[0]
    assert {(one.holds, one.now) for one in told.answers.values()} == {("yes", "做。")}


@pytest.mark.parametrize(
    ("source", "place", "reason"),
    [
        ("\n{{ groups[0].arena_of.time }}", "arena.j2 第 3 行", "没有 arena_of，可以用：default、default_again、arena_off"),
        ("{{ groups[0].arena_off.kept }}", "第 2 行", "没有 kept，可以用：latency_ms"),
        ("{{ groups[0].arena_off.kept_mib.verdit }}", "第 2 行", "没有 verdit，可以用：beside、beside_default、brief"),
        ("{% for g in groups %}{{ g.titel }}{% endfor %}", "第 2 行", "model_title"),
        ("{{ groups | map(attribute='arena_of.ratio') | list }}", "第 2 行", "没有 arena_of"),
        ("{{ cases.arena_of }}", "第 2 行", "arena_off"),
        ("{% if gruops %}{% endif %}", "第 2 行", "没有叫 gruops 的，可以用：groups、cases、cores、machine"),
        ("{{ groups[0].arena_off.settings.enable_cpu_arena }}", "第 2 行", "enable_cpu_mem_arena"),
        ("{% if cores %}", "arena.j2 第 3 行", "写法不对"),
        ("\n\n{{ cores | doubled }}", "第 4 行", "doubled"),
        ("{{ groups[0].arena_off.kept_mib.value + 1 }}", "第 2 行", "缺的数先用 known 判断"),
        ("{% include 'none.j2' %}", "第 2 行", "none.j2"),
    ],
)  # fmt: skip
def test_what_a_template_names_in_vain_is_told_with_its_place(
    tmp_path: Path, source: str, place: str, reason: str
) -> None:
    with pytest.raises(BadSentence) as told:
        _conclusion(tmp_path, source, **NOTHING_KEPT)
    assert place in str(told.value)
    assert reason in str(told.value)


def test_fault_in_a_shared_macro_is_told_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "_shared.j2").write_text(
        "\n{% macro kept(g) %}{{ g.arena_of }}{% endmacro %}", encoding="utf-8"
    )
    source = "{% from '_shared.j2' import kept %}{% block conclusion %}{{ kept(groups[0]) }}{% endblock %}"
    with pytest.raises(BadSentence, match=r"^_shared\.j2 第 2 行"):
        _tell(tmp_path, source)


@pytest.mark.parametrize(
    ("source", "claims", "reason"),
    [
        ("多余", CLAIMS, "“多余”不在任何 block 里"),
        ("{% block claim_no %}{% endblock %}", CLAIMS, "claim_no，可以用：conclusion、claim_kept_5618_5、claim_13_percent"),
        ("", CLAIMS.partition("{% block claim_13")[0], "block claim_13_percent：缺这个 block"),
        ("", CLAIMS.replace("now: ", ""), "缺 now: 这一部分"),
        ("", CLAIMS.replace("yes", "maybe"), "holds 不能是 maybe，可以是：yes、half、no、unknown"),
    ],
)  # fmt: skip
def test_blocks_and_parts_that_do_not_fit_are_named(
    tmp_path: Path, source: str, claims: str, reason: str
) -> None:
    with pytest.raises(BadSentence) as told:
        _tell(tmp_path, "{% block conclusion %}{% endblock %}" + source, claims=claims)
    assert reason in str(told.value)


def test_case_that_an_old_result_lacks_was_not_measured(tmp_path: Path) -> None:
    export = MadeUp(experiment="arena").export()
    old = export.model_copy(
        update={
            "cases": [one for one in export.cases if one.id != "arena_off"],
            "rows": [one for one in export.rows if one.case != "arena_off"],
        }
    )
    source = "{% block conclusion %}{{ groups[0].arena_off.kept_mib }}。{% endblock %}"
    (tmp_path / "arena.j2").write_text(source + CLAIMS, encoding="utf-8")
    experiment = MadeUp(experiment="arena").spec
    assert sentences.tell(experiment, old, sentences.environment(tmp_path)).conclusion == ("没有测成。",)
