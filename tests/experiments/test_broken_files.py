"""A broken experiment is named, with what would be right; the others are listed and measured as before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.system.folders import BUILD_VARIABLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = (ROOT / "bench" / "experiments" / "inter_op_num_threads.py").read_text(encoding="utf-8")
GOOD = WHOLE.replace('id="inter_op_num_threads"', 'id="good"')
FILES = {
    "good.py": GOOD,
    "grammar.py": f"{GOOD}\nEXPERIMENT = (\n",
    "importing.py": "import no_such_module\n",
    "raising.py": f"{GOOD}\n\n1 / 0\n",
    "leaving.py": "raise SystemExit(0)\n",
    "nothing.py": "EXPERIMENT = 'x'\n",
    "named.py": GOOD,
    "Big-Letters.py": GOOD,
    "unsound.py": GOOD.replace('id="good"', 'id="unsound"').replace('model="ocr_rec"', 'model="ocr_rek"'),
}
"""Files of a checkout, the first of them whole."""
SAID = (
    "bench/experiments/Big-Letters.py：文件名是实验的 id，只能用小写字母、数字和下划线",
    f"bench/experiments/grammar.py：grammar.py 第 {len(GOOD.splitlines()) + 2} 行写法不对",
    "bench/experiments/importing.py：读不进来，第 1 行：ModuleNotFoundError: No module named 'no_such_module'",
    "bench/experiments/leaving.py：读不进来，第 1 行：SystemExit: 0",
    "bench/experiments/named.py：id 是“good”，要与文件名相同：“named”",
    "bench/experiments/nothing.py：缺 EXPERIMENT = Experiment(...)",
    f"bench/experiments/raising.py：读不进来，第 {len(GOOD.splitlines()) + 3} 行：ZeroDivisionError",
    "bench/experiments/unsound.py：groups[0] 的 model 里的“ocr_rek”不认识，可用的有：ocr_rec、",
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "bench", folder / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    experiments = folder / "bench" / "experiments"
    for path in experiments.glob("[a-z]*.py"):
        path.unlink()
    for name, text in FILES.items():
        (experiments / name).write_text(text, encoding="utf-8")
    return folder


def _bench(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {BUILD_VARIABLE: str(checkout / "build"), "PYTHONPATH": "", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=checkout, capture_output=True, text=True, encoding="utf-8", check=False, env=os.environ | env,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["list", "run", "export", "site", "check"])
def test_broken_ones_are_named_before_anything_is_done_and_list_shows_the_good_one(
    checkout: Path, command: str
) -> None:
    done = _bench(checkout, command)
    assert done.returncode == 1
    for told, said in zip(done.stderr.splitlines(), SAID, strict=True):
        assert told.startswith(said)
    assert not (checkout / "build").exists()
    if command == "list":
        assert done.stdout.startswith("good：")
        assert done.stdout.count("\n") == 1


def test_others_are_not_held_up(checkout: Path) -> None:
    """The budget is too small: that is found out once the experiment itself is known to be sound."""
    assert _bench(checkout, "--help").returncode == 0
    assert "太小" in _bench(checkout, "run", "good", "--budget", "1s").stderr
    assert _bench(checkout, "run", "named").stderr == f"{SAID[4]}\n"
