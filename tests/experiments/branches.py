"""Which branches of templates were rendered: what a test never sees, a reader may see first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, nodes

if TYPE_CHECKING:
    from collections.abc import Iterator


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
            for kind, body in self._bodies(node, elif_=id(node) in later):
                line = body[0].lineno if body and kind == "else" else node.lineno
                body.insert(0, nodes.ExprStmt(self._noting(f"{name}:{line} {kind}"), lineno=line))
        for node in tree.find_all(nodes.CondExpr):
            node.expr1 = self._noting(f"{name}:{node.lineno} … if", node.expr1)
            node.expr2 = self._noting(f"{name}:{node.lineno} … else", node.expr2 or nodes.Const(""))
        return tree.set_environment(self)

    def _bodies(self, node: nodes.If | nodes.For, *, elif_: bool) -> Iterator[tuple[str, list[nodes.Node]]]:
        yield ("elif" if elif_ else type(node).__name__.lower()), node.body
        if node.else_ or (isinstance(node, nodes.If) and not elif_):
            yield "else", node.else_

    def _noting(self, place: str, *values: nodes.Expr) -> nodes.Expr:
        self.found.add(place)
        note = nodes.EnvironmentAttribute("note")
        return nodes.Call(note, [nodes.Const(place), *values], [], None, None)
