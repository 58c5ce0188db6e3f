"""Docstrings of fields as descriptions in a JSON Schema.

pydantic can read them by itself, of each class when it is made: a quarter of the time that a command took to start.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = ("bench/spec.py", "bench/results/*.py")
"""Where the classes of what is stored and published stand; no two have one name."""


def describe(schema: dict[str, Any]) -> None:
    """Give every property the docstring of its field, unless it has a description."""
    for name, kind in ({schema.get("title", ""): schema} | schema["$defs"]).items():
        told = _told(name)
        for field, about in kind.get("properties", {}).items():
            if field in told:
                about.setdefault("description", told[field])


def _told(name: str) -> dict[str, str]:
    """Field -> docstring, those of the bases included; nothing for what is no class of ours."""
    node = _classes().get(name)
    if node is None:
        return {}
    bases = (base.id for base in node.bases if isinstance(base, ast.Name))
    return {field: text for base in bases for field, text in _told(base).items()} | dict(_documented(node))


def _documented(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(node.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            match field.target, text.value:
                case ast.Name(id=name), ast.Constant(value=str(words)):
                    yield name, inspect.cleandoc(words)


@cache
def _classes() -> dict[str, ast.ClassDef]:
    paths = (path for pattern in SOURCES for path in ROOT.glob(pattern))
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in paths)
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
