"""The GitHub workflows keep the rules that no linter knows: who may deploy, what a pull request may reach."""

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
USES = re.compile(r"^\s*(?:- )?uses:(.*)$", re.MULTILINE)
PINNED = re.compile(r" [\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40} # v\d+(?:\.\d+)*")
ON_MAIN = "github.ref == 'refs/heads/main'"
OUR_OWN = {"push", "workflow_dispatch", "schedule"}
"""Events that only somebody with write access, or the clock, can cause."""
NEWEST = "3.14"


def problems(text: str) -> Iterator[str]:
    """What is wrong with a workflow, a sentence each."""
    workflow = yaml.safe_load(text)
    triggers = workflow[True]  # YAML 1.1 takes the key `on` for the truth
    yield from (f"not pinned: {use}" for use in USES.findall(text) if not PINNED.fullmatch(use))
    if len(USES.findall(text)) != str(workflow).count("'uses':"):
        yield "an action is not on a line of its own, where its pin can be read"
    if workflow.get("permissions") != {}:
        yield "permissions are granted to the whole workflow"
    if "concurrency" not in workflow:
        yield "no concurrency"
    yield from (f"dangerous trigger: {name}" for name in triggers.keys() - OUR_OWN - {"pull_request"})
    for name, job in workflow["jobs"].items():
        yield from (f"{name}: {problem}" for problem in _job_problems(job, triggers))
    yield from _deployment_problems(workflow["jobs"], triggers)


def _job_problems(job: dict[str, Any], triggers: dict[str, Any]) -> Iterator[str]:
    if "timeout-minutes" not in job:
        yield "no timeout"
    if not isinstance(job.get("permissions"), dict):
        yield "does not name its permissions"
    for step in job.get("steps", ()):
        if (
            "actions/checkout@" in step.get("uses", "")
            and step.get("with", {}).get("persist-credentials") is not False
        ):
            yield "leaves its credentials in the checkout"
    if triggers.keys() - OUR_OWN:
        if re.search(r"\bsecrets\b", yaml.safe_dump(job)):
            yield "a pull request reaches secrets"
        if _writes(job):
            yield "a pull request may write"


def _writes(job: dict[str, Any]) -> bool:
    return "write" in str(job.get("permissions"))


def _deployment_problems(jobs: dict[str, Any], triggers: dict[str, Any]) -> Iterator[str]:
    """A job that may write deploys, and what it deploys was made on main by the jobs that it waits for."""
    for name, job in jobs.items():
        if not _writes(job):
            continue
        if triggers.keys() - OUR_OWN:
            yield f"{name}: deploys on {sorted(triggers.keys() - OUR_OWN)}"
        if "push" in triggers and (triggers["push"] or {}).get("branches") != ["main"]:
            yield f"{name}: pushes to other branches than main deploy"
        if job["permissions"] != {"pages": "write", "id-token": "write"}:
            yield f"{name}: other permissions than a deployment needs"
        if (job.get("environment") or {}).get("name") != "github-pages":
            yield f"{name}: not in the environment github-pages"
        needed = job.get("needs", [])
        for one in [name, *([needed] if isinstance(needed, str) else needed)]:
            if jobs[one].get("if") != ON_MAIN:
                yield f"{one}: not only on main"


def python_problems(text: str, requires_python: str) -> Iterator[str]:
    """Every minor version from the oldest that we promise to the newest, without a gap."""
    versions = yaml.safe_load(text)["jobs"]["tests"]["strategy"]["matrix"]["python"]
    oldest, newest = (int(one.rpartition(".")[2]) for one in (requires_python.removeprefix(">="), NEWEST))
    wanted = [f"3.{minor}" for minor in range(oldest, newest + 1)]
    if versions != wanted:
        yield f"{versions} instead of {wanted}"


def _requires_python() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["requires-python"])


@pytest.mark.parametrize("path", sorted(WORKFLOWS.glob("*.y*ml")), ids=lambda path: path.name)
def test_workflow_keeps_the_rules(path: Path) -> None:
    assert list(problems(path.read_text(encoding="utf-8"))) == []


def test_both_workflows_are_there() -> None:
    assert {path.name for path in WORKFLOWS.iterdir()} >= {TESTS.name, PAGES.name}


