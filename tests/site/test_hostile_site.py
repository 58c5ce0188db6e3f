"""The real site from results full of hostile text; and no published file says whose machine this is."""

from __future__ import annotations

import getpass
import json
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from faults.texts import (
    HOSTILE,
    MARK,
    Structure,
    is_bounded,
    names_of_this_machine,
    odd_characters,
    published_names,
)
from made_up_site import LINES, MadeUp, sample

from bench.experiments import EXPERIMENTS
from bench.measure import campaign, header
from bench.measure.campaign import Here
from bench.measure.child import Outcome
from bench.models import MODELS
from bench.site import build as making
from bench.system.folders import BUILD_VARIABLE, ROOT, Folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faults.stage import Stage
    from samples import Make

    from bench.models.prepared import Prepared
    from bench.spec import Input

pytest_plugins = ["faults.fixtures"]
EVIL = "".join(hostile.text for hostile in HOSTILE)[:4000]
"""All of them, the megabyte last and cut to what a result file may hold."""
NAMES = {"HOME": "/dev/null/heimstatt-von-nutzer", "USER": "nutzername-0815", "LOGNAME": "nutzername-0815"}
HOST = "rechnername-4711"


class Evil(MadeUp):
    """Says of every failure, of every setting that has no threads of its own, what nobody wants to hear."""

    lines = {heading: [EVIL] for heading in LINES}  # noqa: RUF012 - of one test

    def __call__(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        outcome = super().__call__(job, env, timeout_s)
        if "log_severity_level" in job["settings"] and not job["observe"]:
            return Outcome(0.01, "", failure=self.make.failure("crashed", EVIL))
        return outcome


def _evil(usual: header.Facts) -> header.Facts:
    """All but the switches: a result that was measured under other ones is not shown at all."""
    machine = dict.fromkeys(("cpu", "arch", "system", "libc", "kernel"), EVIL)
    return header.Facts(machine={**usual.machine, **machine}, software=usual.software)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Path:
    """As the made-up site, in a folder with an odd name; nothing is executed in the notebook."""
    folder = tmp_path_factory.mktemp("有毒 的")
    for name in ("docs", "bench"):
        (folder / name).symlink_to(ROOT / name)
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "execute: true" in config
    (folder / "mkdocs.yml").write_text(config.replace("execute: true", "execute: false"), encoding="utf-8")
    facts = _evil(Here.read().facts())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(BUILD_VARIABLE, str(folder / "构 建"))
        model = folder / "toy.onnx"
        model.write_bytes(b"")
        prepared = make.prepared(("any",))
        inputs = {"x": folder / "any.npy"}

        def prepare(_: object, wanted: Sequence[Input], __: object) -> Prepared:
            labels = [one.label for one in wanted]
            paths = dict.fromkeys(labels, inputs)
            return replace(prepared, model_path=model, flops=dict.fromkeys(labels, 1), input_paths=paths)

        patch.setattr(campaign, "prepare", prepare)
        patch.setattr(header, "MODELS", {name: replace(model, title=EVIL) for name, model in MODELS.items()})
        patch.setattr(Here, "facts", lambda _: facts)
        sample(make, patch, Evil, "smoke")
        making.build(folder / "mkdocs.yml", folder / "site", Folders.here())
    return folder / "site"


def test_hostile_text_is_shown_as_text_and_no_element_or_attribute_comes_of_it(built: Path) -> None:
    shown = 0
    for path in built.rglob("*.html"):
        html, name = path.read_text(encoding="utf-8"), path.name
        page = Structure(html)
        shown += f"<script>{MARK}()</script>" in page.text
        names = {attribute for _, *attributes in page.elements for attribute in attributes}
        assert not [one for one in names if one.startswith("on") or MARK in one], name
        assert not [link for link in page.links if MARK in link or link.startswith("javascript:")], name
        assert MARK not in "".join(re.findall(r"<!--.*?-->", html, re.DOTALL)), name
        assert not re.search(rf"<script>[^<]*{MARK}", html), name
        assert MARK * 2 not in page.text, name
        assert not re.search(rf"<h1[^>]*>{MARK}", html), name
        assert MARK not in page.text or "{{ 7*7 }}" in page.text, name
        assert not odd_characters(html) - {"\u200b"}, name  # Material's own
        assert is_bounded(html), name
    assert shown >= 4 + len(EXPERIMENTS)
    for path in (built / "data").rglob("*.json"):
        assert is_bounded(path.read_text(encoding="utf-8")), path.name
    index = json.loads((built / "search" / "search_index.json").read_text(encoding="utf-8"))
    for entry in index["docs"]:
        found = Structure(entry["text"]).elements + Structure(entry["title"]).elements
        assert not [one for one in found if one[0] in ("script", "img") or len(one) > 1], entry["location"]


def _names(*folders: Path) -> list[str]:
    names = [str(Path.home()) + "/", *map(str, (ROOT, *folders)), *names_of_this_machine()]
    with suppress(OSError):
        names.append(getpass.getuser())
    return [name for name in names if name != "runner"]  # a word of ours, too


def test_no_file_names_this_machine_its_user_or_its_folders(built: Path) -> None:
    assert published_names(built, _names(built.parent, built.parent / "构 建")) == []


def test_no_file_of_a_measured_site_does(stage: Stage) -> None:
    """Names that no other word can be mistaken for."""
    named = ("unshare", "--uts", "sh", "-c", f'hostname {HOST} && exec "$0" "$@"')
    allowed = shutil.which("unshare") and not subprocess.call([*named, "true"], stderr=subprocess.DEVNULL)
    if not allowed:
        pytest.skip("这里不允许改主机名")
    stage.env = NAMES
    for start in (stage.start_measuring, stage.start_building):
        done = start(wrapper=named).wait()
        assert done.status == 0, done.output
    names = [HOST, *NAMES.values(), str(stage.checkout), str(stage.folder), *_names()]
    assert published_names(stage.target, names) == []
    assert published_names(stage.folder / "results", names) == []
    (stage.target / "index.html").write_text(HOST, encoding="utf-8")
    assert published_names(stage.target, names) == [f"index.html: {HOST}"]
