"""Pictures of the built site as readers see it: every kind of page, three widths, light and dark.

Not a test: somebody has to look at them. `nox -s shots` puts them into build/shots/, `-- home article` takes
only these pages.
"""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright
from served import served

from bench.system.folders import ROOT, Folders

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PAGES = {
    "home": "index.html",
    "article": "blog/onnxruntime-cpu.html",
    "options": "reference/options.html",
    "findings": "reference/findings.html",
    "evidence": "evidence/arena.html",
    "notebook": "notebooks/thread-ablation.html",
    "blog": "blog/index.html",
    "glossary": "reference/glossary.html",
    "missing": "404.html",
}
WIDTHS = {375: 812, 768: 1024, 1440: 900}
"""Width of the window in pixels -> its height."""
SCHEMES = ("light", "dark")
SCREENS = 4
"""A long page is photographed down to here, in heights of the window."""


def take(browser: Browser, address: str, names: list[str], target: Path) -> None:
    """A picture of the top of every page, and one that reaches further down."""
    for scheme in SCHEMES:
        for width, height in WIDTHS.items():
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                device_scale_factor=1,
            )
            for name in names:
                page.goto(address + PAGES[name])
                _settle(page)
                stem = target / f"{name}-{width}-{scheme}"
                page.screenshot(path=f"{stem}.png")
                page.set_viewport_size({"width": width, "height": height * SCREENS})
                _settle(page)
                page.screenshot(path=f"{stem}-long.png")
                page.set_viewport_size({"width": width, "height": height})
            page.close()


def _settle(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)


def main(names: list[str]) -> None:
    if unknown := set(names) - set(PAGES):
        sys.exit(f"没有叫 {'、'.join(sorted(unknown))} 的页面，可选：{'、'.join(PAGES)}")
    site, chromium = ROOT / "site", shutil.which("chromium") or shutil.which("google-chrome")
    if not (site / "index.html").exists():
        sys.exit("还没有 site/：先运行 nox -s docs")
    if chromium is None:
        sys.exit("找不到 Chromium：Debian 上装 chromium 包")
    target = Folders.here().work.parent / "shots"
    target.mkdir(parents=True, exist_ok=True)
    with served(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        take(browser, address, names or list(PAGES), target)
        browser.close()
    print(f"截图在 {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
