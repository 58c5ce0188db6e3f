"""The few lines that mkdocs needs: results exported before, links resolved, data published after."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.utils import get_relative_url

PREVIEW, STARTING = "BENCH_PREVIEW", "starting"
"""The variable is set during a live preview: old results stand in. It outlives the reload of this file."""
_LINK = re.compile(r'data-link="([^"]+)"')


def on_startup(command: str, **_: Any) -> None:
    """End with `bench site`; remember whether this is a live preview."""
    from bench.system.parent import follow

    follow()
    os.environ.pop(PREVIEW, None)
    if command == "serve":
        os.environ[PREVIEW] = STARTING


def on_config(config: Any) -> None:
    """A preview needs its address to itself; from the second build on, it has it."""
    from bench.site import preview

    if os.environ.get(PREVIEW) == STARTING:
        preview.refuse_used_address(*config.dev_addr)
        os.environ[PREVIEW] = "1"


def on_serve(server: Any, config: Any, builder: Any) -> None:
    """Show what breaks a page."""
    from bench.site import preview

    server.builder = preview.guarded(server.builder, Path(config["site_dir"]))


def on_pre_build(config: Any) -> None:
    """Forget modules that may have been edited, look for what is missing or misspelt, find kept notebooks."""
    for name in [name for name in sys.modules if name == "bench" or name.startswith("bench.")]:
        del sys.modules[name]
    from bench.pages import source
    from bench.site import build, notebook
    from bench.system import lock
    from bench.system.folders import Folders

    if os.environ.get(PREVIEW) and (who := lock.taken(Folders.here().lock)):
        raise PluginError(f"正在测量或构建{who}，预览会打扰它：等它结束，再存一次盘")
    docs = Path(config["docs_dir"])
    if problems := list(build.check_fences(docs)):
        raise PluginError("；".join(problems))
    try:
        source.require(build.expected_experiments(docs))
    except source.MissingResult as error:
        raise PluginError(str(error)) from error
    notebook.use_kept(config)


def on_files(files: Any, config: Any) -> None:
    """Mend the search before its worker is copied."""
    from bench.site import search

    search.mend(files)


def on_pre_page(page: Any, config: Any, files: Any) -> Any:
    """A notebook about to be run must not disturb a measurement."""
    from bench.site import notebook

    notebook.take_turn(page, config)
    return page


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Link terms to the glossary; pages in another language have their own words."""
    from bench.site import glossary

    if page.meta.get("lang"):
        return markdown
    return glossary.linked(markdown, page.file.src_uri, glossary.read(Path(config["docs_dir"])))


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Make notebooks look like the other pages, let tables scroll, tell how long a post takes and what is indexed."""
    from bench.pages import markup
    from bench.site import notebook, reading_time, search

    if page.meta.get("date"):
        page.config.readtime = reading_time.minutes(html)
    return search.prepared(markup.scroll_plain(notebook.present(html, page, config)))


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Generated HTML names targets from the root of the site; make them relative to this page."""
    return _LINK.sub(lambda match: f'href="{get_relative_url(match[1], page.url)}"', output)


def on_post_build(config: Any) -> None:
    """Publish data, the experiments' sources and the chart bundle, then the pages for programs."""
    from bench.experiments import SOURCES
    from bench.site import machine_readable
    from bench.system.folders import Folders

    site, export = Path(config["site_dir"]), Folders.here().export
    for folder in ("data", "assets"):
        shutil.copytree(
            export / folder, site / folder, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True
        )
    (site / "source").mkdir(exist_ok=True)
    for path in SOURCES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        # Servers name no charset for source code; with the mark, browsers show its Chinese all the same.
        (site / "source" / path.name).write_text(text, encoding="utf-8-sig", newline="\n")
    machine_readable.publish(site, config["site_name"], config["site_description"])
