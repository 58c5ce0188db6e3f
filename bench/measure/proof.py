"""Did a setting take effect? Three answers, each of which can turn out false.

- *effect*: everything that the case promises was seen, and for each key something that is not so without it;
- *nothing*: every fact could be read and is the same as the baseline's: the setting does nothing here;
- *unseen*: anything else. What cannot be read proves nothing, and neither does a log in other words.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from bench.measure.evidence import ARENA_FACTS, FACTS, FINGERPRINTS, RECEIVED, as_listed
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.results.records import Outcome
    from bench.spec import Case, Proof, Scalar

Facts = dict[str, float]

_RELATIONS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt}
_WORDS = {"==": "等于", "!=": "不等于", "<": "小于", ">": "大于"}
CORE = frozenset({"arena_regions", "nodes", "operators", "threads_created", "threads_pinned"})
"""What must have been read before anything may be said to change nothing."""
MARGINS = {
    "arena_mib": (0.02, 1.0),
    "huge_page_mib": (0.25, 16.0),
    "idle_cpu_s": (0.5, 0.01),
    "minor_faults": (0.25, 100.0),
    "opened_mib": (0.25, 16.0),
    "opening_cores": (0.5, 0.5),
    "heaps": (0.5, 4.0),
    "returned_mib": (0.5, 16.0),
}
"""Facts that vary by themselves: the share, and the size, by which they may differ and still be the same."""
SEEN_OF = {"session.set_denormal_as_zero": "denormals_zeroed"}
"""Key that all cases of a group may have -> the fact in which it shows."""
WITHOUT_OBSERVER = ("session_info_lines", "session_verbose_lines", "warning_lines", "trace_bytes")
"""Facts that the observer itself would make in the baseline: they come from `default_again`, observed from outside."""


def judge(
    case: Case,
    facts: Mapping[str, Facts],
    unchanged: Sequence[str] = (),
    settings: Mapping[str, Scalar] | None = None,
) -> tuple[Outcome | None, str]:
    """(outcome, evidence in Chinese). `facts`: those of every case on one model; None: there is nothing to prove.

    `unchanged` names settings that the case writes out with the value that they have anyway; `settings` are those
    that all cases of the group have, the default too: whether they took effect shows there.
    """
    if case.id in (BASELINE, CONTROL):
        return None, "；".join(["默认设置，无需证明", *_in_all_cases(settings, facts.get(case.id, {}))])
    base = baseline(facts)
    own = readable(facts.get(case.id, {}), base)
    wrong = _wrongly_received(case, own)
    said = [_told(proof, own, _held_against(proof, facts, base)) for proof in case.proofs]
    texts = [text for _, text in said] + _arrived(case, own, wrong)
    same = _changes_nothing(own, base)
    held = bool(said) and not wrong and all(outcome in ("proves", "holds") for outcome, _ in said)
    if case.keys and case.keys <= set(unchanged):
        return "nothing", "；".join([*texts, "所设的就是默认值"])
    open_keys = case.keys - set(unchanged) - _proven_keys(case, said)
    if not same:
        open_keys -= _received_keys(own, base)
    if held and not open_keys:
        return "effect", "；".join(texts)
    if same:
        return "nothing", "；".join([*texts, "能观察到的每一项都与默认相同"])
    missing = f"没有证据的：{'、'.join(sorted(open_keys))}" if held else ""
    return "unseen", "；".join(part for part in (*texts, missing) if part) or "没有可观察的证据"


def _in_all_cases(settings: Mapping[str, Scalar] | None, own: Facts) -> list[str]:
    """What was seen of them; of a key that shows in no fact, that it was set."""
    return [
        f"每个设置都另设了 {name}={value}"
        + (f"，{FACTS[fact]}：{_number(own[fact])}" if (fact := SEEN_OF.get(name, "")) in own else "")
        for name, value in (settings or {}).items()
    ]


def baseline(facts: Mapping[str, Facts]) -> Facts:
    """What holds without the case; an arena that never grew in the default has not been read at all."""
    plain = {name: value for name, value in facts.get(CONTROL, {}).items() if name in WITHOUT_OBSERVER}
    base = {**facts.get(BASELINE, {}), **plain}
    return readable(base, base)


def readable(own: Facts, base: Facts) -> Facts:
    """Without the facts of the arena where the log speaks in words that we do not know."""
    if base.get("arena_regions"):
        return own
    return {name: value for name, value in own.items() if name not in ARENA_FACTS}


def _held_against(proof: Proof, facts: Mapping[str, Facts], base: Facts) -> Facts:
    return base if proof.than in (None, BASELINE) else readable(facts.get(proof.than or "", {}), base)


def _told(proof: Proof, own: Facts, other: Facts) -> tuple[str, str]:
    """(proves, holds, fails or unread; words). It proves something when it does not hold for the other, too."""
    title, seen, control = FACTS[proof.fact], own.get(proof.fact), other.get(proof.fact)
    if seen is None or control is None:
        return "unread", f"本机读不到“{title}”"
    bound = proof.expected if proof.than is None else control * proof.expected
    relation = _RELATIONS[proof.relation]
    if proof.fact in FINGERPRINTS:
        text = f"{title}：与默认{'相同' if seen == control else '不同'}"
    else:
        text = f"{title}：{_beside(proof, seen, bound, control, holds=relation(seen, bound))}"
    if not relation(seen, bound):
        return "fails", text
    return ("holds" if relation(control, bound) else "proves"), text


def _beside(proof: Proof, seen: float, bound: float, control: float, *, holds: bool) -> str:
    beside = "默认" if proof.than in (None, BASELINE) else f"{proof.than} "
    must = f"应{_WORDS[proof.relation]} {_number(bound)}，" if proof.than is None and holds else ""
    return f"{_number(seen)}（{must}{beside}为 {_number(control)}）"


def _proven_keys(case: Case, said: Sequence[tuple[str, str]]) -> set[str]:
    found = set[str]()
    for proof, (outcome, _) in zip(case.proofs, said, strict=True):
        if outcome == "proves":
            found |= set(proof.keys) or case.keys
    return found


def _received_keys(own: Facts, base: Facts) -> set[str]:
    """Options that the session's own log lists with another value than the baseline's."""
    names = (name.removeprefix(RECEIVED) for name in own if name.startswith(RECEIVED))
    return {name for name in names if own[RECEIVED + name] != base.get(RECEIVED + name)}


def _wrongly_received(case: Case, own: Facts) -> list[str]:
    return [
        name
        for name, value in case.settings.items()
        if RECEIVED + name in own and own[RECEIVED + name] != as_listed(name, value)
    ]


def _arrived(case: Case, own: Facts, wrong: Sequence[str]) -> list[str]:
    """What the log says that the session was given, where a case sets several things or got something else."""
    listed = [name for name in case.settings if RECEIVED + name in own]
    if not listed or (len(case.keys) < 2 and not wrong):
        return []
    told = "、".join(f"{name}={_number(own[RECEIVED + name])}" for name in listed)
    return [f"会话收到 {told}" + (f"，{'、'.join(wrong)} 不是所设的值" if wrong else "")]


def _changes_nothing(own: Facts, base: Facts) -> bool:
    """Every fact was read for both, and none differs by more than it varies by itself."""
    watched = {name for name in {*own, *base} if not name.startswith(RECEIVED)}
    watched -= {name for name in WITHOUT_OBSERVER if name not in own}
    if not watched >= CORE:
        return False
    return all(name in own and name in base and _alike(name, own[name], base[name]) for name in watched)


def _alike(name: str, one: float, other: float) -> bool:
    share, size = MARGINS.get(name, (0.0, 0.0))
    return abs(one - other) <= max(size, share * max(one, other))


def _number(value: float) -> str:
    return f"{value:.10g}"
