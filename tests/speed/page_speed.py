"""How fast pages are for a reader whose CPU is four times slower, beside an empty page of stock Material.

Prints compressed sizes, the largest contentful paint, the total blocking time before scrolling (with the
middle half of the visits: where it is wide, the machine was busy) and the layout shift. Needs `site/` (`nox -s docs`) and Chromium. Run by hand, machine idle:
`python tests/speed/page_speed.py [site]`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

from bench.system.folders import ROOT

sys.path.insert(0, str(Path(__file__).parent.parent))
from page_weight import ARTICLE, KB, LIMITS, NOTEBOOK, weight
from served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RUNS = 9
SLOWER = 4
SETTLE_MS = 3000
MOST_LCP_MS, MOST_BLOCKING, MOST_SHIFT = 1500, 1.25, 0.05
PAGES = ("index.html", ARTICLE, NOTEBOOK, "reference/options.html", "reference/findings.html")
STOCK = "site_name: Stock\ntheme: {name: material, font: false}\n"
WATCH = """() => {
  window.seen = {lcp: 0, blocked: 0, shift: 0};
  const watch = (type, note) => new PerformanceObserver(list => list.getEntries().forEach(note)).observe({type, buffered: true});
  watch("largest-contentful-paint", entry => { seen.lcp = entry.startTime; });
  watch("longtask", entry => { seen.blocked += Math.max(0, entry.duration - 50); });
  watch("layout-shift", entry => { if (!entry.hadRecentInput) { seen.shift += entry.value; } });
}"""


class Speed(NamedTuple):
    """Milliseconds, milliseconds, and the cumulative score of the browser."""

    lcp: float
    blocked: float
    shift: float


def stock(folder: Path) -> Path:
    """An empty page of Material as it comes."""
    (folder / "docs").mkdir()
    (folder / "docs" / "index.md").write_text("# Stock\n\nNothing.\n", encoding="utf-8")
    (folder / "mkdocs.yml").write_text(STOCK, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", str(folder / "mkdocs.yml"), "-d", str(folder / "site")],
        check=True, capture_output=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    return folder / "site"


def visit(browser: Browser, url: str) -> Speed:
    """One first visit, nothing cached, nothing scrolled."""
    with browser.new_context(viewport={"width": 375, "height": 812}) as context:
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.add_init_script(f"({WATCH})()")
        page.goto(url, wait_until="load")
        page.wait_for_timeout(SETTLE_MS)
        found = page.evaluate("window.seen")
    return Speed(found["lcp"], found["blocked"], found["shift"])


def visits(browser: Browser, urls: dict[str, str]) -> dict[str, list[Speed]]:
    """The pages take turns, so that a busy minute meets all of them."""
    made: dict[str, list[Speed]] = {name: [] for name in urls}
    for _ in range(RUNS):
        for name, url in urls.items():
            made[name].append(visit(browser, url))
    return made


def told(name: str, made: list[Speed], stock_blocked: float) -> tuple[str, bool]:
    """A line of medians, and whether they keep the bounds."""
    speed = Speed(*map(median, zip(*made, strict=True)))
    low, _, high = quantiles([one.blocked for one in made], n=4)
    ratio = speed.blocked / stock_blocked if stock_blocked else float("nan")
    good = speed.lcp <= MOST_LCP_MS and ratio <= MOST_BLOCKING and speed.shift <= MOST_SHIFT
    line = (
        f"{name}: LCP {speed.lcp:.0f} ms, blocked {speed.blocked:.0f} ms ({low:.0f}–{high:.0f}; "
        f"{ratio:.2f} times stock), shift {speed.shift:.3f}"
    )
    return line if good else f"{line}  <- over", good


def main(site: Path) -> int:
    chromium = shutil.which("chromium")
    if chromium is None or not (site / "index.html").exists():
        sys.exit("needs chromium and a built site")
    fits = True
    for (page, charts), limit in LIMITS.items():
        size = weight(site, page, charts=charts) / KB
        fits &= size <= limit
        print(f"{page}{' with charts' if charts else ''}: {size:.0f} kB compressed, at most {limit}")
    with (
        tempfile.TemporaryDirectory() as folder,
        served(stock(Path(folder))) as empty,
        served(site) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        made = visits(browser, {"stock": empty, **{page: address + page for page in PAGES}})
        browser.close()
    stock_blocked = median(one.blocked for one in made["stock"])
    for name, all_ in made.items():
        line, good = told(name, all_, stock_blocked)
        fits &= good
        print(line)
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"))
