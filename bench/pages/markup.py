"""Finished HTML. Everything that readers get is rendered from `templates/`, which escape by themselves.

Whoever has a piece of finished HTML has it as `Markup`; any other text is escaped where it is put in.
"""

from __future__ import annotations

import json
import re
from functools import cache
from html import unescape
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename

from bench.experiments import EXPERIMENTS
from bench.spec import input_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.results.published import Export

NONE = Markup()
SHORT_CODE = 14
"""Letters that fit into a cell on a phone."""
FEW_COLUMNS = 2
"""Of a table that somebody wrote; a wider one has a card for each row on a phone."""
_FENCE = HtmlFormatter(cssclass="language-python highlight", wrapcode=True)
_JOINT = re.compile(r"(?<=[_.,=(/])(?=\w)")
_PLAIN = re.compile(r"<table>.*?</table>", re.DOTALL)
"""As Python-Markdown writes it: generated ones have a class."""


class OneLine(Extension):
    """Line breaks and indentation of a template are not part of its text: browsers would show them in Chinese."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        # A comment over two lines keeps the numbers of lines. After a brace of JSON it would begin an expression.
        return re.sub(r"(?<!\{)\s*\n\s*", "{#\n#}", source)


def code(text: str) -> Markup:
    """Code that breaks at its joints, where it is long."""
    parts = _JOINT.split(text) if len(text) > SHORT_CODE else [text]
    return Markup("<code>{}</code>").format(Markup("<wbr>").join(parts))


def python(text: str) -> Markup:
    """A block of code in colours, as the site's own fences."""
    return script(text, "code.py")


def script(text: str, file: str) -> Markup:
    """The same of what stands in a file, in the language that its name tells."""
    return finished(highlight(text, _lexer(file), _FENCE))


_lexer = cache(get_lexer_for_filename)
"""It looks through all that Pygments knows."""


def marked(text: str) -> Markup:
    """Text in which what stands between backticks is code."""
    pieces = re.split(r"`([^`]+)`", text)  # words, code, words and so on
    return NONE.join(code(one) if place % 2 else one for place, one in enumerate(pieces))


def data(found: Any) -> Markup:
    """JSON that ends no script element."""
    return finished(json.dumps(found, ensure_ascii=False).replace("<", "\\u003c"))


def slug(text: str) -> str:
    """An id that needs no escape in an address."""
    return re.sub(r"[^\w=.-]+", "-", text)


def experiment_title(name: str) -> str:
    """The name of an experiment as readers see it: without what follows a colon."""
    return EXPERIMENTS[name].title.partition("：")[0]


def apart(name: str) -> bool:
    """Whether builds leave an experiment out."""
    return EXPERIMENTS[name].apart


def evidence(name: str, anchor: str = "") -> str:
    """Address of the page with everything that is known of an experiment, or of one figure there."""
    return f"evidence/{name}.html{f'#{slug(anchor)}' if anchor else ''}"


def model_title(export: Export, model: str) -> str:
    """The name of a model as readers see it."""
    return next((group.model_title for group in export.groups if group.model == model), model)


ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    extensions=[OneLine],
)
FILTERS = (code, data, marked, slug, experiment_title, apart, evidence, input_title)
ENVIRONMENT.filters |= {one.__name__: one for one in FILTERS}


def render(template: str, **told: Any) -> Markup:
    return finished(ENVIRONMENT.get_template(f"{template}.html.j2").render(told))


def finished(html: str) -> Markup:
    """What is HTML already."""
    return Markup(html)  # noqa: S704 - the one place where text is taken for HTML


class Row(NamedTuple):
    """Of a plain table: its heading, its cells, the attributes of its element."""

    title: str
    cells: Sequence[str]
    attributes: Mapping[str, str] = {}


def table(
    anchor: str,
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Row],
    *,
    attributes: Mapping[str, str],
    label: str = "",
    after: Markup = NONE,
) -> Markup:
    """A plain table as a figure of its own; `label`: its name for those who hear it, where the caption will not do."""
    return render(
        "table", anchor=anchor, caption=caption, heads=heads, rows=list(rows), attributes=attributes,
        label=label or caption, after=after,
    )  # fmt: skip


def scroll_plain(html: str) -> str:
    """Tables that somebody wrote in Markdown, framed like ours; each is named by its headings."""
    return _PLAIN.sub(_scrolled_plain, html)


def _scrolled_plain(found: re.Match[str]) -> str:
    """With a class, or Material would put a region of its own around it, which no key reaches."""
    titles = [re.sub(r"<[^>]+>", "", title) for title in re.findall(r"<th[^>]*>(.*?)</th>", found[0])]
    html = found[0].replace("<table>", '<table class="bench-plain">', 1)
    if len(titles) > FEW_COLUMNS:
        labels = cycle(["", *(f' data-label="{title}"' for title in titles[1:])])
        html = re.sub(r"(?<=<td)\b", lambda _: next(labels), html)
        html = html.replace('"bench-plain"', '"bench-plain bench-cards"', 1)
    return render("scrolled", table=finished(html), label=unescape(f"表：{'、'.join(titles)}"))
