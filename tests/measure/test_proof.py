"""Whether a setting took effect: three answers, and none of them out of nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnxruntime
import pytest

from bench.experiments import EXPERIMENTS
from bench.experiments._common import ARENA_OFF, NO_WARNINGS, NOT_SPINNING, ORIGINAL
from bench.measure.evidence import FACTS, RECEIVED, RECEIVED_SWITCHES
from bench.measure.proof import CORE, MARGINS, WITHOUT_OBSERVER, judge
from bench.spec import BASELINE, CONTROL, Case, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measure.proof import Facts
    from bench.spec import Experiment

DEFAULT: dict[str, float] = {
    "threads_created": 1,
    "threads_pinned": 1,
    "arena_regions": 4,
    "arena_mib": 64.0,
    "exact_regions_share": 0.0,
    "second_run_regions": 1,
    "arena_shrinks": 0,
    "nodes": 20,
    "operators": 123456.0,
    "overlapping_nodes": 0,
    "node_threads": 1,
    "minor_faults": 5000.0,
    "huge_page_mib": 0.0,
    "idle_cpu_s": 0.04,
}
"""What the default shows on some machine."""
OUTSIDE: dict[str, float] = {
    "session_info_lines": 0,
    "session_verbose_lines": 0,
    "warning_lines": 1,
    "trace_bytes": 0,
}
"""What it shows where nobody listens."""
NO_ARENA: dict[str, float] = {"arena_regions": 0, "arena_mib": 0.0, "second_run_regions": 0}


def _case(*proofs: Proof, **settings: Any) -> Case:
    return Case(id="one", title="", settings=settings, proofs=proofs)


def _judge(
    case: Case,
    own: dict[str, float],
    *,
    base: dict[str, float] | None = None,
    unchanged: tuple[str, ...] = (),
    **more: Facts,
) -> tuple[str | None, str]:
    """`own` differs from the default in what is named."""
    base = DEFAULT if base is None else base
    return judge(case, {BASELINE: base, CONTROL: OUTSIDE, case.id: {**base, **own}, **more}, unchanged)


ARENA = _case(ARENA_OFF, enable_cpu_mem_arena=False)


def test_setting_that_shows_and_does_not_show_without_it_took_effect() -> None:
    outcome, text = _judge(ARENA, NO_ARENA)
    assert outcome == "effect"
    assert text == "arena 向系统申请的区块数：0（应等于 0，默认为 4）"


def test_setting_that_leaves_every_fact_as_it_was_changes_nothing() -> None:
    more = Proof(fact="threads_created", relation=">", expected=1, than=BASELINE)
    outcome, text = _judge(_case(more, inter_op_num_threads=4), {RECEIVED + "inter_op_num_threads": 4})
    assert outcome == "nothing"
    assert "与默认相同" in text


def test_setting_that_changes_something_but_not_what_it_promises_was_not_seen() -> None:
    assert _judge(ARENA, {"nodes": 19})[0] == "unseen"


def test_default_has_nothing_to_prove() -> None:
    for name in (BASELINE, CONTROL):
        outcome, text = judge(Case(id=name, title=""), {})
        assert (outcome, "无需证明" in text) == (None, True)


@pytest.mark.parametrize("own", [NO_ARENA, {}])
def test_log_in_other_words_proves_nothing(own: dict[str, float]) -> None:
    """The next ORT may word its lines anew: no region is then read in any process, and that is no arena off."""
    silent = {**DEFAULT, **NO_ARENA}
    outcome, text = _judge(ARENA, own, base=silent)
    assert outcome == "unseen"
    assert "读不到" in text


@pytest.mark.parametrize("facts", [{}, {"one": {}}, {"one": DEFAULT}, {"one": {}, BASELINE: DEFAULT}])
def test_what_was_not_read_proves_nothing(facts: dict[str, Facts]) -> None:
    for case in (ARENA, _case(enable_cpu_mem_arena=False)):
        assert judge(case, facts)[0] == "unseen"


@pytest.mark.parametrize("fact", sorted(CORE))
def test_nothing_changed_cannot_be_said_of_what_was_not_read(fact: str) -> None:
    base = {name: value for name, value in DEFAULT.items() if name != fact}
    assert _judge(_case(x=1), {}, base=base)[0] == "unseen"
    assert _judge(_case(x=1), {})[0] == "nothing"


def _hugetlb() -> Case:
    cases = EXPERIMENTS["arena"].cases(2)
    return next(case for case in cases if case.id == "arena_off_hugetlb")


@pytest.mark.parametrize(
    ("setting", "default", "off", "own", "outcome"),
    [
        ("never", 0.0, 0.0, 0.0, "unseen"),
        ("madvise", 0.0, 0.0, 400.0, "effect"),
        ("always", 400.0, 390.0, 410.0, "unseen"),
        ("always", 400.0, 20.0, 410.0, "effect"),
    ],
)
def test_huge_pages_count_where_they_were_not_had_anyway(
    setting: str, default: float, off: float, own: float, outcome: str
) -> None:
    """The two figures of `always` differ by chance: which of them is larger must not decide."""
    case, base = _hugetlb(), {**DEFAULT, "huge_page_mib": default}
    without = {**base, **NO_ARENA, "huge_page_mib": off}
    with_pages = {**NO_ARENA, "huge_page_mib": own}
    found, text = _judge(case, with_pages, base=base, arena_off=without)
    assert (setting, found) == (setting, outcome)
    assert "透明大页" in text


def test_misspelt_key_changes_nothing_and_is_never_an_effect() -> None:
    """ORT takes it without a word; the threads spin on."""
    case = _case(NOT_SPINNING, **{"session.intra_op.allow_spining": "0"})
    assert _judge(case, {})[0] == "nothing"
    assert _judge(case, {"idle_cpu_s": 0.031})[0] == "nothing"  # it varies by itself
    right = _case(NOT_SPINNING, **{"session.intra_op.allow_spinning": "0"})
    assert _judge(right, {"idle_cpu_s": 0.001})[0] == "effect"


def test_misspelt_key_beside_a_right_one_is_seen_to_lack_evidence() -> None:
    case = _case(ARENA_OFF, enable_cpu_mem_arena=False, **{"session.intra_op.allow_spining": "0"})
    outcome, text = _judge(case, NO_ARENA)
    assert outcome == "unseen"
    assert "没有证据的：session.intra_op.allow_spining" in text


def test_setting_that_equals_the_default_changes_nothing_though_its_promise_holds() -> None:
    """On a machine with as many threads as written out, the count is right without the setting, too."""
    same = Proof(fact="threads_created", relation="==", expected=1)
    case = _case(same, intra_op_num_threads=2)
    assert _judge(case, {})[0] == "nothing"
    outcome, text = _judge(case, {"minor_faults": 9000.0}, unchanged=("intra_op_num_threads",))
    assert outcome == "nothing"
    assert "默认值" in text


def test_promise_that_the_default_keeps_too_proves_no_key() -> None:
    same = Proof(fact="threads_created", relation="==", expected=1)
    outcome, text = _judge(_case(same, intra_op_num_threads=2), {"threads_pinned": 0})
    assert outcome == "unseen"
    assert "没有证据的：intra_op_num_threads" in text


def test_setting_written_out_as_it_is_anyway_needs_no_evidence_beside_one_that_took_effect() -> None:
    case = _case(ARENA_OFF, enable_cpu_mem_arena=False, enable_mem_reuse=True)
    assert _judge(case, NO_ARENA)[0] == "unseen"
    assert _judge(case, NO_ARENA, unchanged=("enable_mem_reuse",))[0] == "effect"


@pytest.mark.parametrize(
    "extra",
    [
        {"run_settings": {"memory.enable_memory_arena_shrinkage": "cpu:0"}},
        {"shared_arena": {"arena_extend_strategy": 1}},
        {"env": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}},
        {"settings": {"enable_cpu_mem_arena": False, "session.x": "0"}},
    ],
    ids=lambda extra: next(iter(extra)),
)
def test_each_key_is_spoken_for(extra: dict[str, Any]) -> None:
    fields = {"settings": {"enable_cpu_mem_arena": False}, **extra}
    case = Case(id="one", title="", proofs=(ARENA_OFF,), **fields)
    assert _judge(case, NO_ARENA)[0] == "unseen"
    all_of_it = Proof(fact="arena_regions", relation="==", expected=0)
    assert _judge(Case(id="one", title="", proofs=(all_of_it,), **fields), NO_ARENA)[0] == "effect"


def test_option_that_the_log_lists_with_another_value_than_the_default_is_spoken_for() -> None:
    case = _case(ARENA_OFF, enable_cpu_mem_arena=False, enable_mem_reuse=False)
    base = {**DEFAULT, RECEIVED + "enable_cpu_mem_arena": 1.0, RECEIVED + "enable_mem_reuse": 1.0}
    own = {**NO_ARENA, RECEIVED + "enable_cpu_mem_arena": 0.0, RECEIVED + "enable_mem_reuse": 0.0}
    outcome, text = _judge(case, own, base=base)
    assert outcome == "effect"
    assert "会话收到 enable_cpu_mem_arena=0、enable_mem_reuse=0" in text


def test_option_that_arrived_and_left_everything_as_it_was_took_no_effect() -> None:
    """To arrive is not to act."""
    case = _case(enable_mem_reuse=False)
    base = {**DEFAULT, RECEIVED + "enable_mem_reuse": 1.0}
    assert _judge(case, {RECEIVED + "enable_mem_reuse": 0.0}, base=base)[0] == "nothing"


def test_option_that_arrived_with_another_value_was_not_seen() -> None:
    case = _case(ARENA_OFF, enable_cpu_mem_arena=False, execution_mode="ORT_PARALLEL")
    own = {**NO_ARENA, RECEIVED + "enable_cpu_mem_arena": 0.0, RECEIVED + "execution_mode": 0.0}
    outcome, text = _judge(case, own)
    assert outcome == "unseen"
    assert "execution_mode 不是所设的值" in text


@pytest.mark.parametrize("other", [None, {}])
def test_case_to_be_held_against_that_is_missing_proves_nothing(other: Facts | None) -> None:
    fewer = Proof(fact="minor_faults", relation="<", expected=0.5, than="two")
    more = {} if other is None else {"two": other}
    outcome, text = _judge(_case(fewer, x=1), {"minor_faults": 10.0}, **more)
    assert outcome == "unseen"
    assert "本机读不到“每次推理的缺页次数”" in text


@pytest.mark.parametrize(("seen", "outcome"), [(2000, "effect"), (2500, "unseen"), (4000, "nothing")])
def test_fact_against_a_share_of_another_cases(seen: float, outcome: str) -> None:
    fewer = Proof(fact="minor_faults", relation="<", expected=0.5, than=BASELINE)
    found, text = _judge(_case(fewer, x=1), {"minor_faults": seen})
    assert found == outcome
    assert "默认为 5000" in text


@pytest.mark.parametrize(
    ("relation", "seen", "outcome"),
    [
        ("==", 3, "effect"),
        ("==", 2, "unseen"),
        ("!=", 2, "unseen"),
        ("<", 0, "unseen"),
        (">", 3, "effect"),
        (">", 2, "unseen"),
    ],
)
def test_relations(relation: Any, seen: float, outcome: str) -> None:
    """Held against a number that the default's one thread lies below: `!=` and `<` hold for it, too."""
    expected = {"==": 3, "!=": 3, "<": 2, ">": 2}[relation]
    proof = Proof(fact="threads_created", relation=relation, expected=expected)
    assert _judge(_case(proof, x=1), {"threads_created": seen})[0] == outcome


