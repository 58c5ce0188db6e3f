"""What the README says of adding an experiment, a metric and a way of calling, done word for word in a scratch copy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from bench.system.folders import BUILD_VARIABLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
RECIPE = re.compile(r"^```python\n# (\S+\.py)(?:，加在“(.+)”的下一行)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""Its first line says in which file the code belongs, and where in a file that is there."""
STEPS = re.compile(r"^\*\*(?:实验|指标|调用方式)\*\*：.*\n\n((?:\d\. .*\n)+)", re.MULTILINE)
EXPERIMENT, METRIC = "spin_duration", '"slowest_ms"'
SUBJECT = 'subject=Subject(name="from_bytes")'


def _bench(checkout: Path, *arguments: str) -> str:
    env = {
        **os.environ,
        BUILD_VARIABLE: str(checkout / "build"),
        "PYTHONPATH": "",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=checkout, capture_output=True, text=True, encoding="utf-8", check=False, env=env,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _follow(checkout: Path) -> None:
    """Put each piece of code where its first line says."""
    for name, after, code in RECIPE.findall(TEXT):
        path = checkout / name
        if after:
            before, line, rest = path.read_text(encoding="utf-8").partition(f"{after}\n")
            assert line, f"{name}: {after}"
            code = f"{before}{line}{code}{rest}"  # noqa: PLW2901
        else:
            assert not path.exists(), name
        path.write_text(code, encoding="utf-8")


def _use_them_all(path: Path) -> None:
    """The last steps of the other two recipes, on the experiment of the first."""
    assert METRIC in TEXT
    assert SUBJECT in TEXT
    code, end = path.read_text(encoding="utf-8"), "    )\n\n\nEXPERIMENT"
    for old, new in (
        ("Proof\n", "Proof, Subject\n"),
        ("columns=(", f"columns=({METRIC}, "),
        (end, f'        Case(id="in_memory", title="从内存打开", {SUBJECT}),\n{end}'),
    ):
        assert code.count(old) == 1, old
        code = code.replace(old, new)
    path.write_text(code, encoding="utf-8")


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Results of the experiment, as they are published."""
    checkout = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "bench", checkout / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    _follow(checkout)
    _use_them_all(checkout / "bench" / "experiments" / f"{EXPERIMENT}.py")
    assert f"{EXPERIMENT}：线程早点停止空转" in _bench(checkout, "list")
    _bench(checkout, "run", EXPERIMENT, "--profile", "smoke")
    assert f"{EXPERIMENT}：有效" in _bench(checkout, "export")
    path = checkout / "build" / "export" / "data" / f"{EXPERIMENT}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_each_recipe_has_five_steps_and_its_code() -> None:
    assert [len(steps.splitlines()) for steps in STEPS.findall(TEXT)] == [5, 5, 5]
    assert [name.split("/")[1] for name, _, _ in RECIPE.findall(TEXT)] == [
        "experiments",
        "results",
        "subjects",
    ]


def test_new_experiment_is_measured(export: dict[str, Any]) -> None:
    assert [case["id"] for case in export["cases"]] == ["default", "default_again", "short", "in_memory"]
    assert not [row for row in export["rows"] if row["metric"] == "latency_ms" and row["value"] is None]


def test_new_metric_has_figures(export: dict[str, Any]) -> None:
    values = {row["case"]: row["value"] for row in export["rows"] if row["metric"] == METRIC.strip('"')}
    assert values["short"] > 0


def test_new_way_of_calling_has_figures_of_its_own(export: dict[str, Any]) -> None:
    (case,) = [case for case in export["cases"] if case["id"] == "in_memory"]
    assert case["subject"]["name"] == "from_bytes"
    values = {row["metric"]: row["value"] for row in export["rows"] if row["case"] == "in_memory"}
    assert values["latency_ms"] > 0
    assert values["slowest_ms"] >= values["latency_ms"]
