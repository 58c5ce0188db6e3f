"""What is said, in both languages, where it leads, what is offered, and the Python that it needs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import string
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from trees import doctor

from bench.facts.symptoms import symptoms
from bench.pages import doctor as offered
from bench.system.folders import ROOT

HAN = re.compile("[\u4e00-\u9fff]")
FIGURES = {"share": 0.5, "quota": 1.5, "seconds": 1.0, "burnt": 0.5, "others": 0.1}
"""Those that are printed as numbers; any text does for the others."""


def named(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", doctor.FINDINGS)
def test_every_finding_in_both_languages_with_the_same_figures(name: str) -> None:
    advice = doctor.FINDINGS[name]
    assert named(advice.zh) == named(advice.en)
    figures = {one: FIGURES.get(one, 7) for one in named(advice.zh + advice.zh_do + advice.en_do)}
    for tongue, has in ((0, True), (1, False)):
        told = doctor.told(name, figures, tongue)
        assert bool(HAN.search(told["text"])) is has
        assert bool(HAN.search(told["remedy"])) is has
        assert "{" not in told["text"] + told["remedy"]


def test_notes_facts_and_words_stand_in_both_languages() -> None:
    for texts in (doctor.NOTES, doctor.WORDS):
        for name, (zh, en) in texts.items():
            assert named(zh) == named(en), name
    for texts in (doctor.NOTES, doctor.WORDS, doctor.FACTS):
        assert not any(HAN.search(en) for _, en in texts.values())


def test_findings_lead_to_symptoms_and_symptoms_to_the_diagnosis() -> None:
    pages = {advice.page for advice in doctor.FINDINGS.values()}
    anchors = {
        page.partition("#")[2].replace("-", "_") for page in pages if page.startswith("symptoms.html#")
    }
    assert {one.id for one in symptoms() if one.doctor} == anchors
    known = tomllib.loads((ROOT / "bench/facts/traps.toml").read_text(encoding="utf-8"))["trap"]
    traps = {f"reference/traps.html#trap-{trap['id']}" for trap in known}
    assert {page for page in pages if not page.startswith("symptoms.html#")} <= traps


def test_every_finding_and_note_is_said_by_a_check() -> None:
    code = offered.FILE.read_text(encoding="utf-8").partition("\n# --- Judging")[2]
    assert {name for name in (*doctor.FINDINGS, *doctor.NOTES) if f'"{name}"' not in code} == set()


def run(
    *arguments: str, environ: dict[str, str] | None = None, code: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(["-c", code] if code else [str(offered.FILE)]), *arguments]
    env = innocent() | (environ or {})
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def innocent() -> dict[str, str]:
    """Without what would be found: other tests may have set it."""
    found = ("OMP_", "ORT_", "MALLOC_")
    return {name: value for name, value in os.environ.items() if not name.startswith(found)}


def test_exit_status_and_languages(tmp_path: Path) -> None:
    planted = {"ORT_NUM_THREADS": "1"}
    clean, dirty = run("--lang", "en"), run("--lang", "en", environ=planted)
    assert (clean.returncode, dirty.returncode) == (0, 1)
    assert "Nothing found." in clean.stdout
    assert not HAN.search(dirty.stdout)
    both = run("--lang", "en", environ={"ORT_NUM_THREADS": "1", "ORT_DISABLE_ARENA": "1"}).stdout
    assert "ORT_NUM_THREADS, ORT_DISABLE_ARENA is set" in both
    assert "没有这样的变量" in run(environ=planted | {"PYTHONIOENCODING": "utf-8"}).stdout
    assert "ORT_NUM_THREADS is set" in run(environ=planted | {"PYTHONIOENCODING": "ascii"}).stdout
    for wrong in (("--pid", "999999999"), ("--model", str(tmp_path / "none.onnx"))):
        refused = run(*wrong)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert len(refused.stderr.splitlines()) == 1
    with subprocess.Popen(["sleep", "30"], env=innocent()) as shell:
        other = run("--pid", str(shell.pid), "--seconds", "0.1")
        shell.kill()
    assert (other.returncode, "没有加载 onnxruntime" in other.stdout) == (2, True), other.stdout
    assert "Examples" in run("--help", "--lang", "en").stdout
    assert "退出码" in run("--help", environ={"PYTHONIOENCODING": "utf-8"}).stdout


def test_what_programs_read() -> None:
    told: dict[str, Any] = json.loads(run("--json", environ={"OMP_NUM_THREADS": "3"}).stdout)
    assert [one["id"] for one in told["findings"]] == ["variable_openmp"]
    assert told["findings"][0]["figures"] == {"names": ["OMP_NUM_THREADS"]}
    assert told["facts"]["usable"] >= 1


WATCHED = """
import runpy, sys

def hook(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if writes or event.startswith(("socket.", "os.remove", "os.rename", "os.mkdir")):
        raise RuntimeError(f"{event} {args}")

sys.addaudithook(hook)
sys.dont_write_bytecode = True
try:
    runpy.run_path(sys.argv.pop(1), run_name="__main__")
except SystemExit as end:
    assert not {"onnxruntime", "onnx"} & sys.modules.keys()
    sys.exit(end.code)
"""


def test_nothing_is_written_sent_or_loaded_while_looking() -> None:
    done = run(str(offered.FILE), "--pid", str(os.getpid()), "--json", code=WATCHED)
    assert json.loads(done.stdout), done.stderr
    assert not done.stderr


def test_what_is_offered_knows_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(offered.ADDRESS, "https://example.org/guide/")
    text = offered.stamped()
    done = run("--lang", "en", code=text, environ={"ORT_NUM_THREADS": "1"})
    assert "https://example.org/guide/reference/traps.html#trap-invented-variables" in done.stdout
    assert re.search(
        r"^doctor \d+\.\d+\.\d+-[0-9a-f]{8} https://example.org/guide/$", done.stdout, re.MULTILINE
    )
    assert hashlib.sha256(text.encode()).hexdigest() == offered.checksum()
    assert "https://example.org/guide/tools/doctor.py" in offered.download()
    assert offered.checksum() in offered.download()
    assert "发现" in offered.example()


def test_python_3_8_is_enough() -> None:
    """For the diagnosis; and for the process that is measured, which may run in an old environment."""
    folder = ROOT / "bench" / "measure"
    measured = [folder / f"{name}.py" for name in ("worker", "calling", "counters")]
    measured.append(ROOT / "bench" / "subjects" / "session.py")
    vermin = [Path(sys.executable).with_name("vermin"), "--no-tips", "--violations", "-t=3.8-"]
    done = subprocess.run(
        [*vermin, str(offered.FILE), *map(str, measured)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
