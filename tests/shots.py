"""Pictures of the built site as readers see it: every kind of page, three widths, light and dark.

Not a test: somebody has to look at them, in build/shots/. `nox -s shots -- home article` takes only these pages.
"""

from __future__ import annotations

import itertools
import shutil
import sys
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright
from served import served

from bench.system.folders import ROOT, Folders

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

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
SIZES = ((375, 812), (768, 1024), (1440, 900))
SCREENS = {"": 1, "-long": 4}
"""Every page is photographed twice, so many heights of the window down."""


def take(browser: Browser, address: str, names: list[str], target: Path) -> None:
    for scheme, (width, height) in itertools.product(("light", "dark"), SIZES):
        page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light", device_scale_factor=1)
        for name, (suffix, screens) in itertools.product(names, SCREENS.items()):
            page.set_viewport_size({"width": width, "height": height * screens})
            page.goto(address + PAGES[name])
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(300)
            page.screenshot(path=target / f"{name}-{width}-{scheme}{suffix}.png")
        page.close()


def main(names: list[str]) -> None:
    if unknown := set(names) - set(PAGES):
        sys.exit(f"没有叫 {'、'.join(sorted(unknown))} 的页面，可选：{'、'.join(PAGES)}")
    site, chromium = ROOT / "site", shutil.which("chromium") or shutil.which("google-chrome")
    if not (chromium and (site / "index.html").exists()):
        sys.exit("要先运行 nox -s docs，建好 site/；也要有 Chromium，Debian 上装 chromium 包")
    target = Folders.here().work.parent / "shots"
    target.mkdir(parents=True, exist_ok=True)
    with served(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        take(browser, address, names or list(PAGES), target)
    print(f"截图在 {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
