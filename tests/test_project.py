"""What surrounds the code: workflows and pins keep rules that no linter knows, sessions of nox install and lint.

Pins, credentials in a checkout, dangerous triggers and permissions of whole workflows are looked at by zizmor.
"""

from __future__ import annotations

import re
import runpy
import sys
import tomllib
from typing import TYPE_CHECKING
from unittest.mock import Mock

import lint_writing
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = ("constraints.txt", "pyproject.toml", "README.md")
WORKFLOWS = (".github/workflows/tests.yml", ".github/workflows/pages.yml")
CONSTRAINTS, PROJECT, README, TESTS, PAGES = (
    (ROOT / name).read_text(encoding="utf-8") for name in FILES + WORKFLOWS
)
ON_MAIN = "github.ref == 'refs/heads/main'"
ONLY_ON_MAIN = (ON_MAIN, f"${{{{ !cancelled() && {ON_MAIN} }}}}")
OUR_OWN = {"push", "workflow_dispatch", "schedule"}
"""Events that only somebody with write access, or the clock, can cause."""
NEWEST = "3.14"
PIN = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[0-9][\w.!+]*)(?: ; \S.*)?")
"""Nothing but a name, a version and a marker: no address, no option, no hash."""


def workflow_problems(text: str) -> Iterator[str]:
    """What is wrong with a workflow, a sentence each."""
    workflow = yaml.safe_load(text)
    triggers, jobs = workflow[True], workflow["jobs"]  # YAML 1.1 takes the key `on` for the truth
    foreign = sorted(triggers.keys() - OUR_OWN)
    for name, job in jobs.items():
        writes = "write" in str(job.get("permissions"))  # deploys what was made by the jobs that it waits for
        needed = job.get("needs", [])
        makers = [name, *([needed] if isinstance(needed, str) else needed)] if writes else []
        pushed, place = triggers.get("push", {"branches": ["main"]}) or {}, job.get("environment") or {}
        wrong = {
            "no timeout": "timeout-minutes" not in job,
            "a pull request reaches secrets": foreign and re.search(r"\bsecrets\b", yaml.safe_dump(job)),
            "a pull request may write": foreign and writes,
            "pushes to other branches than main deploy": writes and pushed.get("branches") != ["main"],
            "other permissions": writes and job["permissions"] != {"pages": "write", "id-token": "write"},
            "not in the environment github-pages": writes and place.get("name") != "github-pages",
            **{f"{one} not only on main": jobs[one].get("if") not in ONLY_ON_MAIN for one in makers},
        }
        yield from (f"{name}: {says}" for says, holds in wrong.items() if holds)


BROKEN = {
    "no timeout": (TESTS, "    timeout-minutes: 60\n", ""),
    "a pull request reaches secrets": (TESTS, "nox -s tests", "nox -s tests\n        env: {T: '${{ secrets.T }}'}"),
    "a pull request may write": (TESTS, "contents: read # to", "contents: write # to"),
    "pushes to other branches": (PAGES, "branches: [main]", "branches: [main, next]"),
    "build not only on main": (PAGES, f"    if: ${{{{ !cancelled() && {ON_MAIN} }}}}\n", ""),
    "deploy not only on main": (PAGES, ON_MAIN, f"{ON_MAIN} || true"),
    "other permissions": (PAGES, "      pages: write", "      contents: write\n      pages: write"),
    "not in the environment": (PAGES, "name: github-pages", "name: elsewhere"),
}  # fmt: skip


def test_workflows_keep_the_rules_and_broken_ones_are_noticed() -> None:
    assert [*workflow_problems(TESTS), *workflow_problems(PAGES)] == []
    for says, (text, whole, broken) in BROKEN.items():
        assert whole in text
        assert says in "\n".join(workflow_problems(text.replace(whole, broken)))


