"""`python -m bench`: the commands, and how it ends.

Errors are one sentence on stderr and a non-zero status: 1 could not, 2 wrong usage, 3 measured but
a case failed, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from cyclopts import CycloptsError

from bench.cli import bundling, comparing, measuring, results, tuning, usage
from bench.cli.console import complain
from bench.cli.refusals import Refused
from bench.system import terminal
from bench.system.terminal import CannotPrint, Stopped

app = usage.app(
    "bench",
    "测量 ONNX Runtime 的 CPU 推理设置，并把结果变成网页。先 `run`，再 `site`；`nox -s docs` 两步都做。",
)
app.command(results.list_, name="list")
app.command(measuring.run)
app.command(tuning.tune)
app.command(measuring.selftest)
app.command(results.check)
app.command(comparing.compare)
app.command(bundling.bundle)
app.command(results.export)
app.command(results.site)
app.command(results.draft, show=False)
app.command(results.links)


def main() -> None:
    """Run a command; known refusals are one sentence, without a traceback."""
    terminal.speak_chinese()
    terminal.notice_full_output()
    terminal.follow()
    terminal.listen()
    try:
        app()
    except CycloptsError as error:
        complain(usage.wrong(error))
        sys.exit(2)
    except (Refused, CannotPrint) as refusal:
        complain(str(refusal))
        if isinstance(refusal, CannotPrint):
            terminal.drop_output()
        sys.exit(1)
    except Stopped as stopped:
        with suppress(OSError, CannotPrint):  # the terminal may be gone
            complain(f"已中断。{stopped.leaves}")
            sys.stdout.flush()
        os._exit(stopped.status)  # everything is put away; a timer that is left over must not hold us up


if __name__ == "__main__":
    main()
