"""The site's search: its worker mended, and what of a page it gets to read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

WORKER = re.compile(r"assets/javascripts/workers/search\.\w+\.min\.js")
"""Over http a worker, under file:// a script of the iframe that stands in for one: the same file."""
_HASHED = re.compile(r"(\b(\w+)=\2\+\w+)(\+\w+\.id\b)")
"""In lunr's TokenSet.toString, minified: `text = text + label + child.id`."""
_MEASURED = re.compile(r'<table class="(?:bench|notebook)-(?!plain|options|machine).*?</table>', re.DOTALL)
"""Generated tables hold figures, but for these three."""
_JOINT = re.compile(r"</(?:caption|dd|dt|legend|td|text|th)>(?=\S)|(?<=\S)(?=<br|<dl|<small|<table)")
"""Where a screen parts what the index would glue: it takes a tag for no space."""


def mend(files: Files) -> None:
    """Let the worker tell the nodes of its index apart.

    lunr names a node by the labels and ids of its children, written without a gap (its issue 503): "1" to node 23
    and "12" to node 3 are the same then. Labels are single characters, so that one sign after each is enough.
    """
    places = 0
    for file in files:
        if WORKER.fullmatch(file.src_uri):
            file.content_string, found = _HASHED.subn(r'\1+":"\3', file.content_string)
            places += found
    if places != 1:
        raise PluginError(
            f"搜索的 worker 里要改的地方应当有一处，找到 {places} 处：Material 换了版本，改 bench/site/search.py"
        )


def prepared(html: str) -> str:
    """The page as the search should index it: measured cells are left out, neighbours have a space between them."""
    named = _MEASURED.sub(lambda table: table[0].replace("<td", "<td data-search-exclude"), html)
    return _JOINT.sub(r"\g<0> ", named)
