"""Text of others made harmless: names of processors, messages of libraries, files of strangers.

Escaping for HTML is the work of whoever writes HTML; here goes what no escaping helps against: codes
that steer a terminal, characters that turn the reading direction around, a megabyte of anything.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

    Model = TypeVar("Model", bound=BaseModel)

MOST = 1000
"""Characters; four times of what the longest text of our own needs."""
TERMINAL_CODE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[P\]X^_].*?(?:\x1b\\|\x07|$)|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]",
    re.DOTALL,
)
"""ECMA-48: control sequences, strings that set titles and links, two-character escapes."""
STAND_INS = {"Cc": " ", "Zl": " ", "Zp": " ", "Cf": "", "Cs": "�", "Co": "�", "Cn": "�"}
"""By category of Unicode; Cf holds what turns text around, and what cannot be seen."""
FORMULA = ("=", "+", "-", "@")


@lru_cache(maxsize=64)  # what has to be cleaned mostly comes again at once, and may be a megabyte
def text(found: str, most: int = MOST) -> str:
    """Printable characters of a bounded number; lines become one line."""
    if len(found) <= most and found.isprintable():  # as nearly every text is
        return found
    shown = TERMINAL_CODE.sub("", found[: 4 * most])  # no need to clean a megabyte that is cut off anyway
    shown = "".join(STAND_INS.get(unicodedata.category(c), c) for c in shown)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def lines(found: str) -> str:
    """The same for text of several lines."""
    return "\n".join(text(line) for line in found.splitlines())


def record(found: Model) -> Model:
    """A record with all its text made harmless."""
    return type(found).model_validate(_every_text(found.model_dump()))


def cell(found: Any) -> Any:
    """What goes into a cell of a spreadsheet: text that would be taken for a formula gets a quote in front."""
    return f"'{found}" if isinstance(found, str) and found.startswith(FORMULA) else found


def _every_text(found: Any) -> Any:
    if isinstance(found, str):
        return text(found)
    if isinstance(found, dict):
        return {_every_text(key): _every_text(value) for key, value in found.items()}
    return [_every_text(one) for one in found] if isinstance(found, (list, tuple)) else found
