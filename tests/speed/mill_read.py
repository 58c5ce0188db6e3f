"""What the pages of a build say, read back from their HTML: statements, each of one setting in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup

from bench.pages.markup import experiment_title
from bench.pages.words import VERDICTS
from bench.spec import BASELINE, input_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bs4 import Tag

    from bench.pages.words import Words
    from bench.results.published import GroupSummary

WORDS = {text: name for name, text in VERDICTS.items()}
TIME = r"(?P<more>慢|快)到? ?[\d.]+(?:%(?: 以上)?（[\d.]+%–[\d.]+%）| 倍（[\d.–]+ 倍）)|(?P<same>没有差别（不到 \d+%）)|(?P<open>(?<!p95 延迟)还分不出快慢)"
MEMORY = r"(?P<m_same>与默认没有值得一提的差别（)|比默认(?P<m_more>多|少) |(?P<m_open>（分不出）)"
NEITHER = r"(?P<none>没有观察到它生效|设了和默认一样)"
VERDICT = re.compile(f"{TIME}|{MEMORY}|{NEITHER}")
METRIC = re.compile("做完后还占|最多占")
ALIASES = {
    "callers": {"默认线程：两个线程同时调用同一个会话": "two_callers"},
    "profiling": {"开启后": "profiling"},
    "recommended": {"2022 年的那套整套用上": "original"},
    "graph_optimization": {"加载事先优化好的模型": "offline"},
    "inter_op_num_threads": {"顺序模式下设 inter_op_num_threads": "sequential_4"},
}
"""How sentences call a case, where it is not by its title."""


@dataclass(frozen=True, slots=True)
class Said:
    """`word`: a verdict; `none`: that there is none because the setting was not seen to be in effect."""

    where: str
    experiment: str
    group: int
    case: str
    metric: str
    word: str
    text: str = ""


class Unread(Exception):
    """A sentence with a verdict that the mill cannot tie to a setting: the mill must learn to read it."""


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def marked(html: str, attribute: str) -> Tag:
    found = soup(html).select_one(f"[{attribute}]")
    assert found is not None
    return found


def sentences(words: Words, texts: Sequence[str], where: str = "sentence", case: str = "") -> Iterator[Said]:
    """Every verdict in sentences, tied to the case and the group named last before it.

    With `case`, all of them speak of that one: a winner, whose card does not repeat its name.
    """
    for text in (soup(html).get_text() for html in texts):
        for found in VERDICT.finditer(text):
            before = text[: found.start()]
            place = last_group(words, before), case or _last_case(words, before)
            yield Said(where, words.export.experiment, *place, *_meaning(found, before), text)


def _meaning(found: re.Match[str], before: str) -> tuple[str, str]:
    if found["m_same"] or found["m_more"] or found["m_open"]:
        metric = {"做完后还占": "kept_mib", "最多占": "peak_mib"}[METRIC.findall(before)[-1]]
        word = {"多": "more", "少": "less", None: "unclear"}[found["m_more"]]
        return metric, "same" if found["m_same"] else word
    metric = "ratio_original" if before.endswith("与 2022 年的那套比") else "ratio"
    if found["none"]:
        return metric, "none"
    if found["more"]:
        return metric, "slower" if found["more"] == "慢" else "faster"
    return metric, "same" if found["same"] else "unclear"


def _titled(group: GroupSummary) -> str:
    return f"{group.model_title}（{input_title(group.input)}）"


def last_group(words: Words, before: str) -> int:
    places = [(before.rfind(_titled(one)[:-1] + end), one.index) for one in words.groups() for end in "），"]
    place, index = max(places)
    return index if place >= 0 else words.groups()[0].index


def _last_case(words: Words, before: str) -> str:
    names = {words.title(case): case for case in words.cases() if case != BASELINE}
    names |= ALIASES.get(words.export.experiment, {})
    patterns = {name: rf"[：； ]{name}[，：]" if name.isdigit() else re.escape(name) for name in names}
    found = ((name, found.end()) for name in names for found in re.finditer(patterns[name], before))
    ends = [(end, len(name), names[name]) for name, end in found]
    if not ends:
        raise Unread(f"{words.export.experiment}: no setting is named in {before!r}")
    return max(ends)[2]


def headlines(pages: Iterable[Words], html: str) -> Iterator[Said]:
    """The cards of the home page that speak of a setting; those on claims are read as claims."""
    titled = {experiment_title(words.export.experiment): words for words in pages}
    for card in soup(html).select("li"):
        headline, told = card.strong.get_text(), card.p.get_text()
        if headline.startswith(("不成立：", "一半成立：")):
            continue
        if silent := re.fullmatch(r"(.*)“(.*)”：没有测出差别", headline):
            yield from _silent(titled[silent[1]], silent[2], told)
            continue
        where, title, sizes = told.partition("：")[0], *headline.rpartition("：")[::2]
        experiment, _, place = where.rpartition("，") if where.count("，") == 1 else where.partition("，")
        words = titled[experiment]
        for metric, word in map(_size, sizes.split("，")):
            named = _placed(words, place), _case(words, title)
            yield Said("headline", words.export.experiment, *named, metric, word, headline)


def _placed(words: Words, place: str) -> int:
    either = {f"{one.model_title}，{input_title(one.input)}": one.index for one in words.groups()}
    return (either | {_titled(one): one.index for one in words.groups()})[place]


def _case(words: Words, title: str) -> str:
    return next(case for case in words.cases() if words.title(case) == title)


def _silent(words: Words, title: str, told: str) -> Iterator[Said]:
    """No difference anywhere: a statement on every metric that was compared, unless it says that some are open."""
    case, passed = _case(words, title), (None, "unclear") if "还要多测" in told else (None,)
    compared = [one for one in words.export.rows if one.case == case and one.metric != "ratio_original"]
    for row in (one for one in compared if one.verdict not in passed):
        group = words.group(row.model, row.input)
        if not words.is_marked(group, row.metric):
            yield Said("headline", row.experiment, group.index, case, row.metric, "same", title)


def _size(part: str) -> tuple[str, str]:
    """`慢 98%`, `最多占的内存少 45%` or `做完后还占的内存没有差别`."""
    if part[0] in "慢快":
        return "ratio", "slower" if part[0] == "慢" else "faster"
    metric = {"最": "peak_mib", "做": "kept_mib"}[part[0]]
    rest = part.removeprefix("最多占的内存").removeprefix("做完后还占的内存")
    return metric, WORDS.get(rest) or ("more", "less")["多少".index(rest[0])]


def evidence(card: str) -> list[str]:
    """The sentences on a winner, of its card."""
    return [item.decode_contents() for item in soup(card).select("li")]


def cells(words: Words, line: str, winner: str) -> Iterator[Said]:
    """What the small table on a winner says, by its colours."""
    for cell in soup(line).select("td[data-verdict]"):
        group = int(cell.parent["data-group"])
        yield Said("line", words.export.experiment, group, winner, cell["data-metric"], cell["data-verdict"])
