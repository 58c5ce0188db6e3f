"""What the pages of a build say, read back from their HTML: statements, each of one setting in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup

from bench.pages.markup import experiment_title
from bench.pages.words import VERDICTS
from bench.results.metrics import METRICS
from bench.spec import BASELINE, input_title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.pages.words import Words
    from bench.results.published import GroupSummary

WORDS = {text: name for name, text in VERDICTS.items()}
OPEN_ROUNDS = re.compile(r"还需约 \d+ 轮|还需 \d+ 轮以上|再测几轮")
TIME = r"耗时(?P<more>多|少) [\d.]+%(?: 以上)?（[\d.]+%–[\d.]+%）|(?P<same>没有差别（不到 \d+%）)|(?P<open>还分不出快慢)"
MEMORY = r"(?P<m_same>与默认没有值得一提的差别（)|比默认(?P<m_more>多|少) |(?P<m_open>各轮的范围有重叠)"
NEITHER = r"(?P<none>没有观察到它生效|设了和默认一样)"
VERDICT = re.compile(f"{TIME}|{MEMORY}|{NEITHER}")
METRIC = re.compile("留存|峰值")
ALIASES = {
    "profiling": {"开启后": "profiling"},
    "recommended": {"原文设置整套用上": "original"},
    "graph_optimization": {"加载事先优化好的模型": "offline"},
    "inter_op_num_threads": {"顺序模式下设 inter_op_num_threads": "sequential_4"},
}
"""How sentences call a case, where it is not by its title."""


@dataclass(frozen=True, slots=True)
class Said:
    """`word`: a verdict; `none`: that there is none because the setting was not seen to be in effect."""

    where: str
    """Kind of place: table, findings, sentence, headline, card."""
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


def table(words: Words, group: GroupSummary, html: str) -> Iterator[Said]:
    """The words in the cells; they must say what the cell's own data says."""
    for row in soup(html).select("tbody tr[data-case]"):
        for cell in row.select("td[data-metric]"):
            shown, told = cell.select_one(".bench-verdict"), cell.get("data-verdict")
            if shown is None and told is None:
                continue
            text = shown.get_text() if shown else ""
            word = "unclear" if OPEN_ROUNDS.fullmatch(text) else WORDS.get(text, "none")
            if (told or "none") != word:
                raise Unread(f"{text!r} beside data-verdict={told}")
            metric = str(cell["data-metric"])
            yield Said("table", words.export.experiment, group.index, str(row["data-case"]), metric, word)


def all_findings(words: Sequence[Words], html: str) -> Iterator[Said]:
    """The rows of the table of all verdicts."""
    metrics = {metric.named: metric.id for metric in METRICS.values()}
    for row in soup(html).select("tbody tr"):
        heading, metric, verdict, _, experiment = row.find_all(["th", "td"])
        small = heading.find("small")
        where = small.get_text()
        title = heading.get_text().removesuffix(where)
        say, group, case = _placed(words, experiment.get_text(), where, title)
        word = WORDS[verdict.get_text()]
        yield Said("findings", say, group, case, metrics[metric.get_text()], word)


def _placed(words: Sequence[Words], experiment: str, where: str, title: str) -> tuple[str, int, str]:
    for say in words:
        if experiment_title(say.export.experiment) != experiment:
            continue
        for group in say.groups():
            if where in (f"{group.model_title}，{input_title(group.input)}", _titled(group)):
                case = next(case for case in say.cases() if say.title(case) == title)
                return say.export.experiment, group.index, case
    raise Unread(f"{experiment} / {where} / {title}")


def _titled(group: GroupSummary) -> str:
    return f"{group.model_title}（{input_title(group.input)}）"


def sentences(words: Words, texts: Sequence[str], where: str = "sentence", case: str = "") -> Iterator[Said]:
    """Every verdict in sentences, tied to the case and the group named last before it.

    With `case`, all of them speak of that one: a winner, whose card does not repeat its name.
    """
    for text in (soup(html).get_text() for html in texts):
        for found in VERDICT.finditer(text):
            before = text[: found.start()]
            metric, word = _meaning(found, before)
            group = last_group(words, before)
            named = case or _last_case(words, before)
            yield Said(where, words.export.experiment, group, named, metric, word, text)


