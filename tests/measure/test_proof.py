"""Whether a setting took effect: three answers, and none of them out of nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import onnxruntime
import pytest

from bench.experiments import EXPERIMENTS
from bench.experiments._common import ARENA_OFF, NO_WARNINGS, NOT_SPINNING
from bench.measure.evidence import FACTS, RECEIVED, RECEIVED_SWITCHES
from bench.measure.proof import CORE, MARGINS, WITHOUT_OBSERVER, Facts, judge
from bench.spec import BASELINE, CONTROL, Case, Experiment, Load, Machine, Place, Proof, Subject

DEFAULT: Facts = (
    dict.fromkeys(("exact_regions_share", "arena_shrinks", "overlapping_nodes", "huge_page_mib"), 0.0)
    | dict.fromkeys(("threads_created", "threads_pinned", "second_run_regions", "node_threads"), 1)
    | {"arena_regions": 4, "arena_mib": 64.0, "nodes": 20, "operators": 123456.0}
    | {"minor_faults": 5000.0, "idle_cpu_s": 0.04}
)
"""What the default shows on some machine."""
OUTSIDE: Facts = {**dict.fromkeys(WITHOUT_OBSERVER, 0), "warning_lines": 1}
"""What it shows where nobody listens."""
NO_ARENA: Facts = {"arena_regions": 0, "arena_mib": 0.0, "second_run_regions": 0}
UNREAD = {**DEFAULT, **NO_ARENA}
GIVEN = {RECEIVED + "enable_cpu_mem_arena": 1.0, RECEIVED + "enable_mem_reuse": 1.0}
FOUR = Machine(cores=4, libc="glibc 2.40", software={"onnxruntime": "9.0"})
OFF, MISSPELT = {"enable_cpu_mem_arena": False}, {"session.intra_op.allow_spining": "0"}
TWO_THREADS, REUSE = {"intra_op_num_threads": 2}, {"enable_mem_reuse": False}


def _case(*proofs: Proof, **settings: Any) -> Case:
    return Case(id="one", title="", settings=settings or {"x": 1}, proofs=proofs)


def _proof(fact: str, relation: Any, expected: float, than: str | None = None) -> Proof:
    return Proof(fact=fact, relation=relation, expected=expected, than=than)


def _judge(
    case: Case, own: Facts, *, base: Facts = DEFAULT, unchanged: tuple[str, ...] = (), **more: Facts
) -> tuple[str | None, str]:
    """`own` differs from the default in what is named."""
    return judge(case, {BASELINE: base, CONTROL: OUTSIDE, case.id: {**base, **own}, **more}, unchanged)


def _row(name: str, case: Case, own: Facts, outcome: str, words: str = "", **beside: Any) -> Any:
    return pytest.param(case, own, outcome, words, beside, id=name)


ARENA, BOTH = _case(ARENA_OFF, **OFF), _case(ARENA_OFF, **OFF, **REUSE)
ONE_THREAD = _case(_proof("threads_created", "==", 1), **TWO_THREADS)
OTHER_GRAPH = _proof("operators", "!=", 1, BASELINE)
FEWER, THAN_TWO = (_case(_proof("minor_faults", "<", 0.5, than)) for than in (BASELINE, "two"))
HUGE_PAGES = next(case for case in EXPERIMENTS["arena"].cases(FOUR) if case.id == "arena_off_hugetlb")
ALWAYS = DEFAULT | {"huge_page_mib": 400.0}
EVERYTHING = replace(
    _case(ARENA_OFF, **OFF, **{"session.x": "0"}),
    run_settings={"memory.shrink": "cpu:0"},
    subject=Subject(name="shared_arena", options={"arena_extend_strategy": 1}),
    place=Place(env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
    load=Load(callers=2),
    variant="optimised",
)
QUIET = _case(NO_WARNINGS, log_severity_level=3)


@pytest.mark.parametrize(
    ("case", "own", "outcome", "words", "beside"),
    [
        _row("shows, and not without it", ARENA, NO_ARENA, "effect", "区块数：0（应等于 0，默认为 4）"),
        _row("leaves every fact as it was", _case(_proof("threads_created", ">", 1, BASELINE), inter_op_num_threads=4), {RECEIVED + "inter_op_num_threads": 4}, "nothing", "与默认相同"),
        _row("changes something that it does not promise", ARENA, {"nodes": 19}, "unseen", "区块数：4（默认为 4）"),
        _row("misspelt: threads spin on, as long as it varies by itself", _case(NOT_SPINNING, **MISSPELT), {"idle_cpu_s": 0.031}, "nothing"),
        _row("spelt right", _case(NOT_SPINNING, **{"session.intra_op.allow_spinning": "0"}), {"idle_cpu_s": 0.001}, "effect"),
        _row("misspelt beside a right one", _case(ARENA_OFF, **OFF, **MISSPELT), NO_ARENA, "unseen", "没有证据的：session.intra_op.allow_spining"),
        _row("every key is to be spoken for", EVERYTHING, NO_ARENA, "unseen", "没有证据的：GLIBC_TUNABLES、arena_extend_strategy、load、memory.shrink、session.x、subject、variant"),
        _row("proof that speaks for every key", replace(EVERYTHING, proofs=(_proof("arena_regions", "==", 0),)), NO_ARENA, "effect"),
        _row("promise holds anyway", ONE_THREAD, {RECEIVED + "intra_op_num_threads": 2.0}, "nothing"),
        _row("promise that the default keeps, too", ONE_THREAD, {"threads_pinned": 0}, "unseen", "没有证据的：intra_op_num_threads"),
        _row("written out as it is anyway", ONE_THREAD, {"minor_faults": 9000.0}, "nothing", "默认值", unchanged=("intra_op_num_threads",)),
        _row("as it is anyway, beside another", BOTH, NO_ARENA, "effect", unchanged=("enable_mem_reuse",)),
        _row("as many nodes, and other ones", _case(OTHER_GRAPH, graph_optimization_level="ORT_ENABLE_EXTENDED"), {"operators": 7.0}, "effect", "各种算子：与默认不同"),
        _row("the same graph", _case(OTHER_GRAPH), {}, "nothing", "各种算子：与默认相同"),
        _row("arrived with another value", _case(ARENA_OFF, **OFF, execution_mode="ORT_PARALLEL"), {**NO_ARENA, RECEIVED + "enable_cpu_mem_arena": 0.0, RECEIVED + "execution_mode": 0.0}, "unseen", "execution_mode 不是所设的值"),
        _row("listed with another value", BOTH, {**NO_ARENA, **dict.fromkeys(GIVEN, 0.0)}, "effect", "会话收到 enable_cpu_mem_arena=0、enable_mem_reuse=0", base=DEFAULT | GIVEN),
        _row("to arrive is not to act", _case(**REUSE), {RECEIVED + "enable_mem_reuse": 0.0}, "nothing", base=DEFAULT | GIVEN),
        _row("what it does was not promised", _case(**REUSE), {RECEIVED + "enable_mem_reuse": 0.0, "nodes": 19}, "unseen", base=DEFAULT | GIVEN),
        _row("log", QUIET, {**OUTSIDE, "warning_lines": 0}, "effect"),
        _row("nobody listened from outside: we made the default verbose", QUIET, {**OUTSIDE, "warning_lines": 0}, "unseen", default_again={}),
        _row("load that did not show", Case(id="one", title="", load=Load(callers=2)), {}, "nothing", "与默认相同"),
        _row("file", Case(id="one", title="", variant="optimised", proofs=(OTHER_GRAPH,)), {"operators": 7.0}, "effect"),
        _row("log in other words: no region is read in any process", ARENA, NO_ARENA, "unseen", "读不到", base=UNREAD),
        _row("half of another's", FEWER, {"minor_faults": 2000}, "effect", "默认为 5000"),
        _row("not less than half of it", FEWER, {"minor_faults": 2500}, "unseen", "默认为 5000"),
        _row("within the margin", FEWER, {"minor_faults": 4000}, "nothing", "默认为 5000"),
        _row("held against a case that is missing", THAN_TWO, {"minor_faults": 10}, "unseen", "本机读不到“每次推理的缺页次数”"),
        _row("huge pages never", HUGE_PAGES, NO_ARENA, "unseen", "透明大页", arena_off=UNREAD),
        _row("when asked for", HUGE_PAGES, {**NO_ARENA, "huge_page_mib": 400.0}, "effect", "透明大页", arena_off=UNREAD),
        _row("always: 390 and 410 differ by chance", HUGE_PAGES, {**NO_ARENA, "huge_page_mib": 410.0}, "unseen", "透明大页", base=ALWAYS, arena_off=UNREAD | {"huge_page_mib": 390.0}),
        _row("always, but not with the arena off", HUGE_PAGES, {**NO_ARENA, "huge_page_mib": 410.0}, "effect", "透明大页", base=ALWAYS, arena_off=UNREAD | {"huge_page_mib": 20.0}),
        _row("==", _case(_proof("threads_created", "==", 3)), {"threads_created": 3}, "effect"),
        _row("!= holds for the default, too", _case(_proof("threads_created", "!=", 3)), {"threads_created": 2}, "unseen"),
        _row("<, too", _case(_proof("threads_created", "<", 2)), {"threads_created": 0}, "unseen"),
        _row("not >", _case(_proof("threads_created", ">", 2)), {"threads_created": 2}, "unseen"),
        _row(">", _case(_proof("threads_created", ">", 2)), {"threads_created": 3}, "effect"),
    ],
)  # fmt: skip
def test_three_answers(case: Case, own: Facts, outcome: str, words: str, beside: dict[str, Any]) -> None:
    found, text = _judge(case, own, **beside)
    assert (found, words in text) == (outcome, True)


def test_default_has_nothing_to_prove_and_what_was_not_read_proves_nothing() -> None:
    assert set(WITHOUT_OBSERVER) | set(MARGINS) | CORE <= set(FACTS)
    for name in (BASELINE, CONTROL):
        outcome, text = judge(Case(id=name, title=""), {})
        assert (outcome, "无需证明" in text) == (None, True)
    for facts in ({}, {"one": {}}, {"one": DEFAULT}, {"one": {}, BASELINE: DEFAULT}):
        assert {judge(case, facts)[0] for case in (ARENA, _case(**OFF))} == {"unseen"}
    assert _judge(_case(), {})[0] == "nothing"
    for fact in CORE:
        base = {name: value for name, value in DEFAULT.items() if name != fact}
        assert (fact, _judge(_case(), {}, base=base)[0]) == (fact, "unseen")


@pytest.mark.parametrize("fact", sorted(DEFAULT))
def test_facts_differ_beyond_their_margin_only(fact: str) -> None:
    share, size = MARGINS.get(fact, (0.0, 0.0))
    for base_value in (0.0, 10 * size / share) if share else (DEFAULT[fact],):
        base = {**DEFAULT, fact: base_value}
        within = base_value + max(0.99 * size, 0.99 * share * base_value)
        beyond = base_value + (1.01 * max(size, share * base_value / (1 - share)) or 1)
        assert _judge(_case(), {fact: within}, base=base)[0] == "nothing"
        assert _judge(_case(), {fact: beyond}, base=base)[0] == "unseen"


def _needs_no_proof(case: Case) -> set[str]:
    """What the session's own log, written at the chattier levels alone, tells, and what is so anyway."""
    level, options = case.settings.get("log_severity_level", 0), onnxruntime.SessionOptions()
    plain = {name: getattr(options, name) for name in case.settings if "." not in name}
    anyway = {name for name, value in plain.items() if getattr(value, "name", value) == case.settings[name]}
    return anyway | (set(RECEIVED_SWITCHES) if isinstance(level, int) and level <= 1 else set())


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda one: one.id)
def test_each_key_of_each_experiment_is_spoken_for_on_its_own_model(experiment: Experiment) -> None:
    cases = [case for case in experiment.cases(FOUR) if case.id not in (BASELINE, CONTROL)]
    for case in cases:
        proven = {key for proof in case.proofs for key in (proof.keys or case.keys)}
        unspoken = case.keys - proven - _needs_no_proof(case)
        assert (case.id, bool(case.proofs), unspoken) == (case.id, True, set())
        beside = [group.cases for group in experiment.groups if case.id in group.cases]
        others = {proof.than for proof in case.proofs if proof.than}
        assert [(case.id, names) for names in beside if not others <= {*names}] == []
