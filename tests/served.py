"""A folder served over http on this machine, at the root or below a path as a project's pages are."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Below(http.server.SimpleHTTPRequestHandler):
    """Serves a folder below a path, and nothing beside it; says nothing of it."""

    below = "/"

    def translate_path(self, path: str) -> str:
        inside = path.startswith(self.below)
        return super().translate_path(path.removeprefix(self.below) if inside else "/nothing/here")

    def log_message(self, format: str, *args: object) -> None: ...


@contextlib.contextmanager
def served(folder: Path, below: str = "/") -> Iterator[str]:
    """Address of the folder, on a free port; `below` begins and ends with a slash."""
    handler = functools.partial(type("Below", (_Below,), {"below": below}), directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{below}"
        server.shutdown()
