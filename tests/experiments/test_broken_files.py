"""A broken experiment is named, with what would be right; the others are listed and measured as before."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from bench.system.folders import BUILD_VARIABLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = (ROOT / "bench/experiments/inter_op_num_threads.py").read_text(encoding="utf-8")
GOOD = WHOLE.replace('id="inter_op_num_threads"', 'id="good"')
LINES = len(GOOD.splitlines())
FILES = {
    "Big-Letters": (GOOD, "文件名是实验的 id，只能用小写字母、数字和下划线"),
    "good": (GOOD, ""),
    "grammar": (f"{GOOD}\nEXPERIMENT = (\n", f"grammar.py 第 {LINES + 2} 行写法不对"),
    "importing": ("import no_such_module\n", "读不进来，第 1 行：ModuleNotFoundError: No module named 'no_such_module'"),
    "leaving": ("raise SystemExit(0)\n", "读不进来，第 1 行：SystemExit: 0"),
    "named": (GOOD, "id 是“good”，要与文件名相同：“named”"),
    "nothing": ("EXPERIMENT = 'x'\n", "缺 EXPERIMENT = Experiment(...)"),
    "raising": (f"{GOOD}\n\n1 / 0\n", f"读不进来，第 {LINES + 3} 行：ZeroDivisionError"),
    "unsound": (GOOD.replace('id="good"', 'id="unsound"').replace('"ocr_rec"', '"ocr_rek"'), "groups[0] 的 model 里的“ocr_rek”不认识，可用的有：ocr_rec、"),
}  # fmt: skip
"""Files of a checkout, and what is said of them; one is whole."""
SAID = [f"bench/experiments/{name}.py：{said}" for name, (_, said) in FILES.items() if said]
TELLING = """
import contextlib, io, json, os, sys
from bench.__main__ import Refused, app
told = {}
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            refused = app(command.split(), result_action="return_value")
        except Refused as refusal:
            refused = str(refusal)
    told[command] = [printed.getvalue(), refused, os.path.exists("build")]
print(json.dumps(told))
"""
"""What commands print, with what words they refuse, whether results have a place by then."""
ALL = ("list", "run", "export", "site", "check")


def test_broken_ones_are_named_before_anything_is_done_and_do_not_hold_up_the_others(tmp_path: Path) -> None:
    """The budget is too small: that is found out once the experiment itself is known to be sound."""
    shutil.copytree(ROOT / "bench", tmp_path / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    experiments = tmp_path / "bench" / "experiments"
    for path in experiments.glob("[a-z]*.py"):
        path.unlink()
    for name, (text, _) in FILES.items():
        (experiments / f"{name}.py").write_text(text, encoding="utf-8")
    env = os.environ | {BUILD_VARIABLE: "build", "PYTHONPATH": ""}
    commands = json.dumps([*ALL, "run named", "run good --budget 1s", "--help"])
    done = subprocess.check_output([sys.executable, "-c", TELLING, commands], cwd=tmp_path, env=env)
    told = json.loads(done)
    for name in ALL:
        assert not told[name][2], name
        for sentence, said in zip(told[name][1].splitlines(), SAID, strict=True):
            assert sentence.startswith(said), name
    (listed,) = told["list"][0].splitlines()
    assert listed.startswith("good：")
    assert (told["run named"][1], told["--help"][1]) == (SAID[4], None)
    assert "太小" in told["run good --budget 1s"][1]
