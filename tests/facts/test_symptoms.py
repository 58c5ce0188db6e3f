"""Symptoms: each has an answer, names what was measured, and a broken entry is one sentence."""

from __future__ import annotations

import re

import pytest

from bench.experiments import EXPERIMENTS
from bench.facts import symptoms
from bench.pages import symptoms as page

FEWEST = 30
CALL = re.compile(r"bench\.\w+\(.*\)$")
ENTRY = {
    "id": "x",
    "topic": "slow",
    "title": "慢",
    "words": "慢、卡",
    "what": "线程",
    "tell": "看",
    "evidence": ["gaps"],
}


def test_there_are_enough_each_once_with_what_to_do_and_what_it_rests_on() -> None:
    found = symptoms.symptoms()
    assert len(found) >= FEWEST
    assert len({one.id for one in found}) == len({one.title for one in found}) == len(found)
    for one in found:
        assert one.code or one.fence or one.more or one.untested, one.id
        assert set(one.evidence) <= EXPERIMENTS.keys(), one.id
        assert all(CALL.match(call) for call in (one.fence, one.shown) if call), one.id
        assert len(one.words.split("、")) > 3, one.id


def test_page_has_a_heading_for_each_below_its_topic_and_says_where_nothing_was_measured() -> None:
    told = page.markdown()
    for one in symptoms.symptoms():
        body = told.partition(f"### {one.title} {{")[2].partition("\n### ")[0]
        assert one.what in body
        assert ("没有测" in body) or one.evidence, one.id
    assert re.findall(r"^## .* \{ #(\w+) \}$", told, re.MULTILINE) == list(symptoms.TOPICS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "没有 colour 这一项"),
        ({"what": ""}, "缺 what"),
        ({"topic": "weather"}, "没有 weather 这一类"),
        ({"untested": "没有测"}, "要么写 evidence，要么写 untested"),
        ({"evidence": []}, "要么写 evidence，要么写 untested"),
    ],
)
def test_broken_entry_is_one_sentence(change: dict[str, object], said: str) -> None:
    assert symptoms._read(dict(ENTRY)).evidence == ("gaps",)
    with pytest.raises(symptoms.BadSymptom, match=said):
        symptoms._read({**ENTRY, **change})
