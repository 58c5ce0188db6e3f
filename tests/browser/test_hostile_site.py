"""A draft of the real site from results full of hostile text, with comments; and no published file says whose machine
this is.
"""

from __future__ import annotations

import getpass
import json
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults import texts
from faults.texts import MARK, Structure, published_names
from made_up_draft import BUILT, HEADLINES

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from conftest import Visits
    from faults.stage import Stage

pytest_plugins = ["faults.fixtures"]
NAMES = {"HOME": "/dev/null/heimstatt-von-nutzer", "USER": "nutzername-0815", "LOGNAME": "nutzername-0815"}
HOST, GISCUS = "rechnername-4711", "https://giscus.app/"


def _names(*folders: Path) -> list[str]:
    names = [str(Path.home()) + "/", *map(str, (ROOT, *folders)), *texts.names_of_this_machine()]
    with suppress(OSError):
        names.append(getpass.getuser())
    return [name for name in names if name != "runner"]  # a word of ours, too


def test_hostile_text_is_shown_as_text_and_no_file_names_this_machine_or_its_folders(drafted: Path) -> None:
    shown = 0
    for path in drafted.rglob("*.html"):
        html, name = path.read_text(encoding="utf-8"), path.name
        page = Structure(html)
        shown += f"<script>{MARK}()</script>" in page.text
        names = {attribute for _, *attributes in page.elements for attribute in attributes}
        assert not [one for one in names if one.startswith("on") or MARK in one], name
        assert not [link for link in page.links if MARK in link or link.startswith("javascript:")], name
        for executed in (rf"<!--(?:(?!-->).)*{MARK}", rf"<script>[^<]*{MARK}", rf"<h1[^>]*>{MARK}"):
            assert not re.search(executed, html, re.DOTALL), name
        assert MARK * 2 not in page.text, name
        assert MARK not in page.text or "{{ 7*7 }}" in page.text, name
        assert not texts.odd_characters(html) - {"\u200b"}, name  # Material's own
        assert texts.is_bounded(html), name
    assert shown >= 4 + len(HEADLINES)
    for path in (drafted / "data").rglob("*.json"):
        assert texts.is_bounded(path.read_text(encoding="utf-8")), path.name
    index = json.loads((drafted / "search" / "search_index.json").read_text(encoding="utf-8"))
    for entry in index["docs"]:
        found = Structure(entry["text"]).elements + Structure(entry["title"]).elements
        assert not [one for one in found if one[0] in ("script", "img") or len(one) > 1], entry["location"]
    assert published_names(drafted, _names(drafted.parent, drafted.parent / BUILT)) == []


def test_no_file_of_a_measured_site_names_its_machine_and_user(stage: Stage) -> None:
    """Names that no other word can be mistaken for."""
    named = ("unshare", "--uts", "sh", "-c", f'hostname {HOST} && exec "$0" "$@"')
    if not shutil.which("unshare") or subprocess.call([*named, "true"], stderr=subprocess.DEVNULL):
        pytest.skip("这里不允许改主机名")
    stage.env = NAMES
    for start in (stage.start_measuring, stage.start_building):
        done = start(wrapper=named).wait()
        assert done.status == 0, done.output
    assert "还没有测" in (stage.target / "evidence" / "slow.html").read_text(encoding="utf-8")
    names = [HOST, *NAMES.values(), str(stage.checkout), str(stage.folder), *_names()]
    assert published_names(stage.target, names) == []
    assert published_names(stage.folder / "results", names) == []
    (stage.target / "index.html").write_text(HOST, encoding="utf-8")
    assert published_names(stage.target, names) == [f"index.html: {HOST}"]


def test_comments_come_when_asked_for_and_follow_the_theme(visit: Visits, whole: Path, drafted: Path) -> None:
    """On posts, where somebody wants them; nothing of hostile text runs, and without scripts there is no button."""
    posts = {f"blog/{path.stem}.html" for path in (ROOT / "docs" / "blog" / "posts").glob("*.md")}
    for site, wanted in ((whole, set()), (drafted, posts)):
        found = {path for path in site.rglob("*.html") if "giscus" in path.read_text(encoding="utf-8")}
        assert {path.relative_to(site).as_posix() for path in found} == wanted
    seen, post = (
        visit("about:blank", color_scheme="dark"),
        (drafted / "blog" / "onnxruntime-cpu.html").as_uri(),
    )
    seen.page.route(f"{GISCUS}**", lambda route: route.fulfill(body="", content_type="text/javascript"))
    seen.page.goto(post)
    button = seen.page.get_by_role("button", name="显示评论")
    button.scroll_into_view_if_needed()
    assert not [url for url in seen.requests if not url.startswith(("file:", "about:blank"))]
    with seen.page.expect_request(f"{GISCUS}**"):
        button.click()
    told = seen.page.locator(f"script[src^='{GISCUS}']").evaluate("one => ({...one.dataset})")
    wanted = {"repo": "someone/somewhere", "category": "文章", "theme": "dark", "lang": "zh-CN"}
    assert {name: told[name] for name in wanted} == wanted
    assert seen.errors == []
    plain = visit(post, java_script_enabled=False).page
    assert plain.locator("article h1").is_visible()
    assert not plain.locator("section.comments").is_visible()
