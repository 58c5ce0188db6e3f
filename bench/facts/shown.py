"""What shows on the installed ONNX Runtime that a trap is one: a function of the scripts in `demonstrations`.

`shows_a__b` shows the traps `a` and `b`; it is done when it ends, and does not hold when an assertion fails. Pages and
tests know names and code: the functions run in processes of their own, `showing.py module function`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("demonstrations")
SCRIPT = FOLDER / "showing.py"
PREFIX = "shows_"


@dataclass(frozen=True, slots=True)
class Demonstration:
    name: str
    """Of the function, without its prefix."""
    module: str
    code: str

    @property
    def traps(self) -> list[str]:
        """Ids, where it shows any."""
        return [one.replace("_", "-") for one in self.name.split("__")]


def _all() -> dict[str, Demonstration]:
    found = {}
    for script in sorted(FOLDER.glob("show_*.py")):
        text = script.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith(PREFIX):
                name = node.name.removeprefix(PREFIX)
                found[name] = Demonstration(name, script.stem, ast.get_source_segment(text, node) or "")
    return found


DEMONSTRATIONS = _all()
OF_TRAP = {trap: one for one in DEMONSTRATIONS.values() for trap in one.traps}
"""Id of a trap -> what shows it."""
