"""What readers see when something is wrong, in their own words: what it is, how to make sure, what to do."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("symptoms.toml")
TOPICS = {
    "memory": "内存",
    "slow": "慢",
    "cpu": "CPU",
    "errors": "报错、卡住、结果不对",
    "others": "别的库和自己的模型",
}


class BadSymptom(Exception):
    """An entry that nobody could show; the message names it and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """Texts are Markdown."""

    id: str
    topic: str
    title: str
    words: str
    """What else people type, apart by a comma of lists: the search finds the entry by them."""
    what: str
    tell: str
    """How to make sure that it is this."""
    doctor: str = ""
    """How the diagnosis that readers take along is called to make sure, where it can."""
    code: str = ""
    language: str = "python"
    fence: str = ""
    """A call of the page API that prints code, after `code` where there are both."""
    shown: str = ""
    """Calls of the page API that print figures of this build, joined by a plus."""
    evidence: tuple[str, ...] = ()
    """Ids of experiments."""
    untested: str = ""
    """Where nothing was measured: that it was not, and what to try first."""
    more: str = ""


@cache
def symptoms() -> tuple[Symptom, ...]:
    """All of them, in the order of the file. Raises BadSymptom for one that lacks an answer."""
    return tuple(_read(entry) for entry in tomllib.loads(FILE.read_text(encoding="utf-8"))["symptom"])


def _read(entry: dict[str, object]) -> Symptom:
    name = entry.get("id", "?")
    known = {one.name: one for one in fields(Symptom)}
    if unknown := sorted(entry.keys() - known.keys()):
        raise BadSymptom(f"症状 {name}：没有 {unknown[0]} 这一项，可以用：{'、'.join(known)}")
    if lacking := [key for key, one in known.items() if one.default is MISSING and not entry.get(key)]:
        raise BadSymptom(f"症状 {name}：缺 {lacking[0]}")
    evidence = entry.get("evidence", ())
    found = Symptom(**{**entry, "evidence": tuple(evidence)})  # type: ignore[arg-type] # texts, as the file has them
    if found.topic not in TOPICS:
        raise BadSymptom(f"症状 {name}：没有 {found.topic} 这一类，可以用：{'、'.join(TOPICS)}")
    if bool(found.untested) == bool(found.evidence):
        raise BadSymptom(f"症状 {name}：要么写 evidence，要么写 untested")
    return found
