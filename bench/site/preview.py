"""A live preview that shows what is broken: without this, every request waits until the page is mended."""

from __future__ import annotations

import errno
import logging
import socket
from html import escape
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import ConfigurationError

from bench.system import harmless

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = """\
<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>预览没有建成</title>
<body><h1>预览没有建成</h1><p>改好、存盘之后，这一页会自己刷新。</p><pre>{told}</pre></body></html>
"""


def refuse_used_address(host: str, port: int) -> None:
    """Before pages are built, not after. Raises ConfigurationError, which mkdocs tells in one sentence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        used = error.errno == errno.EADDRINUSE
        why = "已被占用" if used else f"用不了（{error.strerror}）"
        raise ConfigurationError(
            f"{host}:{port} {why}：换一个端口，如 nox -s serve -- --dev-addr localhost:{port + 1}"
        ) from error


def guarded(builder: Callable[[], None], site: Path) -> Callable[[], None]:
    """The builder, with an error page in place of every page where it fails."""

    def build() -> None:
        before, told = list(site.rglob("*.html")), _Told()
        logging.getLogger("mkdocs").addHandler(told)
        try:
            builder()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is shown, on every page; mkdocs ends by SystemExit
            lines = "\n\n".join(map(harmless.lines, [*told.lines, str(error)]))
            for page in before:
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_text(PAGE.format(told=escape(lines)), encoding="utf-8")
        finally:
            logging.getLogger("mkdocs").removeHandler(told)

    return build


class _Told(logging.Handler):
    """Keeps what mkdocs and its plugins warn of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: Any) -> None:
        self.lines.append(record.getMessage())
