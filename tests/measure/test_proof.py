"""Whether a setting took effect: three answers, and none of them out of nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnxruntime
import pytest

from bench.experiments import EXPERIMENTS
from bench.experiments._common import ARENA_OFF, NO_WARNINGS, NOT_SPINNING
from bench.measure.evidence import FACTS, RECEIVED, RECEIVED_SWITCHES
from bench.measure.proof import CORE, MARGINS, WITHOUT_OBSERVER, judge
from bench.spec import BASELINE, CONTROL, Case, Load, Machine, Place, Proof, Subject

if TYPE_CHECKING:
    from bench.measure.proof import Facts
    from bench.spec import Experiment

DEFAULT: dict[str, float] = (
    dict.fromkeys(("exact_regions_share", "arena_shrinks", "overlapping_nodes", "huge_page_mib"), 0.0)
    | dict.fromkeys(("threads_created", "threads_pinned", "second_run_regions", "node_threads"), 1)
    | {"arena_regions": 4, "arena_mib": 64.0, "nodes": 20, "operators": 123456.0}
    | {"minor_faults": 5000.0, "idle_cpu_s": 0.04}
)
"""What the default shows on some machine."""
OUTSIDE: dict[str, float] = {**dict.fromkeys(WITHOUT_OBSERVER, 0), "warning_lines": 1}
"""What it shows where nobody listens."""
NO_ARENA: dict[str, float] = {"arena_regions": 0, "arena_mib": 0.0, "second_run_regions": 0}
FOUR = Machine(cores=4, libc="glibc 2.40", software={"onnxruntime": "9.0"})


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
MORE_THREADS = Proof(fact="threads_created", relation=">", expected=1, than=BASELINE)
ONE_THREAD = Proof(fact="threads_created", relation="==", expected=1)
MISSPELT = {"session.intra_op.allow_spining": "0"}
SPINNING = {"session.intra_op.allow_spinning": "0"}
OTHER_GRAPH = Proof(fact="operators", relation="!=", expected=1, than=BASELINE)
ALWAYS_RECEIVED = {RECEIVED + "enable_cpu_mem_arena": 0.0, RECEIVED + "enable_mem_reuse": 0.0}


@pytest.mark.parametrize(
    ("case", "own", "outcome", "words"),
    [
        pytest.param(ARENA, NO_ARENA, "effect", "区块数：0（应等于 0，默认为 4）", id="shows, and not without it"),
        pytest.param(
            _case(MORE_THREADS, inter_op_num_threads=4),
            {RECEIVED + "inter_op_num_threads": 4},
            "nothing",
            "与默认相同",
            id="leaves every fact as it was",
        ),
        pytest.param(ARENA, {"nodes": 19}, "unseen", "区块数：4", id="changes something that it does not promise"),
        pytest.param(_case(NOT_SPINNING, **MISSPELT), {}, "nothing", "", id="misspelt: threads spin on"),
        pytest.param(
            _case(NOT_SPINNING, **MISSPELT), {"idle_cpu_s": 0.031}, "nothing", "", id="misspelt: it varies by itself"
        ),
        pytest.param(_case(NOT_SPINNING, **SPINNING), {"idle_cpu_s": 0.001}, "effect", "", id="spelt right"),
        pytest.param(
            _case(ARENA_OFF, enable_cpu_mem_arena=False, **MISSPELT),
            NO_ARENA,
            "unseen",
            "没有证据的：session.intra_op.allow_spining",
            id="misspelt beside a right one",
        ),
        pytest.param(_case(ONE_THREAD, intra_op_num_threads=2), {}, "nothing", "", id="promise holds anyway"),
        pytest.param(
            _case(ONE_THREAD, intra_op_num_threads=2),
            {"threads_pinned": 0},
            "unseen",
            "没有证据的：intra_op_num_threads",
            id="promise that the default keeps, too",
        ),
        pytest.param(
            _case(OTHER_GRAPH, graph_optimization_level="ORT_ENABLE_EXTENDED"),
            {"operators": 7.0},
            "effect",
            "各种算子：与默认不同",
            id="as many nodes, and other ones",
        ),
        pytest.param(_case(OTHER_GRAPH, x=1), {}, "nothing", "各种算子：与默认相同", id="the same graph"),
        pytest.param(
            _case(ARENA_OFF, enable_cpu_mem_arena=False, execution_mode="ORT_PARALLEL"),
            {**NO_ARENA, RECEIVED + "enable_cpu_mem_arena": 0.0, RECEIVED + "execution_mode": 0.0},
            "unseen",
            "execution_mode 不是所设的值",
            id="arrived with another value",
        ),
        pytest.param(_case(NO_WARNINGS, log_severity_level=3), {**OUTSIDE, "warning_lines": 0}, "effect", "", id="log"),
        pytest.param(_case(NO_WARNINGS, log_severity_level=2), OUTSIDE, "nothing", "", id="log of the default"),
        pytest.param(
            Case(id="one", title="", load=Load(callers=2)), {}, "nothing", "与默认相同", id="load that did not show"
        ),
        pytest.param(
            Case(id="one", title="", variant="optimised", proofs=(OTHER_GRAPH,)), {"operators": 7.0}, "effect", "", id="file"
        ),
    ],
)  # fmt: skip
def test_three_answers(case: Case, own: dict[str, float], outcome: str, words: str) -> None:
    found, text = _judge(case, own)
    assert (found, words in text) == (outcome, True)


def test_default_has_nothing_to_prove() -> None:
    for name in (BASELINE, CONTROL):
        outcome, text = judge(Case(id=name, title=""), {})
        assert (outcome, "无需证明" in text) == (None, True)


@pytest.mark.parametrize("own", [NO_ARENA, {}])
def test_log_in_other_words_proves_nothing(own: dict[str, float]) -> None:
    """The next ORT may word its lines anew: no region is then read in any process, and that is no arena off."""
    outcome, text = _judge(ARENA, own, base={**DEFAULT, **NO_ARENA})
    assert (outcome, "读不到" in text) == ("unseen", True)


@pytest.mark.parametrize("facts", [{}, {"one": {}}, {"one": DEFAULT}, {"one": {}, BASELINE: DEFAULT}])
def test_what_was_not_read_proves_nothing(facts: dict[str, Facts]) -> None:
    for case in (ARENA, _case(enable_cpu_mem_arena=False)):
        assert judge(case, facts)[0] == "unseen"


def test_log_level_proves_nothing_where_nobody_listened_from_outside() -> None:
    """The observed default is verbose because we made it so."""
    quiet = _case(NO_WARNINGS, log_severity_level=3)
    facts = {BASELINE: DEFAULT, "one": {**DEFAULT, **OUTSIDE, "warning_lines": 0.0}}
    assert judge(quiet, facts)[0] == "unseen"


@pytest.mark.parametrize("fact", sorted(CORE))
def test_nothing_changed_cannot_be_said_of_what_was_not_read(fact: str) -> None:
    base = {name: value for name, value in DEFAULT.items() if name != fact}
    assert _judge(_case(x=1), {}, base=base)[0] == "unseen"
    assert _judge(_case(x=1), {})[0] == "nothing"


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
    case = next(case for case in EXPERIMENTS["arena"].cases(FOUR) if case.id == "arena_off_hugetlb")
    base = {**DEFAULT, "huge_page_mib": default}
    without = {**base, **NO_ARENA, "huge_page_mib": off}
    found, text = _judge(case, {**NO_ARENA, "huge_page_mib": own}, base=base, arena_off=without)
    assert (setting, found, "透明大页" in text) == (setting, outcome, True)


def test_setting_written_out_as_it_is_anyway_needs_no_evidence() -> None:
    case = _case(ONE_THREAD, intra_op_num_threads=2)
    outcome, text = _judge(case, {"minor_faults": 9000.0}, unchanged=("intra_op_num_threads",))
    assert (outcome, "默认值" in text) == ("nothing", True)
    beside = _case(ARENA_OFF, enable_cpu_mem_arena=False, enable_mem_reuse=True)
    assert _judge(beside, NO_ARENA)[0] == "unseen"
    assert _judge(beside, NO_ARENA, unchanged=("enable_mem_reuse",))[0] == "effect"


@pytest.mark.parametrize(
    "extra",
    [
        {"run_settings": {"memory.enable_memory_arena_shrinkage": "cpu:0"}},
        {"subject": Subject(name="shared_arena", options={"arena_extend_strategy": 1})},
        {"place": Place(env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})},
        {"settings": {"enable_cpu_mem_arena": False, "session.x": "0"}},
        {"load": Load(callers=2)},
        {"variant": "optimised"},
    ],
    ids=lambda extra: next(iter(extra)),
)
def test_each_key_is_spoken_for(extra: dict[str, Any]) -> None:
    fields = {"settings": {"enable_cpu_mem_arena": False}, **extra}
    case = Case(id="one", title="", proofs=(ARENA_OFF,), **fields)
    assert _judge(case, NO_ARENA)[0] == "unseen"
    all_of_it = Proof(fact="arena_regions", relation="==", expected=0)
    assert _judge(Case(id="one", title="", proofs=(all_of_it,), **fields), NO_ARENA)[0] == "effect"


def test_option_that_the_log_lists_with_another_value_is_spoken_for_and_to_arrive_is_not_to_act() -> None:
    base = {**DEFAULT, RECEIVED + "enable_cpu_mem_arena": 1.0, RECEIVED + "enable_mem_reuse": 1.0}
    both = _case(ARENA_OFF, enable_cpu_mem_arena=False, enable_mem_reuse=False)
    outcome, text = _judge(both, {**NO_ARENA, **ALWAYS_RECEIVED}, base=base)
    assert (outcome, "会话收到 enable_cpu_mem_arena=0、enable_mem_reuse=0" in text) == ("effect", True)
    alone = _case(enable_mem_reuse=False)
    assert _judge(alone, {RECEIVED + "enable_mem_reuse": 0.0}, base=base)[0] == "nothing"


@pytest.mark.parametrize("other", [None, {}])
def test_case_to_be_held_against_that_is_missing_proves_nothing(other: Facts | None) -> None:
    fewer = Proof(fact="minor_faults", relation="<", expected=0.5, than="two")
    more = {} if other is None else {"two": other}
    outcome, text = _judge(_case(fewer, x=1), {"minor_faults": 10.0}, **more)
    assert (outcome, "本机读不到“每次推理的缺页次数”" in text) == ("unseen", True)


@pytest.mark.parametrize(("seen", "outcome"), [(2000, "effect"), (2500, "unseen"), (4000, "nothing")])
def test_fact_against_a_share_of_another_cases(seen: float, outcome: str) -> None:
    fewer = Proof(fact="minor_faults", relation="<", expected=0.5, than=BASELINE)
    found, text = _judge(_case(fewer, x=1), {"minor_faults": seen})
    assert (found, "默认为 5000" in text) == (outcome, True)


@pytest.mark.parametrize(
    ("relation", "expected", "seen", "outcome"),
    [
        ("==", 3, 3, "effect"),
        ("==", 3, 2, "unseen"),
        ("!=", 3, 2, "unseen"),
        ("<", 2, 0, "unseen"),
        (">", 2, 3, "effect"),
        (">", 2, 2, "unseen"),
    ],
)
def test_relations(relation: Any, expected: float, seen: float, outcome: str) -> None:
    """Held against a number that the default's one thread lies below: `!=` and `<` hold for it, too."""
    proof = Proof(fact="threads_created", relation=relation, expected=expected)
    assert _judge(_case(proof, x=1), {"threads_created": seen})[0] == outcome


