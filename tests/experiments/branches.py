"""Which branches of templates were rendered: what a test never sees, a reader may see first."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, nodes


class Tracking(Environment):
    """Notes every body of an `if` and a `for` that it renders, the missing `else` of an `if` as well."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.found: set[str] = set()
        self.passed: set[str] = set()

    def never_rendered(self) -> list[str]:
        return sorted(self.found - self.passed)

    def note(self, place: str, value: object = None) -> object:
        self.passed.add(place)
        return value

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        later = {id(one) for node in tree.find_all(nodes.If) for one in node.elif_}
        for node in tree.find_all((nodes.If, nodes.For)):
            if node.else_ or (isinstance(node, nodes.If) and id(node) not in later):
                line = node.else_[0].lineno if node.else_ else node.lineno
                node.else_.insert(0, nodes.ExprStmt(self._noting(f"{name}:{line} else")))
            node.body.insert(0, nodes.ExprStmt(self._noting(f"{name}:{node.lineno} {type(node).__name__}")))
        for node in tree.find_all(nodes.CondExpr):
            node.expr1 = self._noting(f"{name}:{node.lineno} … if", node.expr1)
            node.expr2 = self._noting(f"{name}:{node.lineno} … else", node.expr2 or nodes.Const(""))
        return tree.set_environment(self)

    def _noting(self, place: str, *values: nodes.Expr) -> nodes.Expr:
        self.found.add(place)
        note = nodes.EnvironmentAttribute("note")
        return nodes.Call(note, [nodes.Const(place), *values], [], None, None)