SHA = "3d3c42e5aac5ba805825da76410c181273ba90b1"
BROKEN = {
    "tag instead of a commit": (TESTS, f"@{SHA} # v7.0.1", "@v7", "not pinned"),
    "short commit": (TESTS, SHA, SHA[:12], "not pinned"),
    "no version beside the commit": (TESTS, f"{SHA} # v7.0.1", SHA, "not pinned"),
    "action in braces": (
        TESTS,
        "      - name: 装 nox\n",
        "      - {uses: a/b@v1}\n      - name: 装 nox\n",
        "on a line of its own",
    ),
    "privileged trigger": (TESTS, "  pull_request:", "  pull_request_target:", "dangerous trigger"),
    "trigger of another workflow": (
        PAGES,
        "  workflow_dispatch:",
        "  workflow_run: {workflows: [x]}",
        "dangerous trigger",
    ),
    "permissions for all": (
        TESTS,
        "\npermissions: {}\n",
        "\npermissions: {contents: read}\n",
        "whole workflow",
    ),
    "no word on permissions": (TESTS, "\npermissions: {}\n", "\n", "whole workflow"),
    "job without its permissions": (
        TESTS,
        "    permissions:\n      contents: read # to check out the code\n",
        "",
        "lint: does not name its permissions",
    ),
    "no timeout": (TESTS, "    timeout-minutes: 60\n", "", "tests: no timeout"),
    "no concurrency": (TESTS, "\nconcurrency:", "\nenv:", "no concurrency"),
    "credentials left behind": (
        TESTS,
        "persist-credentials: false",
        "persist-credentials: true",
        "lint: leaves its credentials",
    ),
    "secret for strangers": (
        TESTS,
        "run: python -m nox -s tests",
        "run: python -m nox -s tests\n        env: {TOKEN: '${{ secrets.TOKEN }}'}",
        "tests: a pull request reaches secrets",
    ),
    "strangers may write": (
        TESTS,
        "contents: read # to",
        "contents: write # to",
        "lint: a pull request may write",
    ),
    "pull request deploys": (
        PAGES,
        "  workflow_dispatch:",
        "  pull_request:",
        "deploy: deploys on ['pull_request']",
    ),
    "any branch deploys": (PAGES, "\n    branches: [main]", "", "deploy: pushes to other branches"),
    "another branch deploys": (
        PAGES,
        "branches: [main]",
        "branches: [main, next]",
        "deploy: pushes to other branches",
    ),
    "any branch builds what is deployed": (
        PAGES,
        f"    name: 测量并建站\n    if: {ON_MAIN}\n",
        "    name: 测量并建站\n",
        "build: not only on main",
    ),
    "dispatch on any branch deploys": (
        PAGES,
        f"    needs: build\n    if: {ON_MAIN}\n",
        "    needs: build\n",
        "deploy: not only on main",
    ),
    "condition that is always met": (PAGES, ON_MAIN, f"{ON_MAIN} || true", "deploy: not only on main"),
    "deployment may change the code": (
        PAGES,
        "      pages: write",
        "      contents: write\n      pages: write",
        "deploy: other permissions",
    ),
    "no environment": (PAGES, "name: github-pages", "name: elsewhere", "deploy: not in the environment"),
}


@pytest.mark.parametrize(("path", "whole", "broken", "says"), BROKEN.values(), ids=BROKEN)
def test_broken_workflow_is_noticed(path: Path, whole: str, broken: str, says: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert whole in text
    assert says in "\n".join(problems(text.replace(whole, broken)))


def test_matrix_names_every_python_from_the_oldest_promised() -> None:
    assert list(python_problems(TESTS.read_text(encoding="utf-8"), _requires_python())) == []


@pytest.mark.parametrize(
    ("requires", "whole", "broken"),
    [(">=3.12", "", ""), (">=3.10", "", ""), (">=3.11", '"3.13", ', ""), (">=3.11", ', "3.14"', "")],
)
def test_gap_in_the_matrix_is_noticed(requires: str, whole: str, broken: str) -> None:
    text = TESTS.read_text(encoding="utf-8")
    assert whole in text
    assert list(python_problems(text.replace(whole, broken), requires))


def test_workflows_run_what_the_readme_tells_a_newcomer() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = {
        step["run"].strip()
        for path in (TESTS, PAGES)
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        for step in job["steps"]
        if "nox -s" in step.get("run", "")
    }
    assert {command.partition(" -- ")[0] for command in commands} == {
        f"python -m nox -s {session}" for session in ("lint", "tests", "docs")
    }
    assert all(command.partition(" -- ")[0] in readme for command in commands)
