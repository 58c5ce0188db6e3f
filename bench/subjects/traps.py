"""Popular beliefs, tried: each demonstration runs in a process of its own, with a limit of time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TITLE = "常见的陷阱"
FOLDER = Path(__file__).parents[1] / "facts" / "demonstrations"
LIMIT_S = 60
FOREIGN = ("ORT_", "OMP_", "ALLOW_RELEASED_")
"""How variables begin that would change what is shown."""
HOLDS = "相符"


def load():
    """Nothing: every demonstration imports for itself."""


def report(job):
    """{demonstration: how it went}. Option `only`: names apart by spaces, else all."""
    wanted = job["options"].get("only", "").split()
    return {
        name: [_tried(script, name)]
        for script in sorted(FOLDER.glob("show_*.py"))
        for name in re.findall(r"^def shows_(\w+)", script.read_text(encoding="utf-8"), re.MULTILINE)
        if not wanted or name in wanted
    }


def _tried(script, name):
    env = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    with tempfile.TemporaryDirectory() as home:
        # Not -I: the script needs what stands beside it.
        command = [sys.executable, "-Es", str(FOLDER / "showing.py"), script.stem, f"shows_{name}"]
        try:
            done = subprocess.run(
                command, env={**env, "ORT_DISABLE_TELEMETRY": "1", "TMPDIR": home}, capture_output=True, text=True,
                errors="replace", check=False, timeout=LIMIT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"不符：{LIMIT_S} 秒还没有完"
    if not done.returncode:
        return HOLDS
    said = (done.stderr.strip().splitlines() or [f"退出状态 {done.returncode}"])[-1]
    return f"不符：{said}"


if __name__ == "__main__":
    print(json.dumps(report({"options": {"only": " ".join(sys.argv[1:])}}), ensure_ascii=False, indent=1))
