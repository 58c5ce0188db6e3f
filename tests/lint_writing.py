"""The mechanical part of Chinese writing: spaces beside Latin letters, full-width marks. Run by `nox -s lint`.

Looks at the pages, the README, the tables of options, and at the Chinese strings of our own code.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import autocorrect_py

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PLACES = {
    "markdown": ("README.md", "docs/**/*.md"),
    "html": ("docs/sentences/*.j2",),
    "toml": ("bench/**/*.toml",),
    "python": ("bench/**/*.py", "noxfile.py"),
}
"""Kind of file, as the linter calls it -> where ours are."""
FOR_CODE = "rules: {halfwidth-punctuation: 0}"
"""`f"{a}，{b}"` holds no Chinese letter, so that the linter takes it for English and would narrow its marks."""


def faults(text: str, kind: str) -> Iterator[str]:
    """`line: old => new` for every place that breaks a rule; of a table, the number counts its strings and the gaps."""
    rules = (ROOT / ".autocorrectrc").read_text(encoding="utf-8")
    autocorrect_py.load_config(rules)
    if kind == "toml":  # a kind that the linter does not know, and passes over without a word
        text, kind = "\n\n".join(_strings(tomllib.loads(text))), "markdown"
    if kind == "python":
        autocorrect_py.load_config(FOR_CODE)
    for found in autocorrect_py.lint_for(text, kind).lines:
        yield f"{found.line}: {found.old.strip()} => {found.new.strip()}"


def _strings(found: Any) -> Iterator[str]:
    """All strings of a table, in its order."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict | list):
        for one in found.values() if isinstance(found, dict) else found:
            yield from _strings(one)


def main() -> None:
    told = [
        f"{path.relative_to(ROOT)}:{fault}"
        for kind, patterns in PLACES.items()
        for pattern in patterns
        for path in sorted(ROOT.glob(pattern))
        for fault in faults(path.read_text(encoding="utf-8"), kind)
    ]
    for line in told:
        print(line)
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
