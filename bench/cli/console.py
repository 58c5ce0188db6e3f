"""How commands speak: sentences, and a live line while a run measures."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from bench.system import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status

out = Console()
err = Console(stderr=True)
PLAIN_EVERY_S = 20.0
"""Without a terminal, one line of progress this often is enough for a log."""


def say(sentence: str, console: Console = out) -> None:
    """As it is, whatever brackets and paths it holds; what it quotes of others must not steer the terminal."""
    console.print(harmless.lines(sentence), markup=False, highlight=False, soft_wrap=True)


def complain(sentence: str) -> None:
    say(sentence, err)


def duration(seconds: float) -> str:
    """`3 分 20 秒`, without false precision."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} 秒"
    if whole < 3600:
        return f"{whole // 60} 分 {whole % 60:02d} 秒"
    return f"{whole // 3600} 小时 {whole % 3600 // 60:02d} 分"


class Progress:
    """A `Reporter` on a console. It is only woken between two samples."""

    def __init__(self, console: Console, live: Status | None = None) -> None:
        self._console, self._live, self._last, self._told = console, live, 0.0, set[str]()

    def step(self, text: str, remaining_s: float) -> None:
        line = harmless.text(f"{text}，约剩 {duration(remaining_s)}")
        if self._live:
            self._live.update(escape(line))
        elif time.monotonic() - self._last >= PLAIN_EVERY_S:
            self._last = time.monotonic()
            say(line, self._console)

    def note(self, text: str) -> None:
        """Once: a case that fails again, or a file that is looked at twice, is no news."""
        if text not in self._told:
            self._told.add(text)
            say(f"· {harmless.text(text)}", self._console)


@contextmanager
def progress(console: Console = out) -> Iterator[Progress]:
    """Progress for the length of a run. The live line redraws once a second: it must not disturb."""
    if not console.is_interactive:  # a file, a pipe, or a terminal that cannot redraw a line
        yield Progress(console)
        return
    with console.status("开始", refresh_per_second=1) as live:
        yield Progress(console, live)
