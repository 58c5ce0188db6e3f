"""The notebooks of the site: run by mkdocs-jupyter on the machine that builds, kept with the results of the build.

mkdocs-jupyter keeps what it ran under a key made of the notebook's text and its own options. Here its
cache is moved to `notebooks/<state>` in the build folder, where the state covers the machine and the
software, so that anything that could change a number makes a notebook run again. Without a kept copy
it runs, with one it does not: `bench run` of all experiments without `--reuse` deletes the copies, so
that `nox -s docs` runs the notebooks anew, and `nox -s docs -- --reuse`, `mkdocs build` and `mkdocs
serve` show the kept ones with their age.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import subprocess
import sys
from functools import cache
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.toc import get_toc
from nbclient.exceptions import CellExecutionError

from bench.pages import source
from bench.pages.words import Words
from bench.site import notebook_kept, notebook_page
from bench.system.ages import dated
from bench.system.folders import Folders
from bench.system.lock import alone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bench.results.published import Export

PLUGIN = "mkdocs-jupyter"
MAKERS = ("ipykernel", "matplotlib", "mkdocs-jupyter", "nbconvert")
"""What the site's notebooks are run, drawn and rendered with, beside the software that is measured."""
EXPERIMENT, MODEL, INPUT = "intra_op_num_threads", "ocr_det", "1x3x480x480"
"""The table that answers the same question as the notebook."""
RECOMMENDED = re.compile(r"\bRECOMMENDED=(\d+)")
NOISE = re.compile(r"（噪声 (\d+)%）")
TOO_NOISY_PERCENT = 10
"""As the notebook itself has it."""
MACHINE_SCRIPT = """\
import json
from bench.measure.machine import read_machine, software
machine = read_machine()
print(json.dumps({"fingerprint": machine.fingerprint(), "cpu": machine.cpu, "cores": machine.cores,
                  "software": software()}))
"""


def use_kept(config: Any) -> None:
    """Let mkdocs-jupyter find what was run in this state, and forget what was run in another one."""
    plugin = config.plugins.get(PLUGIN)
    if plugin is None:
        return
    folder = Folders.here().notebooks / _state(dict(plugin.config))
    for other in folder.parent.glob("*"):
        if other != folder:
            shutil.rmtree(other)
    notebook_kept.sweep(folder)
    plugin.config["cache"], plugin.config["cache_dir"] = True, str(folder)


def take_turn(page: Any, config: Any) -> None:
    """A notebook that has to run waits until nothing is being measured, and leaves a note of its run."""
    if not _is_notebook(page) or _note(page, config).exists():
        return
    render, log = page.render, logging.getLogger("mkdocs.bench")

    def run(*arguments: Any) -> None:
        note = _note(page, config)
        before = notebook_kept.copies(note.parent)
        try:
            with alone(Folders.here().lock, log.info):
                log.info("运行笔记本 %s，约半分钟", page.file.src_uri)
                render(*arguments)
        except CellExecutionError as error:
            reason = f"{page.file.src_uri}：{error.ename}: {error.evalue}"
            raise PluginError(f"{reason}\n{error}") from error
        for old in note.parent.glob(f"{page.file.name}-*.run_at"):
            old.unlink()  # mkdocs-jupyter forgets what ran with another text, too
        (copy,) = notebook_kept.copies(note.parent) - before
        notebook_kept.write_note(note, copy)

    page.render = run


def present(html: str, page: Any, config: Any) -> str:
    """A notebook as a page like the others, with its origin above and its agreement with the table below."""
    if not _is_notebook(page):
        return html
    options = config.mdx_configs.get("toc", {})
    body, headings = notebook_page.tidy(html, options)
    page.toc = get_toc(headings)
    note = notebook_kept.read_note(_note(page, config))
    assert note  # its copy was just shown
    count = recommended_count(html)
    stamp = _origin(note.run_at, Path(page.file.src_uri).name)
    title, end, rest = body.partition("</h1>")
    return f"{title}{end}{stamp}{_conclusion(count, noise_percent(html))}{rest}{_agreement(count)}"