@pytest.mark.parametrize("fact", sorted(MARGINS))
def test_facts_that_vary_by_themselves_differ_beyond_their_margin_only(fact: str) -> None:
    share, size = MARGINS[fact]
    for base_value in (0.0, 10 * size / share):
        base = {**DEFAULT, fact: base_value}
        within = base_value + max(0.99 * size, 0.99 * share * base_value)
        beyond = base_value + 1.01 * max(size, share * base_value / (1 - share))
        assert _judge(_case(x=1), {fact: within}, base=base)[0] == "nothing"
        assert _judge(_case(x=1), {fact: beyond}, base=base)[0] == "unseen"


@pytest.mark.parametrize("fact", sorted(set(DEFAULT) - set(MARGINS)))
def test_other_facts_have_no_margin(fact: str) -> None:
    assert _judge(_case(x=1), {fact: DEFAULT[fact] + 1})[0] == "unseen"


def test_log_level_is_held_against_a_default_that_nobody_listened_to() -> None:
    """The observed default is verbose because we made it so."""
    quiet = _case(NO_WARNINGS, log_severity_level=3)
    told = {**OUTSIDE, "warning_lines": 0.0}
    assert _judge(quiet, told)[0] == "effect"
    assert _judge(_case(NO_WARNINGS, log_severity_level=2), OUTSIDE)[0] == "nothing"
    assert (
        judge(quiet, {BASELINE: DEFAULT, "one": {**DEFAULT, **told}})[0] == "unseen"
    )  # nobody looked from outside


def test_articles_settings_are_proven_one_by_one_where_the_log_lists_nothing() -> None:
    own = {**NO_ARENA, **OUTSIDE, "warning_lines": 0.0}
    same = ("graph_optimization_level",)
    assert _judge(ORIGINAL, own, unchanged=same)[0] == "effect"
    assert _judge(ORIGINAL, {**own, "warning_lines": 1.0}, unchanged=same)[0] == "unseen"
    assert (
        _judge(ORIGINAL, {**own, **{name: DEFAULT[name] for name in NO_ARENA}}, unchanged=same)[0] == "unseen"
    )


def _tested() -> Iterator[tuple[Experiment, Case]]:
    for experiment in EXPERIMENTS.values():
        for case in experiment.cases(4):
            if case.id not in (BASELINE, CONTROL):
                yield experiment, case


TESTED = [pytest.param(*one, id=f"{one[0].id}-{one[1].id}") for one in _tested()]


def _listed(case: Case) -> set[str]:
    """Options of which the session's own log tells the value: it is written at the chattier levels alone."""
    level = case.settings.get("log_severity_level", 0)
    return set(RECEIVED_SWITCHES) if isinstance(level, int) and level <= 1 else set()


def _as_it_is_anyway(case: Case) -> set[str]:
    options = onnxruntime.SessionOptions()
    names = [name for name in case.settings if "." not in name]
    return {name for name in names if _plain(getattr(options, name)) == case.settings[name]}


