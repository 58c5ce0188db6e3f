"""How long a post takes to read. The blog plugin counts what stands between spaces, which Chinese has none of."""

from __future__ import annotations

import math
import re

from bs4 import BeautifulSoup

PER_MINUTE = 400
"""Chinese characters, or Latin words, that are read in a minute."""
UNIT = re.compile(r"[\u3400-\u9fff]|[A-Za-z0-9_.%+-]+")
NOT_READ = "pre, table, script, style, svg, details, figure, .headerlink"
"""What readers skim: code and figures."""


def minutes(html: str) -> int:
    """Minutes for the running text of a page, at least one."""
    soup = BeautifulSoup(html, "html.parser")
    for element in soup.select(NOT_READ):
        element.decompose()
    return max(1, math.ceil(len(UNIT.findall(soup.get_text())) / PER_MINUTE))
