"""The GitHub workflows keep the rules that no linter knows: who may deploy, what a pull request may reach.

Pins, credentials in a checkout, dangerous triggers and permissions of whole workflows are looked at by zizmor.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKFLOWS = ROOT / ".github" / "workflows"
TESTS, PAGES = (WORKFLOWS / f"{name}.yml" for name in ("tests", "pages"))
ON_MAIN = "github.ref == 'refs/heads/main'"
OUR_OWN = {"push", "workflow_dispatch", "schedule"}
"""Events that only somebody with write access, or the clock, can cause."""
NEWEST = "3.14"


def problems(text: str) -> Iterator[str]:
    """What is wrong with a workflow, a sentence each."""
    workflow = yaml.safe_load(text)
    triggers, jobs = workflow[True], workflow["jobs"]  # YAML 1.1 takes the key `on` for the truth
    foreign = sorted(triggers.keys() - OUR_OWN)
    for name, job in jobs.items():
        writes = "write" in str(job.get("permissions"))
        if "timeout-minutes" not in job:
            yield f"{name}: no timeout"
        if foreign and re.search(r"\bsecrets\b", yaml.safe_dump(job)):
            yield f"{name}: a pull request reaches secrets"
        if foreign and writes:
            yield f"{name}: a pull request may write"
        if writes:
            yield from (f"{name}: {problem}" for problem in _deployment_problems(name, jobs, triggers))


def _deployment_problems(name: str, jobs: dict[str, Any], triggers: dict[str, Any]) -> Iterator[str]:
    """A job that may write deploys, and what it deploys was made on main by the jobs that it waits for."""
    job = jobs[name]
    if "push" in triggers and (triggers["push"] or {}).get("branches") != ["main"]:
        yield "pushes to other branches than main deploy"
    if job["permissions"] != {"pages": "write", "id-token": "write"}:
        yield "other permissions than a deployment needs"
    if (job.get("environment") or {}).get("name") != "github-pages":
        yield "not in the environment github-pages"
    needed = job.get("needs", [])
    for one in [name, *([needed] if isinstance(needed, str) else needed)]:
        if jobs[one].get("if") != ON_MAIN:
            yield f"{one} not only on main"


@pytest.mark.parametrize("path", [TESTS, PAGES], ids=lambda path: path.name)
def test_workflow_keeps_the_rules(path: Path) -> None:
    assert list(problems(path.read_text(encoding="utf-8"))) == []


BROKEN = {
    "no timeout": (TESTS, "    timeout-minutes: 60\n", ""),
    "a pull request reaches secrets": (TESTS, "nox -s tests", "nox -s tests\n        env: {T: '${{ secrets.T }}'}"),
    "a pull request may write": (TESTS, "contents: read # to", "contents: write # to"),
    "pushes to other branches": (PAGES, "branches: [main]", "branches: [main, next]"),
    "build not only on main": (PAGES, f"    name: 测量并建站\n    if: {ON_MAIN}\n", "    name: 测量并建站\n"),
    "deploy not only on main": (PAGES, ON_MAIN, f"{ON_MAIN} || true"),
    "other permissions": (PAGES, "      pages: write", "      contents: write\n      pages: write"),
    "not in the environment": (PAGES, "name: github-pages", "name: elsewhere"),
}  # fmt: skip


@pytest.mark.parametrize(("says", "change"), BROKEN.items(), ids=BROKEN)
def test_broken_workflow_is_noticed(says: str, change: tuple[Path, str, str]) -> None:
    path, whole, broken = change
    text = path.read_text(encoding="utf-8")
    assert whole in text
    assert says in "\n".join(problems(text.replace(whole, broken)))


def test_matrix_names_every_python_from_the_oldest_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest, newest = (int(one.rpartition(".")[2]) for one in (project["requires-python"], NEWEST))
    jobs = yaml.safe_load(TESTS.read_text(encoding="utf-8"))["jobs"]
    named = jobs["tests"]["strategy"]["matrix"]["python"]
    assert named == [f"3.{minor}" for minor in range(oldest, newest + 1)]


def test_workflows_run_what_the_readme_tells_a_newcomer() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = "".join(path.read_text(encoding="utf-8") for path in (TESTS, PAGES))
    commands = set(re.findall(r"python -m nox -s \w+", text))
    assert commands == {f"python -m nox -s {session}" for session in ("lint", "tests", "docs")}
    assert all(command in readme for command in commands)