def _meaning(found: re.Match[str], before: str) -> tuple[str, str]:
    """(metric, verdict)"""
    if found["m_same"] or found["m_more"] or found["m_open"]:
        metric = {"留存": "kept_mib", "峰值": "peak_mib"}[METRIC.findall(before)[-1]]
        if found["m_same"]:
            return metric, "same"
        return metric, {"多": "more", "少": "less", None: "unclear"}[found["m_more"]]
    metric = "ratio_original" if before.endswith("与原文设置比") else "ratio"
    if found["none"]:
        return metric, "none"
    if found["more"]:
        return metric, "slower" if found["more"] == "多" else "faster"
    return metric, "same" if found["same"] else "unclear"


def last_group(words: Words, before: str) -> int:
    places = [
        (before.rfind(_titled(group)[:-1] + end), group.index) for group in words.groups() for end in "），"
    ]
    place, index = max(places)
    return index if place >= 0 else words.groups()[0].index


def _last_case(words: Words, before: str) -> str:
    names = {words.title(case): case for case in words.cases() if case != BASELINE}
    names |= ALIASES.get(words.export.experiment, {})
    ends = [
        (place + len(name), len(name), case)
        for name, case in names.items()
        if (place := before.rfind(name)) >= 0
    ]
    if not ends:
        raise Unread(f"{words.export.experiment}: no setting is named in {before!r}")
    return max(ends)[2]


def headlines(words: Sequence[Words], html: str) -> Iterator[Said]:
    """The cards of the home page that speak of a setting; those on claims are read as claims."""
    for card in soup(html).select("li"):
        headline, told = card.strong.get_text(), card.p.get_text()
        if headline.startswith(("不成立：", "一半成立：")):
            continue
        if silent := re.fullmatch(r"(.*)“(.*)”：没有测出差别", headline):
            yield from _silent(words, silent, told)
            continue
        where, _, _ = told.partition("：")
        experiment, _, place = where.rpartition("，") if where.count("，") == 1 else where.partition("，")
        title, _, sizes = headline.rpartition("：")
        name, group, case = _placed(words, experiment, place, title)
        for metric, word in _sizes(sizes):
            yield Said("headline", name, group, case, metric, word, headline)


def _silent(words: Sequence[Words], found: re.Match[str], told: str) -> Iterator[Said]:
    """No difference anywhere: a statement on every metric that was compared, unless it says that some are open."""
    for say in words:
        if experiment_title(say.export.experiment) != found[1]:
            continue
        case = next(one for one in say.cases() if say.title(one) == found[2])
        for row in say.export.rows:
            judged = row.case == case and row.verdict is not None
            if (
                judged
                and row.metric != "ratio_original"
                and not ("还要多测" in told and row.verdict == "unclear")
            ):
                index = say.group(row.model, row.input).index
                if not say.is_marked(say.group(row.model, row.input), row.metric):
                    yield Said("headline", say.export.experiment, index, case, row.metric, "same", found[0])


def _sizes(text: str) -> Iterator[tuple[str, str]]:
    """`耗时多 98%`, or `峰值内存少 45%，留存内存没有差别`."""
    for part in text.split("，"):
        metric = {"耗": "ratio", "峰": "peak_mib", "留": "kept_mib"}[part[0]]
        rest = part.removeprefix("耗时").removeprefix("峰值内存").removeprefix("留存内存")
        if rest in WORDS:
            yield metric, WORDS[rest]
        else:
            more = ("slower", "faster") if metric == "ratio" else ("more", "less")
            yield metric, more[0 if rest[0] == "多" else 1]


def holds(html: str) -> str:
    """What the box of a claim answers."""
    found = soup(html).select_one("[data-holds]")
    assert found is not None
    return str(found["data-holds"])


def winner(html: str) -> tuple[str, str]:
    """(case that won a scenario, the words that say so)"""
    found = soup(html).select_one("[data-winner]")
    assert found is not None
    return str(found["data-winner"]), found.get_text()


def evidence(card: str, line: str) -> list[str]:
    """The sentences on a winner: those of its card, and those of the home page behind the line that names it."""
    return [*(item.decode_contents() for item in soup(card).select("li")), *line.split("<br>")[1:]]


def quotable(html: str) -> str:
    found = soup(html).select_one("[data-quotable]")
    assert found is not None
    return str(found["data-quotable"])


def number(table: BeautifulSoup, case: str, metric: str) -> float | None:
    """A figure from a cell."""
    cell = table.select_one(f'tr[data-case="{case}"] td[data-metric="{metric}"]')
    return float(str(cell["data-value"])) if cell and cell.has_attr("data-value") else None
