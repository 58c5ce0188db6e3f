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
WORDS = {
    "内存模式": "`enable_mem_pattern`",
    "内存复用": "`enable_mem_reuse`",
    "原文设置": "2022 年的那套",
    "原文说": "常听说",
    "本机实测": "数据",
    "峰值": "最多占",
    "留存": "做完后还占",
    "trim 后": "归还之后",
    "稳态延迟": "每次推理",
    "出乎意料": "和网上说法不一样",
    "构建证书": "这次测得准不准",
    "没有被比下去": "值得选",
}
"""What readers would not understand -> the word that the glossary has for it."""
READ = ("markdown", "html", "toml")
"""Kinds whose text readers see; what code calls things is its own affair."""
GLOSSARY = ROOT / "docs" / "reference" / "glossary.md"
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


def wrong_words(text: str) -> Iterator[str]:
    """`line: word => the one to use` for every word that has another name here."""
    for number, line in enumerate(text.splitlines(), 1):
        yield from (f"{number}: {word} => {better}" for word, better in WORDS.items() if word in line)


def main() -> None:
    told = []
    for kind, pattern in PLACES:
        paths = sorted(ROOT.glob(pattern))
        assert paths, pattern
        for path in paths:
            text = path.read_text("utf-8")
            found = [*faults(text, kind), *(wrong_words(text) if kind in READ and path != GLOSSARY else ())]
            told += [f"{path.relative_to(ROOT)}:{fault}" for fault in found]
    for line in told:
        print(line)
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