def _plain(value: object) -> object:
    return getattr(value, "name", value)


@pytest.mark.parametrize(("experiment", "case"), TESTED)
def test_each_key_of_each_experiment_is_spoken_for(experiment: Experiment, case: Case) -> None:
    keys = {*case.settings, *case.run_settings, *case.shared_arena, *case.env}
    proven = {key for proof in case.proofs for key in (proof.keys or keys)}
    assert case.proofs
    assert keys - proven - _listed(case) - _as_it_is_anyway(case) == set()


@pytest.mark.parametrize(("experiment", "case"), TESTED)
def test_each_proof_names_a_fact_and_a_case_that_are_seen_on_the_same_model(
    experiment: Experiment, case: Case
) -> None:
    names = {other.id for other in experiment.cases(4)}
    for proof in case.proofs:
        assert proof.fact in FACTS
        assert proof.than is None or proof.than in names
        for group in experiment.groups:
            cases = group.cases or names
            assert case.id not in cases or proof.than is None or proof.than in cases


def test_facts_that_the_observer_would_make_itself_are_known() -> None:
    assert set(WITHOUT_OBSERVER) | set(MARGINS) | CORE <= set(FACTS)


def test_graph_of_as_many_nodes_but_other_operators_is_another_graph() -> None:
    """On the network with branches, EXTENDED runs as many nodes as ALL, and other ones: it is slower there."""
    look = Proof(fact="operators", relation="!=", expected=1, than=BASELINE)
    case = _case(look, graph_optimization_level="ORT_ENABLE_EXTENDED")
    outcome, text = _judge(case, {"operators": 7.0})
    assert (outcome, text) == ("effect", "一次推理执行的各种算子：与默认不同")
    outcome, text = _judge(case, {})
    assert outcome == "nothing"
    assert text.startswith("一次推理执行的各种算子：与默认相同")
