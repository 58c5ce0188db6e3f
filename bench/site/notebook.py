"""The notebooks of the site: run by mkdocs-jupyter on the machine that builds, kept with the results of the build.

What was run is kept for as long as nothing has changed that decides its numbers: text, machine, software, options.
`bench run` of all experiments without `--reuse` deletes it, so that `nox -s docs` runs the notebooks anew, and
`nox -s docs -- --reuse`, `mkdocs build` and `mkdocs serve` show the kept ones with their age.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bs4 import BeautifulSoup
from markdown.extensions.toc import slugify_unicode, unique
from mkdocs.exceptions import PluginError
from nbclient.exceptions import CellExecutionError

from bench.pages import source
from bench.pages.words import Words
from bench.site import reading
from bench.system.ages import dated
from bench.system.folders import Folders, write_whole
from bench.system.lock import alone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bs4 import Tag

    from bench.results.published import Export

PLUGIN = "mkdocs-jupyter"
MAKERS = ("ipykernel", "matplotlib", "mkdocs-jupyter", "nbconvert")
"""What notebooks are run, drawn and rendered with, beside the software that is measured."""
EXPERIMENT, MODEL, INPUT = "intra_op_num_threads", "ocr_det", "1x3x480x480"
"""The table that answers the same question as the notebook."""
RECOMMENDED, NOISE = re.compile(r"\bRECOMMENDED=(\d+)"), re.compile(r"（噪声 (\d+)%）")
TOO_NOISY_PERCENT = 10
"""As the notebook itself has it."""
UNWANTED = "style, script, metadata, .anchor-link"
"""600 kB of CSS, scripts that load from elsewhere, and what matplotlib writes into an SVG."""
NOT_YET = '<p class="bench-not-yet">还没运行：等全部测完。</p>'
TEXT, CODE, OUTPUT = "jp-MarkdownOutput", "highlight-ipynb", "jp-OutputArea-output"


def take_over(page: Any, config: Any) -> None:
    """Show what was kept of a notebook; without that, run it when nothing is being measured, and keep it."""
    render, log = page.render, logging.getLogger("mkdocs.bench")
    file, folders = page.file, Folders.here()
    path = folders.notebooks / f"{file.name}-{_state(Path(file.abs_src_path), config)}.json"

    def show(*arguments: Any) -> None:
        kept = read(path)
        if kept is None and source.draft():  # it takes half a minute, and belongs to the complete build
            page.content = f"<h1>{escape(page.title)}</h1>{NOT_YET}"
            return
        if kept is None:
            with alone(folders.lock, log.info):
                log.info("运行笔记本 %s，约半分钟", file.src_uri)
                seconds = _run(render, arguments, file.src_uri)
            body = tidy(page.content, config.mdx_configs.get("toc", {}))
            run_at = datetime.now(UTC).isoformat(timespec="seconds")
            kept = {"run_at": run_at, "seconds": seconds, "title": page.title, "body": body}
            keep(path, kept)
        page.title = kept["title"]
        page.content = _page(kept, Path(file.src_uri).name)
        page.toc = reading.contents(page.content)

    page.render = show


def _run(render: Any, arguments: Any, name: str) -> float:
    """Returns the seconds that it took."""
    started = time.perf_counter()
    try:
        render(*arguments)
    except CellExecutionError as error:
        raise PluginError(f"{name}：{error.ename}: {error.evalue}\n{error}") from error
    return time.perf_counter() - started


def keep(path: Path, kept: Mapping[str, Any]) -> None:
    """With a hash that vouches for every byte; what was kept of the same notebook before goes."""
    text = json.dumps(kept, ensure_ascii=False)
    for old in path.parent.glob(f"{path.stem.rpartition('-')[0]}-*.json"):
        old.unlink()
    write_whole(path, f"{_hash(text)}\n{text}")


def read(path: Path) -> dict[str, Any] | None:
    """None when it is not there, or not as it was written."""
    try:
        digest, _, text = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return json.loads(text) if digest == _hash(text) else None


def _state(notebook: Path, config: Any) -> str:
    """Hash of all that decides what is kept of a notebook, this module with it."""
    texts = [path.read_text(encoding="utf-8") for path in (notebook, Path(__file__))]
    options = {name: repr(value) for name, value in config.plugins[PLUGIN].config.items()}
    makers = {name: version(name) for name in MAKERS}
    return _hash(json.dumps([texts, source.here(), makers, options]))[:16]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _page(kept: Mapping[str, Any], name: str) -> str:
    """With its origin above and its agreement with the table below."""
    body, run_at = kept["body"], datetime.fromisoformat(kept["run_at"])
    here, found = source.here(), recommended_count(body)
    origin = (
        f'<p class="bench-provenance">运行于 {dated(run_at)}，用了 {kept["seconds"]:.0f} 秒；{escape(here["cpu"])}，可用 {here["cores"]} 核；'
        f"onnxruntime {escape(here['software']['onnxruntime'])}。</p>"
        f'<p><a href="{escape(name)}" download>下载这个笔记本</a></p>'
    )
    title, end, rest = body.partition("</h1>")
    return f"{title}{end}{origin}{_conclusion(found, _last(NOISE, body))}{rest}{_agreement(found)}"


def recommended_count(executed: str) -> int | None:
    """The number of threads that an executed notebook ends in, from its page or its file; None without one."""
    return _last(RECOMMENDED, executed)


def _last(number: re.Pattern[str], executed: str) -> int | None:
    found = number.findall(executed)
    return int(found[-1]) if found else None


def fastest_in_table(export: Export) -> list[str]:
    """Counts that the thread table cannot tell from the fastest; empty where it draws no conclusions."""
    say, counts = Words(export), export.explicit_threads
    groups = (group for group in say.groups() if (group.model, group.input) == (MODEL, INPUT))
    tied = next((say.tied_with_best(group, list(counts)) for group in groups), [])
    return [str(counts[case]) for case in tied]


def _conclusion(count: int | None, noise: int | None) -> str:
    if count is None:
        return ""
    chosen = f"<code>intra_op_num_threads = {count}</code>"
    if noise is not None and noise > TOO_NOISY_PERCENT:
        return f"<p>这次运行选的是 {chosen}，但噪声有 {noise}%，算不得结论：请在机器空闲时再运行一遍。过程见下。</p>"
    return f"<p>这次运行得出：在这台机器上，这个模型设 {chosen}。过程和噪声见下。</p>"


def _agreement(count: int | None) -> str:
    """One sentence on the thread table of this build; nothing when there is none to compare with."""
    if count is None or source.status().get(EXPERIMENT) != "valid":
        return ""
    fastest = fastest_in_table(source.load(EXPERIMENT))
    table = f'本站的<a data-link="evidence/{EXPERIMENT}.html">线程表</a>'
    told = f"那里最快的或与最快分不出差别的是 {'、'.join(fastest)} 线程"
    if not fastest:
        text = f"{table}这次没有对这个模型作快慢结论，所以没有与它比较。"
    elif str(count) in fastest:
        text = f"与{table}一致：{told}，其中有 {count}。"
    else:
        text = f"与{table}不一致：{told}，没有 {count}。表里每个样本是一个新进程，并且检查了噪声，以表为准。"
    return f'<p class="bench-agreement">{text}</p>'


def tidy(html: str, toc: Mapping[str, Any]) -> str:
    """What nbconvert makes of a notebook, made over to look like every other page. `toc`: options for headings."""
    soup = BeautifulSoup(html, "html.parser")
    for element in soup.select(UNWANTED):
        element.decompose()
    _name_headings(soup, toc)
    numbers = count(1)
    return "\n".join(_part(element, numbers) for element in soup.select(f".{TEXT}, .{CODE}, .{OUTPUT}"))


def _part(element: Tag, numbers: Iterator[int]) -> str:
    classes = element.get_attribute_list("class")
    if CODE in classes:
        return _code(element)
    if TEXT in classes:
        for block in element.select("div.highlight"):
            block.replace_with(BeautifulSoup(_code(block), "html.parser"))
        return element.decode_contents()
    for table in element.select("table"):
        table["class"] = "notebook-table"  # left alone, Material would wrap it in a region without a name
    return (
        f'<div class="notebook-output" role="region" tabindex="0" aria-label="输出 {next(numbers)}">'
        f"{element.decode_contents()}</div>"
    )


def _code(block: Tag) -> str:
    """As the site's own blocks: Material colours them in both schemes and gives them a copy button."""
    pre = block.pre
    return f'<div class="highlight"><pre><code>{pre.decode_contents() if pre else ""}</code></pre></div>'


def _name_headings(soup: BeautifulSoup, toc: Mapping[str, Any]) -> None:
    """Give headings the ids and permalinks that they would have on another page: Chinese ones come without."""
    slugify, used = toc.get("slugify", slugify_unicode), set[str]()
    for heading in soup.select("h1, h2, h3, h4, h5, h6"):
        name = heading["id"] = unique(slugify(heading.get_text().strip(), "-"), used)
        if heading.name != "h1" and toc.get("permalink"):
            title = toc.get("permalink_title", "")
            link = soup.new_tag("a", attrs={"class": "headerlink", "href": f"#{name}", "title": title})
            link.string = "¶"
            heading.append(link)