def recommended_count(executed: str) -> int | None:
    """The number of threads that an executed notebook ends in, from its page or its file; None without one."""
    found = RECOMMENDED.findall(executed)
    return int(found[-1]) if found else None


def noise_percent(executed: str) -> int | None:
    """What one thread differed by from itself, as an executed notebook printed it."""
    found = NOISE.findall(executed)
    return int(found[-1]) if found else None


def agrees_with_table(count: int, export: Export) -> bool | None:
    """Whether the thread table finds no faster count; None when it draws no conclusions."""
    tied = _fastest_in_table(export)
    return str(count) in tied if tied else None


def _fastest_in_table(export: Export) -> Sequence[str]:
    """Counts that the thread table cannot tell from the fastest; empty in a draft."""
    say = Words(export)
    counts = [case for case in say.cases() if case.isdigit()]
    groups = (group for group in say.groups() if (group.model, group.input) == (MODEL, INPUT))
    return next((say.tied_with_best(group, counts) for group in groups), [])


def _conclusion(count: int | None, noise: int | None) -> str:
    if count is None:
        return ""
    if noise is not None and noise > TOO_NOISY_PERCENT:
        return (
            f"<p>这次运行选的是 <code>intra_op_num_threads = {count}</code>，但噪声有 {noise}%，算不得结论：请在机器空闲时再运行一遍。"
            "过程见下。</p>"
        )
    return f"<p>这次运行得出：在这台机器上，这个模型设 <code>intra_op_num_threads = {count}</code>。过程和噪声见下。</p>"


def _agreement(count: int | None) -> str:
    """One sentence on the thread table of this build; nothing when there is none to compare with."""
    if count is None or source.status().get(EXPERIMENT) != "valid":
        return ""
    export = source.load(EXPERIMENT)
    table = f'本站的<a data-link="data/{EXPERIMENT}.json">线程表</a>'
    fastest = "、".join(_fastest_in_table(export))
    match agrees_with_table(count, export):
        case None:
            text = f"{table}这次没有对这个模型作快慢结论，所以没有与它比较。"
        case True:
            text = f"与{table}一致：那里最快的或与最快分不出差别的是 {fastest} 线程，其中有 {count}。"
        case False:
            text = (
                f"与{table}不一致：那里最快的或与最快分不出差别的是 {fastest} 线程，没有 {count}。"
                "表里每个样本是一个新进程，并且检查了噪声，以表为准。"
            )
    return f'<p class="bench-agreement">{text}</p>'


def _origin(run_at: datetime, name: str) -> str:
    here = _here()
    return (
        f'<p class="bench-provenance">运行于 {dated(run_at)}；{escape(here["cpu"])}，可用 {here["cores"]} 核；'
        f"onnxruntime {escape(here['software']['onnxruntime'])}。</p>"
        f'<p><a href="{escape(name)}" download>下载这个笔记本</a></p>'
    )


def _is_notebook(page: Any) -> bool:
    return str(page.file.src_uri).endswith(".ipynb")


def _note(page: Any, config: Any) -> Path:
    """Says when this notebook was run with this text."""
    text = hashlib.sha256(Path(page.file.abs_src_path).read_bytes()).hexdigest()[:16]
    return Path(config.plugins[PLUGIN].config["cache_dir"]) / f"{page.file.name}-{text}.run_at"


def _state(options: dict[str, Any]) -> str:
    """Hash of all that decides what a notebook of a given text shows."""
    known = {name: repr(value) for name, value in options.items() if not name.startswith("cache")}
    makers = {name: version(name) for name in MAKERS}
    return hashlib.sha256(json.dumps([_here(), makers, known], sort_keys=True).encode()).hexdigest()[:16]


@cache
def _here() -> dict[str, Any]:
    """This machine and its software, read by a child: nothing that measures is loaded into mkdocs."""
    done = subprocess.run(
        [sys.executable, "-c", MACHINE_SCRIPT], capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise PluginError(f"读不到本机的情况：{done.stderr.strip().splitlines()[-1]}")
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts
