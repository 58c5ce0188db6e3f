"""The frame of every table and figure: an address, a caption, what it was measured on, and where it comes from."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.results.published import Export

PERMALINK = "¶"
SHORT_CODE = 14
"""Letters that fit into a cell on a phone."""
_JOINT = re.compile(r"([_.,=(/])(?=\w)")
_PLAIN = re.compile(r"<table>.*?</table>", re.DOTALL)
"""As Python-Markdown writes it: generated ones have a class."""


def figure(
    anchor: str, caption: str, body: str, after: str = "", *, told: str = "", css: str = "bench-figure"
) -> str:
    """`body` under its caption, with a link to itself and what it shows; `after` stands below it."""
    name = escape(slug(anchor))
    link = f'<a class="bench-anchor" href="#{name}" title="这一处的链接">{PERMALINK}</a>'
    shown = f' <span class="bench-told">{escape(told)}</span>' if told else ""
    return (
        f'<figure class="{css}" id="{name}"><figcaption>{caption} {link}{shown}</figcaption>'
        f"{body}{after}</figure>"
    )


def scrolled(table: str, label: str) -> str:
    """A table that scrolls in a region of its own: reached by keyboard, named by `label`."""
    return f'<div class="bench-table" role="region" tabindex="0" aria-label="{escape(label)}">{table}</div>'


def scroll_plain(html: str) -> str:
    """Tables that somebody wrote in Markdown, made to scroll like ours; each is named by its headings."""
    return _PLAIN.sub(_scrolled_plain, html)


def _scrolled_plain(found: re.Match[str]) -> str:
    """With a class, or Material would put a region of its own around it, which no key reaches."""
    table = found[0].replace("<table>", '<table class="bench-plain">', 1)
    return scrolled(table, f"表：{_headings(table)}")


def _headings(table: str) -> str:
    titles = (re.sub(r"<[^>]+>", "", title) for title in re.findall(r"<th[^>]*>(.*?)</th>", table))
    return unescape("、".join(titles))


def head(titles: Iterable[str], sort: str = "") -> str:
    """The header of a table; `sort` says how every column but the first is sorted: by number or text."""
    attribute = f' data-sort="{sort}"' if sort else ""
    cells = (
        f'<th scope="col"{attribute if place else ""}>{title}</th>' for place, title in enumerate(titles)
    )
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def origin(export: Export, rounds: int | None = None) -> str:
    """Rounds, version and machine, as they stand in the caption of whatever was measured."""
    return (
        f"{'' if rounds is None else f'{rounds} 轮，'}onnxruntime {escape(export.software.get('onnxruntime', ''))}，"
        f"{escape(str(export.machine.get('cpu', '')))}，可用 {escape(str(export.machine.get('cores')))} 核"
    )


def model_title(export: Export, model: str) -> str:
    """The name of a model as readers see it."""
    return next((group.model_title for group in export.groups if group.model == model), model)


def code(text: str) -> str:
    """Escaped code that breaks at its joints, where it is long."""
    shown = _JOINT.sub(r"\1<wbr>", escape(text)) if len(text) > SHORT_CODE else escape(text)
    return f"<code>{shown}</code>"


def experiment_title(name: str) -> str:
    """The name of an experiment as readers see it: without what follows a colon."""
    return EXPERIMENTS[name].title.partition("：")[0]


def slug(text: str) -> str:
    """An id that needs no escape in an address."""
    return re.sub(r"[^\w=.-]+", "-", text)
