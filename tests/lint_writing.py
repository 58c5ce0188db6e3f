"""The mechanical part of Chinese writing: spaces beside Latin letters, full-width marks. Run by `nox -s lint`.

Looks at the pages, the README, the tables of options, and at the Chinese strings of our own code.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import autocorrect_py

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PLACES = (
    ("markdown", "README.md"),
    ("markdown", "docs/**/*.md"),
    ("html", "docs/sentences/*.j2"),
    ("toml", "bench/**/*.toml"),
    ("python", "bench/**/*.py"),
    ("python", "noxfile.py"),
)
"""Kind of file, as the linter calls it, and where ours are."""
FOR_CODE = "rules: {halfwidth-punctuation: 0}"
"""`f"{a}，{b}"` holds no Chinese letter, so that the linter takes it for English and would narrow its marks."""


def faults(text: str, kind: str) -> Iterator[str]:
    """`line: old => new` for every place that breaks a rule; of a table, the number counts its strings and the gaps."""
    autocorrect_py.load_config((ROOT / ".autocorrectrc").read_text(encoding="utf-8"))
    if kind == "toml":  # a kind that the linter does not know, and passes over without a word
        strings = re.findall(r'"(?:[^"\\]|\\.)*"', json.dumps(tomllib.loads(text)))
        text, kind = "\n\n".join(map(json.loads, strings)), "markdown"
    if kind == "python":
        autocorrect_py.load_config(FOR_CODE)
    for found in autocorrect_py.lint_for(text, kind).lines:
        yield f"{found.line}: {found.old.strip()} => {found.new.strip()}"


def main() -> None:
    told = []
    for kind, pattern in PLACES:
        paths = sorted(ROOT.glob(pattern))
        assert paths, pattern
        for path in paths:
            told += [f"{path.relative_to(ROOT)}:{fault}" for fault in faults(path.read_text("utf-8"), kind)]
    for line in told:
        print(line)
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
