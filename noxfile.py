#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]>=2025.5"]
# ///
"""从克隆到网站：`nox -s docs`；测试：`nox -s tests`。其余任务见 `nox --list`。"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
DECIDES = ("constraints.txt", "pyproject.toml")
"""Files that say what is installed."""
COVERED = ".cache/coverage/report.json"
COVERING = ("tests/measure", "tests/results")
"""Tests of what is counted: tracing the others takes a third of their time and finds no line more."""
LEAST = 95.0
"""Percent: of the lines of what measures, of the branches of what becomes of results."""
COUNTED = (
    ("bench/measure", "行", "covered_lines", "num_statements"),
    ("bench/results", "分支", "covered_branches", "num_branches"),
)
MEASURED_CASE_FAILED = 3
"""Exit status when everything was measured but a case failed."""
BESIDE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""Two processes at a time, each takes a file; see tests/conftest.py."""
SCHEMAS = {"vendor.github-workflows": "workflows/*.y*ml", "vendor.dependabot": "dependabot.yml"}
"""Schemas that check-jsonschema brings, and the files in .github that must keep them."""


def install(session: nox.Session, *groups: str) -> None:
    """The project and dependency groups, pinned. Compiled at once, or every child would do it while measured.

    Nothing is asked of the network, nor of a mirror, while what is wanted stays the same.
    """
    wanted = hashlib.sha256("\n".join((str(Path.cwd()), *groups, *map(_text, DECIDES))).encode()).hexdigest()
    stamp = Path(session.virtualenv.location, "installed")
    if stamp.exists() and stamp.read_text() == wanted:
        session.log("依赖没有变，不用再装")
        return
    stamp.unlink(missing_ok=True)
    needed = nox.project.dependency_groups(PROJECT, *groups) if groups else ()
    compiled = {"UV_COMPILE_BYTECODE": "1", "PYTHONDONTWRITEBYTECODE": ""}
    session.install("-c", "constraints.txt", "-e", ".", *needed, env=compiled)
    if not session._runner.global_config.no_install:  # noqa: SLF001 - `nox -R` installs nothing, and does not say so
        stamp.write_text(wanted)


def _text(name: str) -> str:
    return Path(name).read_text(encoding="utf-8")


@nox.session
def docs(session: nox.Session) -> None:
    """测量本机并建成网站 site/。参数照样传给 bench run，如 -- --profile quick --budget 10m。"""
    install(session)
    # A failed case is data: the site appears all the same, and `site` then ends with the same status.
    codes = (0, MEASURED_CASE_FAILED)
    session.run("python", "-m", "bench", "run", *session.posargs, success_codes=codes)
    session.run("python", "-m", "bench", "site")


@nox.session(default=False)
def machine(session: nox.Session) -> None:
    """测量本机，结果打成一个文件，和别的机器的放在一起看；参数照样传给 bench run，文件在 build/machine。"""
    install(session)
    session.run("python", "-m", "bench", "run", *session.posargs, success_codes=(0, MEASURED_CASE_FAILED))
    session.run("python", "-m", "bench", "export")
    session.run("python", "-m", "bench", "bundle", "--target", "build/machine")


@nox.session(default=False)
def serve(session: nox.Session) -> None:
    """实时预览 http://localhost:8000/，保存即刷新，不会重新测量。"""
    install(session)
    session.run("python", "-m", "mkdocs", "serve", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """命令行工具，如 nox -s bench -- list。"""
    install(session)
    session.run("python", "-m", "bench", *session.posargs, success_codes=(0, MEASURED_CASE_FAILED))


@nox.session(default=False)
def tune(session: nox.Session) -> None:
    """给自己的模型找设置：nox -s tune -- model.onnx；选项见 -- --help。"""
    install(session)
    session.run("python", "-m", "bench", "tune", *session.posargs, success_codes=(0, MEASURED_CASE_FAILED))


@nox.session
def tests(session: nox.Session) -> None:
    """全部测试，并看覆盖率够不够；只跑一部分时（如 -- tests/results，-- -m "not slow"）不算覆盖率。"""
    install(session, "test")
    session.env["PYTHONDONTWRITEBYTECODE"] = (
        ""  # or each of some hundred children would compile the project anew
    )
    pytest = ("python", "-m", "pytest")
    if session.posargs:
        session.run(*pytest, *BESIDE, *session.posargs)
        return
    counting = ("--cov", "--cov-report=term", f"--cov-report=json:{COVERED}")
    session.run(*pytest, *BESIDE, "-m", "not alone", *COVERING, *counting)
    marked = (path for path in Path("tests").rglob("test_*.py") if "mark.alone" in _text(str(path)))
    session.run(*pytest, "-m", "alone", *sorted(map(str, marked)))
    session.run(*pytest, *BESIDE, "-m", "not alone", *(f"--ignore={folder}" for folder in COVERING))
    files = json.loads(_text(COVERED))["files"]
    for folder, what, reached, counted in COUNTED:
        own = [file["summary"] for name, file in files.items() if Path(name).parent == Path(folder)]
        share = 100 * sum(one[reached] for one in own) / sum(one[counted] for one in own)
        told = f"{folder}：{what}覆盖率 {share:.1f}%，至少要 {LEAST:.0f}%"
        (session.log if share >= LEAST else session.error)(told)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff 与 mypy，中文的标点和空格，GitHub 工作流是否安全、合规，别的机器的结果能不能采用。"""
    install(session, "lint", "test")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("python", "tests/lint_writing.py")
    session.run("zizmor", "--offline", "--no-progress", "--persona=auditor", "--strict-collection", ".github")
    if bundles := sorted(str(path) for path in Path("docs/machines").glob("*.json.gz")):
        session.run("python", "-m", "bench", "check", *bundles)
    for schema, pattern in SCHEMAS.items():
        files = sorted(str(path) for path in Path(".github").glob(pattern))
        session.run("check-jsonschema", "--builtin-schema", schema, *files)


@nox.session(default=False)
def shots(session: nox.Session) -> None:
    """给 site/ 的各种页面截图（三种宽度、浅色和深色），放在 build/shots/；-- home article 只截这几页。"""
    install(session, "shots")
    session.run("python", "tests/shots.py", *session.posargs)


if __name__ == "__main__":
    nox.main()
