"""Comments: nothing of them where they are not configured; where they are, nothing is fetched before a click."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.system.folders import BUILD_VARIABLE, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

POST = "blog/onnxruntime-cpu.html"
GISCUS = "https://giscus.app/"
CONFIG = f"""\
INHERIT: {ROOT}/mkdocs.yml
docs_dir: {ROOT}/docs
hooks: [{ROOT}/bench/site/hooks.py]
watch: []
theme: {{custom_dir: {ROOT}/docs/overrides}}
extra:
  giscus: {{repo: someone/somewhere, repo_id: R_1, category: 文章, category_id: C_1}}
"""


@pytest.fixture(scope="module")
def configured(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same site with the discussions of somebody."""
    folder = tmp_path_factory.mktemp("giscus")
    (folder / "mkdocs.yml").write_text(CONFIG, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", str(folder / "mkdocs.yml"), "-d", str(folder / "site")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", BUILD_VARIABLE: str(whole.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_only_posts_have_comments_and_only_where_somebody_wants_them(whole: Path, configured: Path) -> None:
    def knowing(site: Path) -> set[Path]:
        return {
            path.relative_to(site) for path in site.rglob("*.html") if "giscus" in path.read_text("utf-8")
        }

    posts = {path.stem for path in (ROOT / "docs" / "blog" / "posts").glob("*.md")}
    assert knowing(whole) == set()
    assert knowing(configured) == {Path("blog", f"{post}.html") for post in posts}


def test_comments_come_when_asked_for_and_follow_the_theme(visit: Callable, configured: Path) -> None:
    seen = visit("about:blank", color_scheme="dark")
    seen.page.route(f"{GISCUS}**", lambda route: route.fulfill(body="", content_type="text/javascript"))
    seen.page.goto((configured / POST).as_uri())
    button = seen.page.get_by_role("button", name="显示评论")
    button.scroll_into_view_if_needed()
    assert not [url for url in seen.requests if not url.startswith("file:") and url != "about:blank"]
    with seen.page.expect_request(f"{GISCUS}**"):
        button.click()
    script = seen.page.locator(f"script[src^='{GISCUS}']")
    told = script.evaluate("one => ({...one.dataset})")
    wanted = {"repo": "someone/somewhere", "category": "文章", "theme": "dark", "lang": "zh-CN"}
    assert {name: told[name] for name in wanted} == wanted
    plain = visit((configured / POST).as_uri(), java_script_enabled=False).page
    assert plain.locator("article h1").is_visible()
    assert not plain.locator("section.comments").is_visible(), "no button that does nothing"