@pytest.mark.parametrize("fact", sorted(DEFAULT))
def test_facts_differ_beyond_their_margin_only(fact: str) -> None:
    share, size = MARGINS.get(fact, (0.0, 0.0))
    for base_value in (0.0, 10 * size / share) if share else (DEFAULT[fact],):
        base = {**DEFAULT, fact: base_value}
        within = base_value + max(0.99 * size, 0.99 * share * base_value)
        beyond = base_value + (1.01 * max(size, share * base_value / (1 - share)) or 1)
        assert _judge(_case(x=1), {fact: within}, base=base)[0] == "nothing"
        assert _judge(_case(x=1), {fact: beyond}, base=base)[0] == "unseen"


TESTED = [
    pytest.param(experiment, case, id=f"{experiment.id}-{case.id}")
    for experiment in EXPERIMENTS.values()
    for case in experiment.cases(FOUR)
    if case.id not in (BASELINE, CONTROL)
]


def _needs_no_proof(case: Case) -> set[str]:
    """What the session's own log, written at the chattier levels alone, tells, and what is so anyway."""
    level, options = case.settings.get("log_severity_level", 0), onnxruntime.SessionOptions()
    plain = {name: getattr(options, name) for name in case.settings if "." not in name}
    anyway = {name for name, value in plain.items() if getattr(value, "name", value) == case.settings[name]}
    return anyway | (set(RECEIVED_SWITCHES) if isinstance(level, int) and level <= 1 else set())


@pytest.mark.parametrize(("experiment", "case"), TESTED)
def test_each_key_of_each_experiment_is_spoken_for_by_what_is_seen_on_the_same_model(
    experiment: Experiment, case: Case
) -> None:
    proven = {key for proof in case.proofs for key in (proof.keys or case.keys)}
    assert case.proofs
    assert case.keys - proven - _needs_no_proof(case) == set()
    names = {other.id for other in experiment.cases(FOUR)}
    for proof in case.proofs:
        assert proof.fact in FACTS
        assert proof.than is None or proof.than in names
        for group in experiment.groups:
            cases = group.cases or names
            assert case.id not in cases or proof.than is None or proof.than in cases


def test_facts_that_the_observer_would_make_itself_are_known() -> None:
    assert set(WITHOUT_OBSERVER) | set(MARGINS) | CORE <= set(FACTS)
