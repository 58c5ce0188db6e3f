"""The few lines that mkdocs needs: results exported before, pages and links made, data published after."""

from __future__ import annotations

import gc
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.plugins import CombinedEvent, event_priority
from mkdocs.utils import get_relative_url

PREVIEW, STARTING = "BENCH_PREVIEW", "starting"
"""The variable is set during a live preview: old results stand in. It outlives the reload of this file."""
FIRST, LAST = 50, -50
_LINK = re.compile(r'data-link="([^"]+)"')


def on_startup(command: str, **_: Any) -> None:
    """End with `bench site`; remember whether this is a live preview."""
    from bench.system.terminal import follow

    follow()
    # Pages are made of small things that stay: to look for rubbish as often as usual takes a tenth of the time.
    gc.set_threshold(100_000, 50, 100)
    os.environ.pop(PREVIEW, None)
    if command == "serve":
        os.environ[PREVIEW] = STARTING


def on_config(config: Any) -> None:
    """A preview needs its address to itself; from the second build on it has it, and code may have been edited."""
    if os.environ.get(PREVIEW) == STARTING:
        from bench.site import preview

        preview.refuse_used_address(*config.dev_addr)
        os.environ[PREVIEW] = "1"
    elif os.environ.get(PREVIEW):
        for name in [name for name in sys.modules if name == "bench" or name.startswith("bench.")]:
            del sys.modules[name]
    from bench.pages import source
    from bench.site import compiled, draft, generated, segmented

    compiled.keep()
    segmented.begin()
    found = source.draft()
    config.extra["draft"] = draft.stamp(found) if found else ""
    generated.into_nav(config.nav)


def on_serve(server: Any, config: Any, builder: Any) -> None:
    """Show what breaks a page."""
    from bench.site import preview

    server.builder = preview.guarded(server.builder, Path(config["site_dir"]))


def on_pre_build(config: Any) -> None:
    """Look for what is missing or misspelt, and bring results up to date."""
    from bench.site import build
    from bench.system import lock
    from bench.system.folders import Folders

    preview = bool(os.environ.get(PREVIEW))
    if preview and (who := lock.taken(Folders.here().lock)):
        raise PluginError(f"正在测量或构建{who}，预览会打扰它：等它结束，再存一次盘")
    if not os.environ.get(build.READY):
        try:
            build.prepare(Path(config["docs_dir"]), stale_ok=preview)
        except build.BrokenSite as error:
            raise PluginError(str(error)) from error


def on_files(files: Any, config: Any) -> None:
    """Mend the search before its worker is copied; add the pages that nobody writes."""
    from bench.site import generated, reading

    reading.mend_search(files)
    for file in generated.files(config):
        files.append(file)


def on_env(env: Any, config: Any, files: Any) -> None:
    """The theme has hundreds of templates, which change with its version alone."""
    from bench.site import compiled

    compiled.keep(env)


def on_pre_page(page: Any, config: Any, files: Any) -> Any:
    """A notebook is shown as it was kept, or run when it disturbs no measurement."""
    if page.file.src_uri.endswith(".ipynb"):
        from bench.site import notebook

        notebook.take_over(page, config)
    return page


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Link terms to the glossary; pages in another language have their own words."""
    from bench.site import reading

    if page.meta.get("lang"):
        return markdown
    return reading.linked(markdown, page.file.src_uri, reading.terms(Path(config["docs_dir"])))


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Fill the pages that nobody writes, let tables scroll, tell how long a post takes."""
    from bench.pages import markup
    from bench.site import generated, reading

    if page.file.generated_by and page.file.src_uri.startswith(generated.FOLDER):
        html = generated.content(page.file.src_uri)
        page.toc = reading.contents(html)
    if page.meta.get("date"):
        page.config.readtime = reading.minutes(html)
        page.markdown = reading.summary(page.markdown)
    return markup.scroll_plain(html)


@event_priority(FIRST)
def _for_the_search(context: Any, page: Any, config: Any, nav: Any) -> None:
    """The search reads a page when its turn comes in this event: let it find what it should index."""
    from bench.site import reading

    page.shown, page.content = page.content, reading.indexed(page.content)


@event_priority(LAST)
def _for_readers(context: Any, page: Any, config: Any, nav: Any) -> None:
    page.content = page.shown


on_page_context = CombinedEvent(_for_the_search, _for_readers)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Generated HTML names targets from the root of the site; make them relative to this page."""
    return _LINK.sub(lambda match: f'href="{get_relative_url(match[1], page.url)}"', output)


def on_post_build(config: Any) -> None:
    """Publish data, the source and that of each experiment, the chart bundle; begin the list for programs; mark a draft.

    The diagnosis that mkdocs copied has no version and no address yet.
    """
    from bench.experiments import SOURCES
    from bench.pages import doctor, source
    from bench.site import archive, copies, segmented
    from bench.system.folders import Folders

    segmented.end()
    site, export = Path(config["site_dir"]), Folders.here().export
    for folder in ("data", "assets"):
        hidden = shutil.ignore_patterns(".*")
        shutil.copytree(export / folder, site / folder, ignore=hidden, dirs_exist_ok=True)
    archive.publish(site)
    for path in SOURCES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        # Servers name no charset for source code; with the mark, browsers show its Chinese all the same.
        (site / "source" / path.name).write_text(text, encoding="utf-8-sig", newline="\n")
    if (offered := site / "tools" / doctor.FILE.name).exists():
        offered.write_text(doctor.stamped(), encoding="utf-8", newline="\n")
        offered.with_name(f"{offered.name}.sha256").write_text(f"{doctor.checksum()}  {offered.name}\n")
    if source.draft():
        shutil.copy(export / source.DRAFT, site)
    copies.begin(site, config["site_name"], f"{config.extra['draft']}{config['site_description']}")
