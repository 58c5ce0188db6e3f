"""Workers of a few lines, for tests of what becomes of a child."""

from __future__ import annotations

import json
import sys

import pytest

TIMEOUT_S = 30.0
LISTEN = "import json, os, sys, time\njob = json.loads(sys.stdin.buffer.readline())\n"
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


def say(report: object) -> str:
    return f"print({json.dumps(report)!r})\n"