def test_every_python_from_the_oldest_promised_is_tested_and_the_readme_tells_the_commands() -> None:
    promised = tomllib.loads(PROJECT)["project"]["requires-python"]
    oldest, newest = (int(one.rpartition(".")[2]) for one in (promised, NEWEST))
    named = yaml.safe_load(TESTS)["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert named == [f"3.{minor}" for minor in range(oldest, newest + 1)]
    commands = set(re.findall(r"python -m nox -s \w+", TESTS + PAGES))
    assert commands == {f"python -m nox -s {session}" for session in ("lint", "tests", "docs", "machine")}
    assert all(command in README for command in commands)
    pins = next(line for line in README.splitlines() if "uv pip compile" in line)
    groups = {f"--group {name}" for name in tomllib.loads(PROJECT)["dependency-groups"]}
    assert groups == set(re.findall(r"--group \w+", pins))
    assert "--python-version 3.11" in pins
    assert "-o constraints.txt" in pins


def pin_problems(constraints: str, project: str) -> Iterator[str]:
    """What is wrong with the pins, a sentence each. Bounds shut out repairs too, so each has to say what breaks."""
    pins: dict[str, list[str]] = {}
    for line in constraints.splitlines():
        if pin := PIN.fullmatch(line):
            pins.setdefault(pin["name"], []).append(pin["version"])
        else:
            yield f"not a pin: {line}"
    read = tomllib.loads(project)
    groups = [one for group in read["dependency-groups"].values() for one in group if isinstance(one, str)]
    for wanted in map(Requirement, [*read["project"]["dependencies"], *groups]):
        versions = pins.get(canonicalize_name(wanted.name), [])
        if not versions:
            yield f"no pin: {wanted}"
        yield from (f"{wanted} is pinned to {one}" for one in versions if one not in wanted.specifier)
    for line in project.splitlines():
        code, _, reason = line.partition("#")
        if re.search(r'"[\w.-]+[^"]*(?:<|==|~=)[^"]*"', code) and not reason.strip():
            yield f"upper bound without a reason: {line}"


def test_everything_is_pinned_no_pin_names_its_origin_and_bounds_have_reasons() -> None:
    assert list(pin_problems(CONSTRAINTS, PROJECT)) == []
    good = (
        "a-b==1.5\nc-d==3.0 ; python_full_version < '3.12'\nc-d==3.1 ; python_full_version >= '3.12'\ne==1\n"
    )
    project = '[project]\ndependencies = [\n"a-b>=1,<2", # why\n]\n[dependency-groups]\nlint = ["C_d>=3"]\n'
    assert list(pin_problems(good, project)) == []
    assert list(pin_problems(good, project.replace("# why", "")))
    for line in (
        "--find-links wheels",
        "-e .",
        "f @ https://x.org/f.gz",
        "f==1 --hash=sha256:00",
        "f>=1",
        "F==1",
    ):
        assert list(pin_problems(f"{good}{line}\n", project)), line
    for whole, broken in (("a-b==1.5\n", ""), ("a-b==1.5", "a-b==2.0"), ("c-d==3.1", "c-d==2.9")):
        assert list(pin_problems(good.replace(whole, broken), project)), broken


def test_session_installs_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or was not installed. With a nox that does nothing: `nox -s tests` does not install nox itself."""
    nox, session = Mock(), Mock()
    nox.session = lambda function=None, **_: function or (lambda one: one)
    nox.project.dependency_groups = lambda _, *groups: groups
    session.virtualenv.location = str(tmp_path)
    monkeypatch.setitem(sys.modules, "nox", nox)
    monkeypatch.chdir(tmp_path)
    deciding = [tmp_path / name for name in ("constraints.txt", "pyproject.toml")]
    for file in deciding:
        file.write_text("a==1\n", encoding="utf-8")
    install = runpy.run_path(str(ROOT / "noxfile.py"))["install"]
    session.install.side_effect = ConnectionError
    with pytest.raises(ConnectionError):
        install(session)
    session.install.side_effect = None
    for no_install in (True, False):  # `nox -R` first
        session._runner.global_config.no_install = no_install
        install(session)
    assert session.install.call_count == 3
    session.install.side_effect = ConnectionError  # nothing is asked of the network
    install(session)
    session.install.side_effect = None
    for number, file in enumerate(deciding, 4):
        file.write_text("a==2\n", encoding="utf-8")
        install(session)
        assert session.install.call_count == number
    install(session, "test")
    assert [call.args[-1] for call in session.install.call_args_list] == [*["."] * 5, "test"]


FAULTY = (
    ("在Linux上推理。", "markdown"),
    ("关 arena,再测。", "markdown"),
    ('x = "关闭arena"\n', "python"),
    ('does = "关闭arena"\n', "toml"),
)
RIGHT = (
    ("在 Linux 上推理，关 arena。", "markdown"),
    ("`在Linux上`", "markdown"),
    ("onnxruntime 与 pyperf", "markdown"),
    ('x = f"{a}，{b}（{c}）。"\n', "python"),
    ('x = "no Chinese, at all"\n', "python"),
)


def test_linter_of_chinese_finds_faults_leaves_names_and_templates_alone_and_finds_none_of_ours() -> None:
    for text, kind in FAULTY + RIGHT:
        assert bool(list(lint_writing.faults(text, kind))) is ((text, kind) in FAULTY), text
    with pytest.raises(SystemExit) as ended:
        lint_writing.main()
    assert ended.value.code == 0
